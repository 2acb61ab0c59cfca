"""A real mosquitto of the test's own, with the ACL of docs/design.md section 4."""

import asyncio
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import aiomqtt

ACL = """\
user collector
topic readwrite bl/1/#
pattern write bl/1/+/+/%u/%c
pattern write bl/1/st/%u/%c
pattern read bl/1/ack/%u/%c
"""
PASSWORD = "correct horse"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """Started, killed with kill -9, and started again on the same port; keeps nothing on disk."""

    def __init__(self, folder: Path, users: tuple[str, ...] = ("t1/b1",), *, acl: str = ACL, extra: str = "") -> None:
        self.port = free_port()
        self._program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin") or "mosquitto"
        self._config = folder / "mosquitto.conf"
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        for user in ("collector", *users):
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, PASSWORD], check=True)
        (folder / "acl").write_text(acl)
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\npersistence false\nallow_anonymous false\nuser root\n"
            f"password_file {passwords}\nacl_file {folder / 'acl'}\nmax_queued_messages 100000\n{extra}"
        )
        self._log_file = folder / "mosquitto.log"
        self._log = self._log_file.open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._launch()
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def _launch(self) -> None:
        self._process = subprocess.Popen([self._program, "-c", str(self._config)], stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop answering without closing anything, as behind a path that went silent."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def log_text(self) -> str:
        return self._log_file.read_text()

    def close(self) -> None:
        self.kill()
        self._log.close()

    def client(self, identifier: str = "collector") -> aiomqtt.Client:
        """A client with the collector's rights."""
        return aiomqtt.Client(
            "127.0.0.1", self.port, username="collector", password=PASSWORD, identifier=identifier, timeout=1
        )
