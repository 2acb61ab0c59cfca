"""mosquitto with the very files of `deploy/mosquitto`. Changed are only places: folder, ports, and who runs it."""

import os
import subprocess
from pathlib import Path

from lab.certificates import Certificates, make
from tests.integration.collector.servers import ROOT, Server, free_port, listens, wait_until

SHIPPED = ROOT / "deploy" / "mosquitto"
PASSWORD = "correct horse"
USERS = ("collector", "t1/b1", "t1/b2")


class ShippedBroker:
    """Certificate and passwords made in `folder`, which stands for `/etc/mosquitto`."""

    def __init__(self, folder: Path, name: str = "IP:127.0.0.1") -> None:
        self.tls_port, self.plain_port = free_port(), free_port()
        self.certificates: Certificates = make(folder, (name,))
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        for user in USERS:
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), user, PASSWORD], check=True)
        (folder / "acl").write_text((SHIPPED / "acl").read_text())
        (folder / "mosquitto.conf").write_text(self._settings(str(folder)))
        self.server = Server(folder, "mosquitto", ["mosquitto", "-c", str(folder / "mosquitto.conf")], self.tls_port)

    def _settings(self, folder: str) -> str:
        text = (SHIPPED / "mosquitto.conf").read_text()
        for shipped, ours in (
            ("/etc/mosquitto", folder),
            ("listener 8883", f"listener {self.tls_port} 127.0.0.1"),
            ("listener 1883 ", f"listener {self.plain_port} "),
        ):
            assert shipped in text
            text = text.replace(shipped, ours)
        # Started by root it becomes the user `mosquitto`, who cannot read a test's folder.
        return text + ("user root\n" if os.geteuid() == 0 else "")

    def start(self) -> None:
        self.server.start()
        wait_until(lambda: listens(self.plain_port), 10, "the listener of this machine")

    def close(self) -> None:
        if self.server.running:
            self.server.kill()
