"""A branch of two wires in namespaces, with anchors at the far end, and the real agent (and dry-run actor) in it."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.control import Ask, Status, ask_agent
from tests.integration.agent.namespace import ip, namespace, sysctl

ROOT = Path(__file__).parents[3]
SETTINGS = """
[agent]
tenant = "acme"
branch = "lyon-3"
name = "rtr1"
state_dir = "{folder}/state"
run_dir = "{folder}/run"

[failover]
hold = "1s"

[[path]]
name = "wan0"
interface = "wan0"
rank = 1

[[path]]
name = "wan1"
interface = "wan1"
rank = 2

[[anchor]]
name = "a"
ipv4 = "203.0.113.11"

[[anchor]]
name = "b"
ipv4 = "203.0.113.12"

[[anchor]]
name = "c"
ipv4 = "203.0.113.13"
"""


class AgentBranch:
    """The namespaces `near` (the router) and `far`, a folder, and processes started in `near`."""

    def __init__(self, near: str, far: str, folder: Path) -> None:
        self.near, self.far, self.folder = near, far, folder
        self.file = folder / "agent.toml"
        self.settings(SETTINGS)
        self._started: list[subprocess.Popen[bytes]] = []

    def settings(self, text: str) -> None:
        self.file.write_text(text.replace("{folder}", str(self.folder)))

    def start(self, what: str, *options: str) -> "subprocess.Popen[bytes]":
        """Start `branchline agent WHAT` inside; its output goes to `WHAT.out` and `WHAT.log`."""
        with (self.folder / f"{what}.out").open("ab") as out, (self.folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                ("ip", "netns", "exec", self.near, *self.command(what), *options),
                stdout=out,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
            )
        self._started.append(process)
        return process

    def command(self, what: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "branchline", "agent", what, "--config", str(self.file))

    def start_agent(self) -> "subprocess.Popen[bytes]":
        return self.start("run", "--events-stdout")

    def log(self, what: str = "run") -> str:
        return (self.folder / f"{what}.log").read_text()

    def events(self) -> list[dict[str, object]]:
        whole = (self.folder / "run.out").read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def ask(self, ask: Ask | None = None) -> dict[str, object]:
        return ask_agent(self.folder / "run" / "agent.sock", ask or Status())

    def active(self) -> object:
        with contextlib.suppress(OSError):
            return self.ask()["active"]
        return None

    def states(self) -> dict[str, str]:
        with contextlib.suppress(OSError):
            paths = self.ask()["paths"]
            assert isinstance(paths, list)
            return {path["path"]: path["state"] for path in paths}
        return {}

    def up(self, *paths: str) -> bool:
        states = self.states()
        return all(states.get(path) == "UP" for path in paths or ("wan0", "wan1"))

    def cut(self, wire: str) -> None:
        """The far end has no way back over this wire any more; its carrier stays."""
        ip("-n", self.far, "address", "flush", "dev", wire)

    def mend(self, wire: str) -> None:
        ip("-n", self.far, "address", "add", f"10.0.{wire[-1]}.1/24", "dev", wire)

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(5)


def wait_until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextlib.contextmanager
def agent_branch() -> Iterator[AgentBranch]:
    folder = Path(tempfile.mkdtemp(prefix="bl-agent-"))
    folder.chmod(0o755)
    with namespace() as near, namespace() as far:
        for wire in ("wan0", "wan1"):
            ip("-n", near, "link", "add", wire, "type", "veth", "peer", "name", wire, "netns", far)
            for name, host in ((near, 2), (far, 1)):
                ip("-n", name, "address", "add", f"10.0.{wire[-1]}.{host}/24", "dev", wire)
                ip("-n", name, "link", "set", wire, "up")
            sysctl(near, f"net.ipv4.conf.{wire}.rp_filter", "2")
            gateway = f"10.0.{wire[-1]}.1"
            ip("-n", near, "route", "add", "default", "via", gateway, "dev", wire, "metric", f"10{wire[-1]}")
        for last in (11, 12, 13):
            ip("-n", far, "address", "add", f"203.0.113.{last}/32", "dev", "lo")
        made = AgentBranch(near, far, folder)
        try:
            yield made
        finally:
            made.close()
            shutil.rmtree(folder, ignore_errors=True)
