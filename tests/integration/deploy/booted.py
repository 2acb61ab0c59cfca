"""A real systemd as the first process of namespaces of its own, where the units of `deploy/` run as on a real machine.

Only places are prepared: `/opt/branchline` holds this tree and this Python instead of an installation, `/etc` is a copy
that ends with the test, `/run` and `/var/lib` begin empty. Targets of the boot are empty units, so that nothing of the
machine's own starts.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.collector.servers import ROOT

_TARGETS = ("sysinit", "basic", "shutdown", "multi-user", "network", "network-pre", "network-online", "default")
_PREPARE = """\
set -eu
mount --make-rprivate /
mkdir -p {folder}/etc.up {folder}/etc.work {folder}/log {folder}/opt/bin {folder}/opt/python {folder}/opt/site \\
    {folder}/opt/tree
mount -t overlay -o lowerdir=/etc,upperdir={folder}/etc.up,workdir={folder}/etc.work overlay /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir -p /opt/branchline
mount --bind {folder}/opt /opt/branchline
mount --bind {python} /opt/branchline/python
mount --bind {site} /opt/branchline/site
mount --bind {root} /opt/branchline/tree
rm -rf /etc/systemd/system
mkdir -p /etc/systemd/system/service.d /run/targets
for target in {targets}; do printf '[Unit]\\nDefaultDependencies=no\\n' >/run/targets/$target.target; done
printf '[Service]\\nStandardOutput=append:{folder}/log/%%n\\nStandardError=inherit\\n' \\
    >/etc/systemd/system/service.d/log.conf
cd /opt/branchline/tree
{install}
umount -R /sys/fs/cgroup 2>/dev/null || true
umount -R /sys 2>/dev/null || true
mount -t sysfs none /sys
mount -t cgroup2 none /sys/fs/cgroup
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other SYSTEMD_UNIT_PATH=/etc/systemd/system:/run/targets \\
    /lib/systemd/systemd --system --unit=default.target --log-target=null
"""
_PROGRAM = """\
#!/bin/sh
export PYTHONHOME=/opt/branchline/python PYTHONPATH=/opt/branchline/tree:/opt/branchline/site PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH=/opt/branchline/python/lib
exec /opt/branchline/python/bin/python{version} -P -m branchline {words} "$@"
"""


class Booted:
    """One machine. `install` is shell, run in the tree before the boot, as a person would."""

    def __init__(self, folder: Path, install: str, network: str) -> None:
        folder.chmod(0o755)
        self.folder = folder
        programs = folder / "opt" / "bin"
        programs.mkdir(parents=True)
        for name, words in (("branchline", ""), ("branchline-agent", "agent")):
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            (programs / name).write_text(_PROGRAM.format(version=version, words=words))
            (programs / name).chmod(0o755)
        self._script = _PREPARE.format(
            folder=folder,
            python=sys.base_prefix,
            site=sysconfig.get_path("purelib"),
            root=ROOT,
            targets=" ".join(_TARGETS),
            install=install,
        )
        self._network = network
        self._process: subprocess.Popen[bytes] | None = None
        self.init = 0

    def start(self) -> None:
        """Boot, and wait until systemd answers."""
        parts = ("--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--cgroup", "--ipc", "--uts")
        with (self.folder / "boot.log").open("wb") as log:
            self._process = subprocess.Popen(
                ("ip", "netns", "exec", self._network, "unshare", *parts, "bash", "-c", self._script),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait(self._found, 10.0)
        self.wait(lambda: self.run("systemctl", "is-system-running").strip() in {"running", "degraded"}, 20.0)

    def _found(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self.folder / "boot.log").read_text()
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self.init = int(children[0]) if children else 0
        return self.init != 0 and Path(f"/proc/{self.init}/comm").read_text() == "systemd\n"

    def run(self, *words: str) -> str:
        """What a command prints that root gives on this machine."""
        enter = ("nsenter", "-t", str(self.init), "-m", "-p", "-n", "-C", "--")
        done = subprocess.run((*enter, *words), capture_output=True, text=True, check=False, timeout=30)
        return done.stdout + done.stderr

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        said = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def active(self, *units: str) -> bool:
        return all(self.show(unit, "ActiveState")["ActiveState"] == "active" for unit in units)

    def process(self, unit: str) -> dict[str, str]:
        """What the kernel says of the unit's main process."""
        said = self.run("cat", f"/proc/{self.show(unit, 'MainPID')['MainPID']}/status")
        return dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)

    def path(self, inner: str) -> Path:
        """A file of that machine."""
        return Path(f"/proc/{self.init}/root{inner}")

    def log(self, unit: str) -> str:
        return _text(self.folder / "log" / f"{unit}.service")

    def wait(self, met: Callable[[], object], within_s: float) -> None:
        """Poll with a deadline; what the units said stands in the failure."""
        end_s = time.monotonic() + within_s
        while not met():
            if time.monotonic() > end_s:
                logs = {file.name: file.read_text()[-2000:] for file in (self.folder / "log").glob("*")}
                raise AssertionError(f"not within {within_s:g} s: {logs}")
            time.sleep(0.1)

    def close(self) -> None:
        """Switch the power off: the first process takes all others, all mounts and the canary's namespace with it."""
        if self._process:
            if self.init:
                os.kill(self.init, 9)
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
