"""A branch of two wires and 5G as commissioning sees it, and a walk in virtual time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from agent.commission.record import FORMAT, Record
from agent.commission.seen import PathSeen, Seen, UplinkSeen
from agent.commission.steps import Step, plan
from agent.commission.talk import StoppedError
from agent.commission.walk import Walk
from agent.config import BranchSettings
from branchline.settings import parse

NAMES = ("fibre", "dsl", "5g")


def settings(wires: tuple[str, ...] = ("fibre", "dsl"), *, cell: bool = True, broker: bool = True) -> BranchSettings:
    text = '[agent]\ntenant = "acme"\nbranch = "lyon-3"\nname = "rtr1"\n'
    text += '[broker]\nhost = "broker.example.com"\n' if broker else ""
    for rank, name in enumerate((*wires, *(("5g",) if cell else ())), 1):
        role = "cell" if name == "5g" else "wire"
        text += f'[[path]]\nname = "{name}"\ninterface = "if{rank}"\nrank = {rank}\nrole = "{role}"\n'
    for number in (1, 2, 3):
        text += f'[[anchor]]\nname = "a{number}"\nipv4 = "192.0.2.{number}"\n'
    return parse(text, BranchSettings, "agent.toml")


def seen(active: str, *, state: str = "OK", moving: bool = False, connected: bool = True, **links: str) -> Seen:
    """All UP but what is named, each for a second; `5g` is written `g5`."""
    links = {name.replace("g5", "5g"): link for name, link in links.items()}
    return Seen(
        state,
        active or None,
        tuple(PathSeen(name, links.get(name, "UP"), 1.0) for name in NAMES),
        "cafe",
        {"to_path": "dsl"} if moving else None,
        UplinkSeen(connected, None if connected else "broker x: no answer"),
    )


def record(*, dry_run: bool = False) -> Record:
    return Record(
        format=FORMAT,
        tenant="acme",
        branch="lyon-3",
        agent="rtr1",
        machine="Raspberry Pi 5 Model B Rev 1.0",
        serial="serial 10000000deadbeef",
        versions={"branchline": "0.1.0", "kernel": "6.12.25", "python": "3.11.2"},
        config_file="/etc/branchline/agent.toml",
        config_hash="cafe",
        dry_run=dry_run,
        by="Ana",
        began="2026-11-22T10:00:00+01:00",
    )


class FakeTalk:
    """A person whose lines are given beforehand: `typed` at a moment, `answers` to questions in order."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self.said: list[str] = []
        self.typed: dict[float, str] = {}
        self.answers: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, text: str) -> None:
        self.said.append(text)

    def heard(self, within_s: float) -> str | None:
        self._clock.now_s += within_s
        due = [at for at in self.typed if at <= self._clock.now_s]
        return self.typed.pop(min(due)) if due else None

    def ask(self, question: str) -> str | None:
        self.said.append(question)
        if not self.answers:
            raise StoppedError
        return self.answers.pop(0)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def wall(self) -> datetime:
        return datetime(2026, 11, 22, 9, tzinfo=UTC) + timedelta(seconds=self.now_s)


class Rig:
    """A walk, its talk, its clock, and every record that was kept."""

    def __init__(self, branch: Callable[[float], Seen | None], before: Record | None = None) -> None:
        self.clock = Clock()
        self.talk = FakeTalk(self.clock)
        self.kept: list[Record] = []
        self.steps: tuple[Step, ...] = plan(settings())
        self.walk = Walk(
            before or record(),
            self.steps,
            language="en",
            wait_s=20.0,
            look=lambda: branch(self.clock.now_s),
            talk=self.talk,
            now_s=lambda: self.clock.now_s,
            clock=self.clock.wall,
            keep=self.kept.append,
        )
