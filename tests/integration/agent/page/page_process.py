"""The page's process on loopback, and an agent that says what the test wants through the agent's own socket."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agent.control import Ask, ControlServer
from tests.integration.agent.agent_branch import ROOT, SETTINGS, wait_until


class FakeAgent:
    """The agent's real socket; behind it a status the test sets, `asked` with whatever came through."""

    def __init__(self, file: Path, status: dict[str, Any]) -> None:
        self.status = status
        self.asked: list[Ask] = []
        self._server = ControlServer(file, self._answer)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(file.exists)

    def _answer(self, ask: Ask) -> dict[str, object]:
        self.asked.append(ask)
        return self.status

    def _run(self) -> None:
        self._task = self._loop.create_task(self._server.run())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    def end(self) -> None:
        """As when the agent is killed: the socket's file stays, nobody listens."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(5)


class PageProcess:
    """`branchline agent page` with its settings in `folder`."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.host, self.folder = host, folder
        self.port = free_port()
        self.file = folder / "agent.toml"
        page = f'\n[page]\nlisten = "{host}:{self.port}"\ncontact = "IT support, +33 1 23 45 67 89"\n'
        self.file.write_text(SETTINGS.replace("{folder}", str(folder)) + page)
        (folder / "run").mkdir(exist_ok=True)
        self.log = folder / "page.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command(self.file), stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)
        wait_until(self._listens)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def _listens(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            socket.create_connection((self.host, self.port), 1).close()
        except OSError:
            return False
        return True

    def raw(self, request: bytes, *, source: str = "127.0.0.1", within_s: float = 10.0) -> bytes:
        """Everything that comes back."""
        with socket.create_connection((self.host, self.port), within_s, (source, 0)) as sock:
            sock.sendall(request)
            parts = []
            while part := sock.recv(65_536):
                parts.append(part)
        return b"".join(parts)

    def get(self, path: str = "/", method: str = "GET", **fields: str) -> tuple[int, dict[str, str], str]:
        """Status, header fields by lower-case name, body."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {text}" for name, text in fields.items()]
        head, _, body = self.raw(("\r\n".join(lines) + "\r\n\r\n").encode()).partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        return (
            int(first.split()[1]),
            {name.lower(): text for name, text in (each.split(": ", 1) for each in rest)},
            body.decode(),
        )

    def pss_mib(self) -> float:
        """Memory, shared pages by their share."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) / 1024

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(5)


def command(file: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "branchline", "agent", "page", "--config", str(file))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def page_and_agent(status: dict[str, Any]) -> Iterator[tuple[PageProcess, FakeAgent]]:
    folder = Path(tempfile.mkdtemp(prefix="bl-page-"))
    closing: list[Callable[[], object]] = [lambda: shutil.rmtree(folder, ignore_errors=True)]
    try:
        page = PageProcess(folder)
        closing.append(page.close)
        agent = FakeAgent(folder / "run" / "agent.sock", status)
        closing.append(agent.end)
        yield page, agent
    finally:
        for close in reversed(closing):
            close()
