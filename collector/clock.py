"""Time that never jumps: the wall clock at the start of the process, carried on by the monotonic clock."""

import time


class SteadyClock:
    """Unix time for deadlines and records. A step of the wall clock after the start does not move it."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """Unix nanoseconds."""
        return self._offset_ns + time.monotonic_ns()

    def now_s(self) -> float:
        """Unix seconds."""
        return self.now_ns() / 1e9
