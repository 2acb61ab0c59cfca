"""A branch whose actor and canary are the real processes, and the doctor run in its router."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.failover.branch_net import PATHS, BranchNet, branch_net, inside, run, wait_for

ANCHORS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
ROOT = Path(__file__).parents[3]


class DoctorBranch:
    """`branch_net` with three anchors, actor and canary; `doctor` returns what the command printed as JSON."""

    def __init__(self, net: BranchNet) -> None:
        self.net = net
        self.file = net.folder / "agent.toml"
        self.run_dir = net.folder / "run"
        self._actor: subprocess.Popen[str] | None = None

    def write(self, extra: str = "") -> None:
        canary = f"{self.net.tag}-canary"
        text = (
            f'[agent]\ntenant = "t1"\nbranch = "b1"\nname = "a1"\nstate_dir = "{self.net.folder}/state"\n'
            f'run_dir = "{self.run_dir}"\n'
            f'[proof]\ndns_name = "proof.test"\ntls_host = "192.0.2.1"\n[canary]\nnamespace = "{canary}"\n'
            f'[actor]\nactuator = "linux"\nlan_interface = "lan0"\nagent_user = "root"\n'
            f'resolv_file = "{self.net.resolv_file}"\n{extra}'
        )
        for place, name in enumerate(PATHS):
            role = "cell" if name == "cell" else "wire"
            text += (
                f'[[path]]\nname = "{name}"\ninterface = "wan{place}"\nrank = {place + 1}\nrole = "{role}"\n'
                f'dns = ["10.{place}.0.1"]\nipv6_prefix = "2001:db8:{place + 1}::/64"\n'
            )
        for number, address in enumerate(ANCHORS, 1):
            text += f'[[anchor]]\nname = "site{number}"\nipv4 = "{address}"\n'
        self.file.write_text(text)

    def start(self) -> None:
        for name in PATHS:
            for address in ANCHORS[1:]:
                run("ip", "-n", self.net.provider(name), "address", "add", f"{address}/32", "dev", "lo")
        canary = f"{self.net.tag}-canary"
        run("ip", "netns", "add", canary)
        self.net.stack.callback(run, "ip", "netns", "delete", canary)
        self.write()
        (self.net.folder / "state").mkdir()
        self.command("agent", "canary", "--config", str(self.file), "--create")
        words = (sys.executable, "-m", "branchline", "agent")
        self.net.spawn(canary, *words, "canary", "--config", str(self.file), ready="lending")
        self.start_actor()

    def start_actor(self) -> None:
        words = (sys.executable, "-m", "branchline", "agent", "actor", "--config", str(self.file))
        self._actor = self.net.spawn(self.net.router, *words, ready="path in use")
        wait_for((self.run_dir / "actor.sock").exists)

    def stop_actor(self) -> None:
        assert self._actor
        self._actor.terminate()
        self._actor.wait(10)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("ip", "netns", "exec", self.net.router, sys.executable, "-m", "branchline", *words),
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def doctor(self) -> "Report":
        done = self.command("doctor", "--config", str(self.file), "--json")
        assert done.stderr == ""
        report = Report(json.loads(done.stdout))
        assert done.returncode == (1 if report.failed() else 0)
        return report

    @contextmanager
    def sysctl(self, key: str, value: str) -> Iterator[None]:
        """Another value inside the block."""
        file = Path("/proc/sys/net", *key.split("."))
        with inside(self.net.router):
            before = file.read_text().strip()
            file.write_text(value)
        try:
            yield
        finally:
            with inside(self.net.router):
                file.write_text(before)


class Report:
    """The findings of one run."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def failed(self) -> set[str]:
        return {item["check"] for item in self.document["findings"] if item["mark"] == "FAIL"}

    def of(self, check: str, about: str = "") -> dict[str, str]:
        found = [item for item in self.document["findings"] if item["check"] == check and item["about"] == about]
        assert len(found) == 1, self.document
        finding: dict[str, str] = found[0]
        return finding


@contextmanager
def doctor_branch(folder: Path) -> Iterator[DoctorBranch]:
    with branch_net(folder) as net:
        branch = DoctorBranch(net)
        branch.start()
        yield branch
