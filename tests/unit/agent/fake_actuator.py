"""FakeActuator: a system whose only state is the path in place; it can be killed before and after each step."""

from failover.actuators.base import ActuatorError
from failover.actuators.protocol import PathSnapshot

PATHS = ("wire", "second", "cell")


class KilledError(BaseException):
    """kill -9: not an Exception, so that nothing may handle it."""


class Fuse:
    """Counts steps down; the one that reaches zero is the last. Negative: never."""

    def __init__(self) -> None:
        self.left = -1

    def step(self) -> None:
        if self.left == 0:
            self.left = -1
            raise KilledError
        self.left -= self.left > 0


class FakeActuator:
    """Keeps what real Linux keeps: the path in place, settled flows, counters. `broken` paths refuse to be applied."""

    def __init__(self, in_place: str = "wire") -> None:
        self.in_place = in_place
        self.fuse = Fuse()
        self.broken: set[str] = set()
        self.packets = dict.fromkeys(PATHS, 0)
        self.settled: list[str] = []
        self.old_flows: list[int] = []  # what each round of settling still finds
        self.applied: list[str] = []
        self.prepared = 0
        self.mended: tuple[str, ...] = ()

    def prepare(self) -> None:
        self.fuse.step()
        self.prepared += 1

    def snapshot(self) -> tuple[str, tuple[PathSnapshot, ...]]:
        return self.in_place, tuple(PathSnapshot(name, name not in self.broken, "", "", "") for name in PATHS)

    def apply(self, path: str) -> None:
        if path not in PATHS:
            raise ActuatorError(f"path {path!r} is not in the settings", retry=False)
        if path in self.broken:
            raise ActuatorError(f"path {path!r} has no interface now", retry=True)
        self.fuse.step()
        self.in_place = path
        self.applied.append(path)
        self.fuse.step()

    def settle(self, path: str) -> int:
        self.fuse.step()
        assert path == self.in_place, "only the path in place may be settled on"
        self.settled.append(path)
        return self.old_flows.pop(0) if self.old_flows else 0

    def reconcile(self) -> tuple[str, ...]:
        mended, self.mended = self.mended, ()
        return mended

    def counters(self) -> dict[str, int]:
        return dict(self.packets)
