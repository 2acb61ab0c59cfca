"""The branch's loop: observations in, the machine decides, those who can carry out what it asks.

Everything the machine sees passes through `tell`, in order, on one loop, so a run can be replayed from what it saw.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Protocol

from agent.actor_client import ActorClient, ActorGoneError
from failover import observations
from failover.actions import (
    Action,
    ActReported,
    AskOpinion,
    AskPassive,
    Burst,
    CommitMove,
    LinkChanged,
    Move,
    Prove,
    SetEffort,
    UndoMove,
)
from failover.actuators.protocol import (
    Apply,
    Commit,
    Counted,
    Counters,
    Done,
    Refused,
    Reply,
    Request,
    Rollback,
    Snapshot,
    SnapshotRequest,
)
from failover.machine import decide, is_calm, replan, wake_at
from failover.observations import Observation, Proof
from failover.state import BranchMachine, Plan

log = logging.getLogger(__name__)

ACTOR_WAIT_S = 2.0
LOOK_EVERY_S = 5.0
GONE_LOOK_EVERY_S = 0.25  # systemd restarts an actor within a second or so; a branch may be waiting for it
OPINION_WAIT_S = 0.4


class Paths(Protocol):
    """Who proves paths and asks for second opinions on them."""

    async def prove(self, name: str, move: str) -> Proof:
        """Prove a path. An OSError counts as a proof that failed."""

    async def second_opinion(self, name: str, wait_s: float) -> bool:
        """Ask something other than an anchor. An OSError counts as no answer."""


class Probing(Protocol):
    """Who sends probes."""

    def set_effort(self, action: SetEffort) -> None:
        """Probe a path at another pace."""

    def burst(self, path: str, count: int) -> None:
        """Send extra probes now."""

    def drain(self) -> None:
        """Tell every reply that waits."""


class Branch:
    """Runs the machine of one branch inside a task group.

    `on_report` gets what the machine reports, `on_active` the path in use whenever that changes.
    """

    def __init__(
        self,
        machine: BranchMachine,
        *,
        actor: ActorClient,
        paths: Paths,
        probing: Probing,
        tasks: asyncio.TaskGroup,
        on_report: Callable[[LinkChanged | ActReported], None],
        on_active: Callable[[str], None],
    ) -> None:
        self.machine = machine
        self.proofs: dict[str, Proof] = {}
        self._actor = actor
        self._paths = paths
        self._probing = probing
        self._tasks = tasks
        self._on_report = on_report
        self._on_active = on_active
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._actor_missing = False
        self._actor_lost = asyncio.Event()
        self._acts = 0  # begun and ended
        self._acting = 0  # under way

    def tell(self, seen: Observation) -> None:
        """Let the machine see something and do what follows."""
        now = self._loop.time()
        was_active = self.machine.active
        self.machine, actions = decide(self.machine, seen, now)
        for action in actions:
            self._carry_out(action)
        if self.machine.active != was_active:
            self._on_active(self.machine.active)
        if self._timer is None or actions or not isinstance(seen, observations.Reply):
            self._set_timer(wake_at(self.machine, now))
        elif not is_calm(self.machine):  # in calm a reply only moves deadlines away, else it may bring one nearer
            self._set_timer(min(self._timer.when(), wake_at(self.machine, now)))

    def replan(self, plan: Plan, paths: Paths) -> None:
        """Judge under new settings from now on."""
        self._paths = paths
        self.machine = replan(self.machine, plan, self._loop.time())
        self.tell(observations.Tick())

    def close(self) -> None:
        """Stop the clock; tasks under way belong to the task group."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def watch_actor(self) -> None:
        """Keep looking at what is in place: the actor's timer may have fired, or somebody else moved traffic."""
        while True:
            self._actor_lost.clear()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(GONE_LOOK_EVERY_S if self._actor_missing else LOOK_EVERY_S):
                    await self._actor_lost.wait()

    async def look(self) -> Snapshot | None:
        """Tell the machine what is in place, never what was so before an act; None if the actor does not answer."""
        while True:
            acts = self._acts
            reply = await self._ask(SnapshotRequest())
            if not isinstance(reply, Snapshot):
                return None
            if acts == self._acts and not self._acting:
                break
        pending = reply.pending
        own = self.machine.move is not None and self.machine.move.id == pending and not self.machine.move.settling
        if not own:
            self.tell(observations.InPlace(reply.active, pending))
        return reply

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._probing.drain()  # no silence is believed while replies wait to be read
        self.tell(observations.Tick())

    def _carry_out(self, action: Action) -> None:
        if isinstance(action, LinkChanged | ActReported):
            self._on_report(action)
        elif isinstance(action, SetEffort):
            self._probing.set_effort(action)
        elif isinstance(action, Burst):
            self._probing.burst(action.path, action.probes)
        else:
            self._spawn(self._do(action), type(action).__name__)

    def _spawn(self, work: Coroutine[None, None, None], what: str) -> None:
        self._tasks.create_task(work, name=f"branch {what}")

    async def _do(self, action: Move | CommitMove | UndoMove | Prove | AskPassive | AskOpinion) -> None:
        if isinstance(action, Prove | AskOpinion) and not self.machine.has(action.path):
            return  # new settings took it away before this began
        match action:
            case Move():
                await self._apply(action)
            case CommitMove():
                await self._settle(Commit(action.id))
            case UndoMove():
                await self._settle(Rollback(action.id))
            case Prove():
                proof = await self._prove(action)
                self.proofs[action.path] = proof
                self.tell(proof)
            case AskPassive():
                reply = await self._ask(Counters())
                if isinstance(reply, Counted) and action.path in reply.packets:
                    self.tell(observations.Passive(action.path, reply.packets[action.path]))
            case AskOpinion():
                alive = False
                with suppress(OSError):
                    alive = await self._paths.second_opinion(action.path, OPINION_WAIT_S)
                self.tell(observations.Opinion(action.path, alive=alive))

    async def _prove(self, action: Prove) -> Proof:
        try:
            return await self._paths.prove(action.path, action.move)
        except OSError as error:  # of this machine, such as no descriptor left; a failed proof is asked for again
            await asyncio.sleep(GONE_LOOK_EVERY_S)
            why = f"not tried: {error.strerror or error}"
            return Proof(action.path, action.move, False, None, None, None, None, why)

    async def _apply(self, move: Move) -> None:
        request = Apply(move.id, move.to, move.kind, move.rollback_after_s, move.evidence)
        reply = await self._act(request)
        if isinstance(reply, Done):
            self.tell(observations.Applied(move.id, reply.took_ms))
        elif isinstance(reply, Refused):
            self.tell(observations.NotApplied(move.id, reply.why, retry=reply.retry))
        elif isinstance(now := await self._ask(SnapshotRequest()), Snapshot) and now.pending == move.id:
            self.tell(observations.Applied(move.id, None))
        else:
            why = "the actor does not answer; is branchline-actor running?"
            self.tell(observations.NotApplied(move.id, why, retry=True, asked=False))

    async def _settle(self, request: Commit | Rollback) -> None:
        """Tell the actor how a move ended, until it heard: its timer might end the move otherwise."""
        while (reply := await self._act(request)) is None:  # noqa: ASYNC110 - the actor tells nobody that it is back
            await asyncio.sleep(GONE_LOOK_EVERY_S)
        if isinstance(reply, Refused):
            log.warning("actor refused %s %s: %s", type(request).__name__.lower(), request.id, reply.why)
        await self.look()  # an actor that is away is asked again by watch_actor: until then the move stays open

    async def _act(self, request: Apply | Commit | Rollback) -> Reply | None:
        self._acts += 1
        self._acting += 1
        try:
            return await self._ask(request)
        finally:
            self._acting -= 1

    async def _ask(self, request: Request) -> Reply | None:
        try:
            reply = await self._actor.request(request, ACTOR_WAIT_S)
        except ActorGoneError as error:
            if not self._actor_missing:
                log.error("no actor: %s", error)  # noqa: TRY400 - a missing actor is one sentence, not a traceback
                self._actor_missing = True
                self._actor_lost.set()
            return None
        self._actor_missing = False
        return reply
