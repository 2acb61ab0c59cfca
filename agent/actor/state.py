"""What the actor must know after it was killed at any step: one small file, replaced whole.

It stands in the run directory (memory), so it ends with the boot; the boot's id in it guards a run directory on disk.
Nothing is synced: a killed process loses no page it has written.
"""

from pathlib import Path

import msgspec

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`goal` is the path that must be in place; while `pending` (an apply's id) is not empty it is on trial.

    `deadline_s` is on CLOCK_BOOTTIME. `baseline`: the passive counters when the trial began. `last`: the id most
    recently ended and how, so that a repeated commit or rollback gets the same answer.
    """

    goal: str = ""
    previous: str = ""
    pending: str = ""
    deadline_s: float = 0.0
    baseline: dict[str, int] = {}
    settled: bool = True
    last: tuple[str, str] = ("", "")
    boot: str = ""


def carries(trial: State, counted: dict[str, int]) -> bool:
    """Whether packets came in from beyond the gateway of the path on trial since it began, and none of the one before.

    A count below its baseline means that the counters were put back in between and started from zero.
    """
    grown = {path: count - trial.baseline.get(path, 0) for path, count in counted.items()}
    grown = {path: counted[path] if more < 0 else more for path, more in grown.items()}
    return grown.get(trial.goal, 0) > 0 and grown.get(trial.previous, 0) == 0


class StateFile:
    """Reads and replaces the file; unreadable or of another boot: a fresh State."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._boot = _BOOT_ID.read_text().strip()

    def load(self) -> State:
        """The state last written in this boot."""
        try:
            state = msgspec.json.decode(self._file.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return State(boot=self._boot)
        return state if state.boot == self._boot else State(boot=self._boot)

    def save(self, state: State) -> None:
        """Replace the file.

        Raises:
            OSError: the run directory cannot be written.
        """
        draft = self._file.with_name(self._file.name + ".new")
        draft.write_bytes(msgspec.json.encode(state))
        draft.replace(self._file)
