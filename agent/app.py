"""Wires the agent together: probes and links in, the branch's machine, records out. Nothing is decided here."""

import asyncio
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from agent.actor_client import ActorClient
from agent.branch import Branch
from agent.config import BranchSettings
from agent.control import Ask, ControlServer, Override, Release
from agent.links import LinkSeen, LinkWatcher
from agent.memory_file import keep, load
from agent.observing import Observer
from agent.plan import plan_of
from agent.proving import Prover
from agent.reloading import obstacle
from agent.reporting import Reporter, as_line
from agent.rp_filter import complaint
from agent.spool import Spool
from agent.start_checks import refusal
from agent.status import describe
from agent.uplink import Uplink
from branchline import __version__, settings
from failover import observations
from failover.actions import ActReported, LinkChanged, SetEffort
from failover.machine import begin, branch_state
from failover.memory import Memory, recall, remember
from wire.messages import Digest, Event, LinkState, Presence

log = logging.getLogger(__name__)

DIGEST_EVERY_S = 60.0
DIGEST_ON_METERED_EVERY_S = 20.0  # windows are held back there, and silence must be told from isolation within a minute
ACTOR_PATIENCE_S = 10.0
TRUSTED_AFTER_S = 1_735_689_600.0  # 2025-01-01: a clock before the product existed was never set


class StartError(Exception):
    """The agent must not start like this; the text is the one sentence to show."""


