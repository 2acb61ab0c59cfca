"""One run: fresh namespaces, fresh state, the whole house, users at work; then a fault at a random moment."""

import random
import signal
import time
from collections.abc import Callable
from typing import Self

from lab.cuts import Armed, Fault
from lab.house import House
from lab.house_settings import HouseOptions
from lab.measure import AgentFigures, Cut, UserFigures, agent_figures, user_figures
from lab.network import Network
from lab.results import Order, Run, Value
from lab.samples import NEW4, Sample, SampleFile

# The 5G path answers at start; by the cut that must be old news (failover counts answers of the last second).
CALM_S, PHASE_S = 2.0, 1.0
WATCH_S = 10.0


class Stage:
    """A context manager; `steady` first, then `cut`, `watch`, `result`."""

    def __init__(self, order: Order, options: HouseOptions | None = None) -> None:
        self._order = order
        self.random = random.Random(order.seed)
        self.network = Network(order.seed, keep_files=order.keep)
        self.supervisor = self.network.supervisor
        self.spaces = self.network.spaces
        self._options = options or HouseOptions(profile=order.profile)
        self.house: House
        self._samples: SampleFile

    def __enter__(self) -> Self:
        self.network.__enter__()
        try:
            self.house = House(self.network, self._options)
            self.house.start_headquarters()
            self._samples = SampleFile(self.network.start_pc())
            self.house.prepare_branch()
        except BaseException:
            self.network.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.network.__exit__()

    @property
    def samples(self) -> list[Sample]:
        """All the PC has written down so far."""
        return self._samples.update()

    def steady(self) -> None:
        """Start the agent, wait until the branch is well, and then a random while, so that a cut has no phase."""
        self.house.start_agent()
        self.house.create_database()
        self.house.wait_until_steady()
        self.wait(CALM_S + self.random.random() * PHASE_S)

    def wait(self, seconds: float) -> None:
        """Let time pass and look after the processes."""
        until = time.monotonic() + seconds
        self.supervisor.wait_for(lambda: time.monotonic() >= until, seconds + 1, every_s=0.001)

    def wait_for(self, done: Callable[[], bool], patience_s: float, *, every_s: float = 0.05) -> bool:
        """Wait for something about the events or the samples; both are brought up to date before each look."""

        def look() -> bool:
            self.house.events.update()
            self.house.heard.update()
            self._samples.update()
            return done()

        return self.supervisor.wait_for(look, patience_s, every_s=every_s)

    def cut(self, *faults: Fault) -> Cut:
        """Make faults, all at once."""
        with Armed(*faults) as armed:
            return armed.fire()

    @staticmethod
    def now() -> Cut:
        """A beginning without a fault, to count from."""
        now_ns = time.monotonic_ns()
        return Cut(now_ns, now_ns)

    def watch(
        self, cut: Cut, path: str, *, hear: bool = True, old_flows: bool = True, patience_s: float = WATCH_S
    ) -> None:
        """Wait until users have everything back, the move is committed and, with `hear`, headquarters knows."""

        def recovered() -> bool:
            landed = agent_figures(self.house.events.moved, cut, path).landed_on
            heard = not hear or self.house.heard.first_event_ns(cut.cut_ns) is not None
            return (
                landed is not None and heard and user_figures(self._samples.samples, cut).complete(old_flows=old_flows)
            )

        self.wait_for(recovered, patience_s)

    def stop_users(self) -> None:
        """Stop the PC; its last answers are in."""
        process = self.supervisor.processes.pop("pc")
        if process.popen is not None:
            process.popen.send_signal(signal.SIGTERM)
            process.popen.wait(5)

    def users(self, cut: Cut) -> UserFigures:
        """What the users noticed so far."""
        return user_figures(self.samples, cut)

    def agent(self, cut: Cut, path: str) -> AgentFigures:
        """What the agent did so far."""
        return agent_figures(self.house.events.update(), cut, path)

    def works_since(self, seconds: float) -> bool:
        """Whether users' new flows were answered, all of them, during the last `seconds`."""
        now_ns = time.monotonic_ns()
        recent = [s for s in self.samples if s.stream == NEW4 and s.sent_ns > now_ns - seconds * 1e9]
        # An answer may still be on its way: count from the other side, so many must be back.
        back = sum(s.back_ns is not None for s in recent)
        return back >= 0.8 * seconds * 100 and back == len(recent)

    def result(
        self,
        cut: Cut,
        path: str,
        *,
        wrong: tuple[str, ...] = (),
        extra: dict[str, Value] | None = None,
        was_cut: bool = True,
    ) -> Run:
        """The figures of this run; call it last. Without a cut (`was_cut`) nothing is counted from one."""
        folder = str(self.spaces.kept_folder) if self._order.keep else ""
        if "pc" in self.supervisor.processes:
            self.stop_users()
        users, agent = self.users(cut), self.agent(cut, path)
        self.house.heard.update()
        for process in self.supervisor.processes.values():
            if process.restart and process.ended_by_itself:
                wrong += (f"{process.name} ended by itself {process.ended_by_itself} times: {process.last_words()}",)
        if not was_cut:
            return Run(
                seed=self._order.seed,
                packets_lost=users.packets_lost,
                landed_on=agent.landed_on,
                rolled_back=agent.rolled_back,
                moves=agent.moves,
                extra=extra or {},
                wrong=wrong,
                folder=folder,
            )
        return Run(
            seed=self._order.seed,
            detected_ms=agent.detected_ms,
            route_ms=agent.route_ms,
            first_packet_ms=users.first_packet_ms,
            first_packet6_ms=users.first_packet6_ms,
            old_udp_ms=users.old_udp_ms,
            old_tcp_ms=users.old_tcp_ms,
            dns_ms=users.dns_ms,
            first_event_ms=cut.since_ms(self.house.heard.first_event_ns(cut.cut_ns)),
            packets_lost=users.packets_lost,
            landed_on=agent.landed_on,
            rolled_back=agent.rolled_back,
            moves=agent.moves,
            extra=extra or {},
            wrong=wrong,
            folder=folder,
        )

    def landing(self, cut: Cut, path: str, expected: str, *, old_flows: bool = True) -> tuple[str, ...]:
        """What is wrong with a run that should have ended on `expected`, with every user's stream back."""
        agent, users = self.agent(cut, path), self.users(cut)
        out = []
        if agent.landed_on != expected:
            out.append(f"landed on {agent.landed_on or 'nothing'}, not on {expected}")
        if agent.rolled_back:
            out.append(f"{agent.rolled_back} moves were rolled back")
        if not users.complete(old_flows=old_flows):
            out.append(f"a stream of the users did not come back: {users}")
        return tuple(out)
