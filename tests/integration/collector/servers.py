"""Real servers on loopback, each in a directory of its own: mosquitto, InfluxDB 1.6, VictoriaMetrics, the collector."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[3]
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(met: Callable[[], bool], wait_s: float = 20.0, what: str = "a condition") -> None:
    """Poll with a deadline."""
    end_s = time.monotonic() + wait_s
    while not met():
        if time.monotonic() > end_s:
            raise TimeoutError(f"{what} was not met within {wait_s} s")
        time.sleep(0.02)


async def wait_for(met: Callable[[], bool], wait_s: float = 20.0, what: str = "a condition") -> None:
    """Poll with a deadline, in a running loop."""
    end_s = time.monotonic() + wait_s
    while not met():
        if time.monotonic() > end_s:
            raise TimeoutError(f"{what} was not met within {wait_s} s")
        await asyncio.sleep(0.05)


def listens(port: int) -> bool:
    """Somebody accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One program, started and killed as often as a test likes."""

    def __init__(self, directory: Path, name: str, words: list[str], port: int | None) -> None:
        self.directory = directory
        self.log = directory / f"{name}.log"
        self.port = port
        self._words = [shutil.which(words[0], path=_PATH) or words[0], *words[1:]]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT)
        if self.port is not None:
            port = self.port
            wait_until(lambda: listens(port), 30, f"{self._words[0]} on port {port}")

    def kill(self) -> None:
        """SIGKILL, as a power cut to the process."""
        self.stop(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(20)
        self._process = None
        return code

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def serve(server: Server) -> Iterator[Server]:
    """Body of a fixture."""
    server.start()
    try:
        yield server
    finally:
        if server.running:
            server.kill()


def mosquitto(directory: Path, port: int) -> Server:
    config = directory / "mosquitto.conf"
    # Root would otherwise become the user `mosquitto`, who cannot read a test's directory.
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nuser root\n"
        "max_inflight_messages 20\npersistence false\n"
    )
    return Server(directory, "mosquitto", ["mosquitto", "-c", str(config)], port)


def influxd(directory: Path, port: int) -> Server:
    config = directory / "influxdb.conf"
    config.write_text(
        f"""reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{directory}/influx/meta"
[data]
dir = "{directory}/influx/data"
wal-dir = "{directory}/influx/wal"
wal-fsync-delay = "0s"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
[monitor]
store-enabled = false
"""
    )
    return Server(directory, "influxd", ["influxd", "-config", str(config)], port)


def victoria(directory: Path, port: int) -> Server:
    words = [
        "victoria-metrics",
        f"-storageDataPath={directory}/vm",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-dedup.minScrapeInterval=1ms",
        "-retentionPeriod=10y",
    ]
    return Server(directory, "victoria", words, port)


def collector(directory: Path, broker_port: int, store: str, *, broker: str = "", more: str = "") -> Server:
    config = directory / "collector.toml"
    config.write_text(
        f'[collector]\nname = "c1"\ndata_dir = "{directory}/data"\n'
        f'[broker]\nhost = "127.0.0.1"\nport = {broker_port}\n{broker}\n[store]\n{store}\n{more}\n'
    )
    return Server(
        directory, "collector", [sys.executable, "-m", "branchline", "collector", "run", "--config", str(config)], None
    )


class InfluxDB:
    """Ask InfluxDB 1.6."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def create(self, name: str) -> None:
        self._ask("", f"CREATE DATABASE {name}", post=True)

    def rows(self, database: str, query: str) -> list[dict[str, object]]:
        """The rows of a query, in order, each with its columns by name."""
        out: list[dict[str, object]] = []
        for series in self._ask(database, query):
            out += [{**dict(zip(series.columns, row, strict=True)), **series.tags} for row in series.values]
        return out

    def count(self, database: str, measurement: str, field: str) -> int:
        rows = self.rows(database, f'SELECT count("{field}") FROM "{measurement}"')  # noqa: S608 - InfluxQL of a test
        return int(str(rows[0]["count"])) if rows else 0

    def _ask(self, database: str, query: str, *, post: bool = False) -> list["_Series"]:
        words = urllib.parse.urlencode({"db": database, "q": query, "epoch": "ns"})
        request = urllib.request.Request(  # noqa: S310 - http on loopback
            f"{self._url}/query?{words}", method="POST" if post else "GET"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http on loopback
            (result,) = msgspec.json.decode(answer.read(), type=_Answer).results
        return result.series


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[object]]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []


class _Answer(msgspec.Struct):
    results: list[_Result]


def exported(port: int, match: str) -> list[tuple[int, float]]:
    """Time (ms) and value of every raw sample VictoriaMetrics has for a series selector."""
    words = urllib.parse.urlencode({"match[]": match})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/export?{words}", timeout=10) as answer:
        series = [json.loads(line) for line in answer.read().splitlines()]
    return sorted(
        (int(at), float(value)) for each in series for at, value in zip(each["timestamps"], each["values"], strict=True)
    )