class Agent:
    """One branch's agent. `run` returns when it is asked to stop; stopping leaves the path in use in place.

    Args:
        file: the settings file, read again on SIGHUP.
        events_stdout: also print each event as one JSON line.
    """

    def __init__(self, file: Path, *, events_stdout: bool = False) -> None:
        self._file = file
        text = settings.read(file)
        self._settings = settings.parse(text, BranchSettings, str(file))
        self._hash = settings.digest(text)
        self._events_stdout = events_stdout
        self._prover = self._prover_of(self._settings)
        with suppress(OSError):  # the spool makes its own directory; without this one the control socket complains
            Path(self._settings.agent.run_dir).mkdir(parents=True, exist_ok=True)
        self._stop = asyncio.Event()
        self._reload_due = asyncio.Event()
        self._memory_due = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT.

        Raises:
            StartError: this machine is set up in a way that would make the agent lie.
        """
        config = self._settings
        if sentence := refusal(config):
            raise StartError(sentence)
        state_dir, run_dir = Path(config.agent.state_dir), Path(config.agent.run_dir)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_due.set)
        self._spool = Spool(
            state_dir, max_bytes=config.spool.max_size, commit_every_s=config.spool.commit_every, now_ns=time.time_ns
        )
        await self._spool.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                work = tasks.create_task(self._work(state_dir, run_dir), name="agent")
                await self._stop.wait()
                work.cancel()
        finally:
            await self._spool.close()

    async def _work(self, state_dir: Path, run_dir: Path) -> None:
        config = self._settings
        loop = asyncio.get_running_loop()
        self._reporter = Reporter(config)
        machine = begin(plan_of(config), loop.time(), run=os.urandom(3).hex())
        saved = await asyncio.to_thread(load, state_dir / "memory.json")
        if saved is not None:
            machine = recall(machine, saved[0], loop.time(), saved[1])
        self._observer = Observer(config, on_seen=self._see, on_record=self._spool.append)
        async with asyncio.TaskGroup() as tasks:
            self._branch = Branch(
                machine,
                actor=ActorClient(run_dir / "actor.sock"),
                paths=self._prover,
                probing=self._observer,
                tasks=tasks,
                on_report=self._report,
                on_active=self._active_changed,
            )
            self._uplink = (
                None
                if config.broker is None
                else Uplink(config.broker, config.agent.address, self._spool, presence=self._presence)
            )
            self._links = LinkWatcher({path.name: path.interface for path in config.path}, self._link_seen)
            self._observer.start(self._branch.machine)
            self._links.start()
            tasks.create_task(self._reloads(), name="settings")
            tasks.create_task(self._observer.run(), name="windows")
            tasks.create_task(self._digests(), name="digests")
            tasks.create_task(keep(state_dir / "memory.json", self._memory_due, self._memory), name="memory")
            tasks.create_task(ControlServer(run_dir / "agent.sock", self._answer).run(), name="control")
            await self._first_look()
            tasks.create_task(self._branch.watch_actor(), name="watch actor")
            if self._uplink is not None:
                tasks.create_task(self._uplink.run(), name="uplink")
            self._active_changed(self._branch.machine.active)
            self._print("ready", {"active": self._branch.machine.active, "config_hash": self._hash})
            try:
                await asyncio.Event().wait()
            finally:
                self._observer.close()
                self._links.close()
                self._branch.close()

    async def _first_look(self) -> None:
        """Learn what is in place; an actor that is still starting gets a moment, then the agent watches without it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ACTOR_PATIENCE_S):
                while await self._branch.look() is None:  # noqa: ASYNC110 - the actor tells nobody that it is up
                    await asyncio.sleep(0.1)

    async def _reloads(self) -> None:
        while True:
            await self._reload_due.wait()
            self._reload_due.clear()
            self._reload()

    def _reload(self) -> None:
        """SIGHUP: take the new file whole or not at all; what did not change goes on undisturbed."""
        try:
            text = settings.read(self._file)
            new = settings.parse(text, BranchSettings, str(self._file))
            prover = self._prover_of(new)
        except settings.SettingsError as error:
            log.error("settings kept as they were: %s", error)  # noqa: TRY400 - one sentence, no traceback
            return
        if sentence := obstacle(self._settings, new):
            log.error("settings kept as they were: %s: %s", self._file, sentence)
            return
        if sentence := refusal(new):
            log.error("settings kept as they were: %s", sentence)
            return
        self._settings, self._hash = new, settings.digest(text)
        self._reporter.retarget(new)
        self._observer.retarget(new)
        self._links.retarget({path.name: path.interface for path in new.path})
        self._branch.replan(plan_of(new), prover)
        for path in self._branch.machine.paths:
            self._observer.set_effort(SetEffort(path.name, path.effort))
        log.info("settings %s taken from %s", self._hash, self._file)
        self._print("reloaded", {"config_hash": self._hash})

    def _see(self, seen: observations.Observation) -> None:
        self._branch.tell(seen)

    def _link_seen(self, path: str, link: LinkSeen) -> None:
        up = link.present and link.carrier
        self._print("carrier", {"path": path, "up": up})
        interface = next(each.interface for each in self._settings.path if each.name == path)
        if link.present and (sentence := complaint(interface)):
            log.error("path %s: %s", path, sentence)
        self._observer.link_seen(path, link)
        self._branch.tell(observations.Carrier(path, up))

    def _report(self, action: LinkChanged | ActReported) -> None:
        if isinstance(action, LinkChanged) and LinkState.SUSPECT not in {action.old, action.new}:
            log.warning("path=%s state=%s reason=%r", action.path, action.new.name, action.reason)
        if isinstance(action, ActReported):
            log.warning(
                "act=%s kind=%s outcome=%s from=%s to=%s reason=%r",
                *(action.id, action.kind, action.outcome, action.from_path, action.to_path, action.reason),
            )
        event = self._reporter.event_of(action)
        if event is not None:
            self._record(event)
            self._observer.event(event)
        self._memory_due.set()

    def _record(self, event: Event) -> None:
        self._spool.append(event)
        self._print(type(event).__name__, event)

    def _print(self, kind: str, value: object) -> None:
        if not self._events_stdout:
            return
        try:
            sys.stdout.write(as_line(kind, value) + "\n")
            sys.stdout.flush()
        except OSError as error:
            self._events_stdout = False
            log.warning("nobody reads standard output any more (%s); the agent goes on", error.strerror)

    def _active_changed(self, active: str) -> None:
        self._memory_due.set()
        path = next((path for path in self._settings.path if path.name == active), None)
        if self._uplink is not None and path is not None:
            self._uplink.use_path(path.name, self._observer.source_address(path), metered=path.metered)

    async def _digests(self) -> None:
        while True:
            metered = any(path.metered and path.name == self._branch.machine.active for path in self._settings.path)
            await asyncio.sleep(DIGEST_ON_METERED_EVERY_S if metered else DIGEST_EVERY_S)
            machine = self._branch.machine
            now = asyncio.get_running_loop().time()
            paths = self._observer.digest(machine)
            self._record(Digest(time.time_ns(), branch_state(machine, now), machine.active, paths))

    def _memory(self) -> Memory:
        return remember(self._branch.machine, asyncio.get_running_loop().time())

    def _prover_of(self, config: BranchSettings) -> Prover:
        try:
            return Prover(config)
        except settings.SettingsError as error:
            raise settings.SettingsError(f"{self._file}: {error}") from None

    def _presence(self) -> Presence:
        return Presence(
            online=True,
            epoch=self._spool.epoch,
            connection=0,  # the uplink counts its connections
            version=__version__,
            config_hash=self._hash,
            clock_trusted=time.time() > TRUSTED_AFTER_S,
            at_ns=time.time_ns(),
            active=self._branch.machine.active,
        )

    def _answer(self, ask: Ask) -> dict[str, object]:
        now = asyncio.get_running_loop().time()
        if isinstance(ask, Override):
            names = [path.name for path in self._settings.path]
            if ask.path not in names:
                return {"error": f"{ask.path!r} is not a path here; choose one of {', '.join(names)}"}
            self._branch.tell(observations.Prefer(ask.path, now + ask.for_s, ask.why))
        elif isinstance(ask, Release):
            self._branch.tell(observations.Prefer("", now, ""))
        self._memory_due.set()
        return describe(
            self._branch.machine,
            now=now,
            proofs=self._branch.proofs,
            figures=self._observer.figures,
            spool=self._spool.stats,
            uplink=None if self._uplink is None else self._uplink.status,
            config_hash=self._hash,
        )
