"""The lab's processes: started in their namespaces, restarted as systemd would, ended by process id.

Everything runs in one thread: whoever waits calls `Supervisor.wait_for`, which also looks after the processes.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lab
from lab.namespaces import LabError, Namespaces

SOURCE = Path(lab.__file__).resolve().parents[1]
RESTART_S = 1.0  # RestartSec of the units in deploy/
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class Process:
    """One process of the lab. Its standard output and error go to `<name>.out` and `<name>.log`."""

    name: str
    role: str
    command: tuple[str, ...]
    real: bool
    restart: bool
    once: bool
    folder: Path
    popen: "subprocess.Popen[bytes] | None" = None
    started: int = 0
    killed: int = 0
    restart_at: float = field(default=float("inf"))

    @property
    def out(self) -> Path:
        """Its standard output, appended to over restarts."""
        return self.folder / f"{self.name}.out"

    @property
    def log(self) -> Path:
        """Its standard error, appended to over restarts."""
        return self.folder / f"{self.name}.log"

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen is not None and self.popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return None if self.popen is None else self.popen.poll()

    @property
    def ended_by_itself(self) -> int:
        """How often it ended though nobody here killed it."""
        return max(0, self.started - (1 if self.alive else 0) - self.killed)

    def said(self, text: bytes) -> bool:
        """Whether `text` is in its standard output."""
        try:
            return text in self.out.read_bytes()
        except FileNotFoundError:
            return False

    def last_words(self) -> str:
        """The end of what it wrote to standard error, for a person."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.log.read_text(errors="replace").strip().splitlines()
            return lines[-1][:200] if lines else "it said nothing"
        return "it said nothing"


class Supervisor:
    """Starts and looks after the processes of one lab."""

    def __init__(self, spaces: Namespaces) -> None:
        self._spaces = spaces
        self.processes: dict[str, Process] = {}

    def start(
        self,
        name: str,
        role: str,
        command: Sequence[str],
        *,
        real: bool = False,
        restart: bool = False,
        once: bool = False,
    ) -> Process:
        """Start a process in the namespace of `role`.

        `real` processes get their own /sys too (`ip netns exec`), so that they see nothing but their namespace.
        A process neither to `restart` nor to run `once` must not end.
        """
        process = Process(name, role, tuple(command), real, restart, once, self._spaces.folder)
        self.processes[name] = process
        self._spawn(process)
        return process

    def start_own(self, name: str, role: str, module: str, plan: str) -> Process:
        """Start one of the lab's own programs; it needs only the standard library, so it starts fast."""
        return self.start(name, role, (sys.executable, "-S", "-m", module, plan))

    def _spawn(self, process: Process) -> None:
        command = process.command
        if process.real:
            command = ("ip", "netns", "exec", self._spaces.name(process.role), *command)
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin", "PYTHONPATH": str(SOURCE)}
        environment |= {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        with self._spaces.inside(process.role), process.out.open("ab") as out, process.log.open("ab") as log:
            process.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                cwd=self._spaces.folder,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the lab, which then ends the others in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509  the lab has one thread
            )
        process.started += 1
        process.restart_at = float("inf")

    def tick(self) -> None:
        """Restart what is due.

        Raises:
            LabError: a process that must not end has ended.
        """
        now = time.monotonic()
        for process in self.processes.values():
            if process.alive or process.once:
                continue
            if not process.restart:
                raise LabError(f"{process.name} ended with exit code {process.returncode}: {process.last_words()}")
            if process.restart_at == float("inf"):
                process.restart_at = now + RESTART_S
            elif process.restart_at <= now:
                self._spawn(process)

    def wait_for(self, done: Callable[[], bool], patience_s: float, what: str = "", *, every_s: float = 0.01) -> bool:
        """Look after the processes until `done()`, at most `patience_s`; whether it was done.

        Raises:
            LabError: not done in time and `what` says what was waited for; or as `tick`.
        """
        deadline = time.monotonic() + patience_s
        while not done():
            self.tick()
            if time.monotonic() > deadline:
                if what:
                    raise LabError(f"{what} did not happen within {patience_s:g} s")
                return False
            time.sleep(every_s)
        return True

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one process, by its id."""
        process = self.processes[name]
        if process.popen is not None and process.alive:
            process.popen.send_signal(number)
            process.killed += 1

    def stop(self, name: str, patience_s: float = 5.0) -> None:
        """End one process with SIGTERM, then SIGKILL, and look after it no more."""
        process = self.processes.pop(name)
        if process.popen is not None and process.alive:
            process.popen.terminate()
            try:
                process.popen.wait(patience_s)
            except subprocess.TimeoutExpired:
                process.popen.kill()
        self._reap(process)

    def stop_all(self) -> None:
        """End everything at once: the namespaces go next, nobody needs a farewell."""
        for process in self.processes.values():
            if process.popen is not None and process.alive:
                process.popen.kill()
        for process in self.processes.values():
            self._reap(process)
        self.processes.clear()

    def _reap(self, process: Process) -> None:
        if process.popen is not None:
            process.popen.wait(5)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
