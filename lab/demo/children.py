"""The demo's processes: started in sessions of their own, ended by their pids, whatever happens."""

import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_S = 8.0  # the fleet waits five of them for the collector
SAFE_PATH = ("-P",) if sys.flags.safe_path else ()  # as this process was started
_Popen = subprocess.Popen[bytes]


class Children:
    """Use in a `with`: at its end every process is gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, _Popen] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.end(*self._processes)

    def start(self, name: str, words: Sequence[str], *, listen: bool = False) -> None:
        """Run `python -m WORDS...`; what it says goes to NAME.log. `listen`: its standard output is read by `line`."""
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, *SAFE_PATH, "-m", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if listen else log,
                stderr=log,
                # Ctrl-C reaches the demo alone, which ends them by their pids.
                start_new_session=True,
            )

    def line(self, name: str, wait_s: float) -> str:
        """The next line that process prints; "" if it ends or is too slow."""
        out = self._processes[name].stdout
        if out is None or not select.select([out], [], [], wait_s)[0]:
            return ""
        return out.readline().decode(errors="replace").strip()

    def ended(self) -> str | None:
        """The name of a process that ended by itself; None: all run."""
        return next((name for name, process in self._processes.items() if process.poll() is not None), None)

    def pids(self) -> list[int]:
        """Of all that run."""
        return [process.pid for process in self._processes.values() if process.poll() is None]

    def last_line(self, name: str) -> str:
        """What it said last."""
        log = self._folder / f"{name}.log"
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
        return lines[-1].strip() if lines else "it said nothing"

    def end(self, *names: str) -> None:
        """End these: asked first, then forced."""
        asked = [self._processes.pop(name) for name in names]
        for process in asked:
            process.terminate()
        deadline_s = time.monotonic() + STOP_S
        for process in asked:
            try:
                process.wait(max(0.1, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
