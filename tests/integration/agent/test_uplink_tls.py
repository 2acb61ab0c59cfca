"""TLS to a real mosquitto: trusted, not trusted, and not TLS at all; files that cannot be used."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_broker import PASSWORD, Mosquitto
from tests.integration.agent.uplink_records import ADDRESS, presence
from tests.needs import needs_program

pytestmark = [needs_program("mosquitto"), needs_program("mosquitto_passwd"), needs_program("openssl")]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[tuple[Mosquitto, BrokerSettings]]:
    cert, key = certificate(tmp_path, "broker")
    (tmp_path / "password").write_text(PASSWORD)
    broker = Mosquitto(tmp_path, extra=f"certfile {cert}\nkeyfile {key}\n")
    await broker.start()
    yield (
        broker,
        BrokerSettings(host="127.0.0.1", port=broker.port, ca_file=str(cert), password_file=str(tmp_path / "password")),
    )
    broker.close()


async def outcome(folder: Path, settings: BrokerSettings) -> str:
    """`connected`, or the sentence of what is wrong."""
    spool = Spool(folder / "state", max_bytes=10_000_000, commit_every_s=1, now_ns=time.time_ns)
    await spool.open()
    uplink = Uplink(settings, ADDRESS, spool, presence)
    task = asyncio.create_task(uplink.run())
    deadline_s = time.monotonic() + 10
    while not uplink.status.connected and (uplink.status.trouble or "") == "not connected yet":
        assert time.monotonic() < deadline_s
        assert not task.done()
        await asyncio.sleep(0.01)
    said = uplink.status.trouble or "connected"
    task.cancel()
    await asyncio.wait([task])
    await spool.close()
    return said


async def test_trusted(tmp_path: Path, encrypted: tuple[Mosquitto, BrokerSettings]) -> None:
    assert await outcome(tmp_path, encrypted[1]) == "connected"


async def test_not_trusted(tmp_path: Path, encrypted: tuple[Mosquitto, BrokerSettings]) -> None:
    other, _ = certificate(tmp_path, "somebody")
    said = await outcome(tmp_path, replace(encrypted[1], ca_file=str(other)))
    assert "TLS failed" in said
    assert "check ca_file" in said


async def test_not_tls_at_all(tmp_path: Path) -> None:
    cert, _ = certificate(tmp_path, "broker")
    broker = Mosquitto(tmp_path)
    await broker.start()
    said = await outcome(tmp_path, BrokerSettings(host="127.0.0.1", port=broker.port, ca_file=str(cert)))
    assert "TLS" in said
    broker.close()


@pytest.mark.parametrize("key", ["ca_file", "cert_file", "password_file"])
async def test_files_that_cannot_be_used(tmp_path: Path, key: str) -> None:
    none, (ca, _) = str(tmp_path / "none"), certificate(tmp_path, "broker")
    settings = {
        "ca_file": BrokerSettings(host="127.0.0.1", port=1, ca_file=none),
        "cert_file": BrokerSettings(host="127.0.0.1", port=1, ca_file=str(ca), cert_file=none, key_file=none),
        "password_file": BrokerSettings(host="127.0.0.1", port=1, password_file=none),
    }[key]
    said = await outcome(tmp_path, settings)
    assert none in said
    assert key in said
