"""From what the machine reports to records of the wire, stamped with the wall clock. One place, so that all agree."""

import json
import time
from collections.abc import Callable

import msgspec

from agent.config import BranchSettings
from failover.actions import ActReported, LinkChanged
from wire.messages import MAX_TEXT, Act, Event, LinkState, StateChange


class Reporter:
    """Makes event records."""

    def __init__(self, settings: BranchSettings, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_ns = wall_ns
        self._told: dict[str, LinkState] = {}
        self.retarget(settings)

    def retarget(self, settings: BranchSettings) -> None:
        """Take new settings; what was told of the paths that stay is kept."""
        self._paths = {path.name: path for path in settings.path}
        self._told = {name: state for name, state in self._told.items() if name in self._paths}

    def event_of(self, action: LinkChanged | ActReported) -> Event | None:
        """The record of a report; None for the short suspicions that end as they began: they stay at the branch."""
        if isinstance(action, ActReported):
            return Act(
                at_ns=self._wall_ns(),
                id=action.id,
                kind=action.kind,
                outcome=action.outcome,
                from_path=action.from_path,
                to_path=action.to_path,
                reason=one_line(action.reason),
                route_ms=action.route_ms,
            )
        if action.new in {LinkState.SUSPECT, self._told.get(action.path)}:
            return None
        self._told[action.path] = action.new
        path = self._paths[action.path]
        return StateChange(
            at_ns=self._wall_ns(),
            path=path.name,
            role=path.role,
            isp=path.isp,
            old=action.old,
            new=action.new,
            reason=one_line(action.reason),
            silence_ms=None if action.silence_s is None else round(action.silence_s * 1000, 3),
        )


def one_line(text: str) -> str:
    """Free text as the wire carries it: one line, bounded. A collector refuses a record with anything else."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MAX_TEXT]


def as_line(kind: str, value: object) -> str:
    """One JSON line for people and scripts that watch the agent's standard output."""
    body = msgspec.to_builtins(value)
    if isinstance(value, msgspec.Struct):
        body = {name: msgspec.to_builtins(getattr(value, name)) for name in value.__struct_fields__}
    return json.dumps({"event": kind, **body})
