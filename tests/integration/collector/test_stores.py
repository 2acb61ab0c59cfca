"""The writer on real databases."""

import asyncio
from pathlib import Path

import pytest

from collector.store.influx1 import Influx1
from collector.store.influx2 import VICTORIA_KEEP_S, Influx2
from tests.integration.collector.servers import InfluxDB, Server, exported, wait_for, wait_until
from tests.integration.collector.writer_rig import writing
from tests.needs import needs_program


def _influx1(server: Server, database: str = "bl", timeout_s: float = 5) -> Influx1:
    url = f"http://127.0.0.1:{server.port}"
    return Influx1(url=url, database=database, username="", password="", timeout_s=timeout_s)


def _victoria(server: Server) -> Influx2:
    return Influx2(url=f"http://127.0.0.1:{server.port}", bucket="bl", org="", token="", timeout_s=5)


@needs_program("influxd")
async def test_influx1_takes_windows_once(tmp_path: Path, influx_server: Server, influx: InfluxDB) -> None:
    async with writing(tmp_path, _influx1(influx_server)) as rig:
        rig.put_windows(6000)
        await rig.drained()
        rows = await asyncio.to_thread(influx.rows, "bl", "SELECT * FROM link LIMIT 1")
        assert rows[0]["loss_pct"] == 1.0
        assert (rows[0]["link"], rows[0]["isp"], rows[0]["family"]) == ("isp1", "ISP 1", "4")
        assert await asyncio.to_thread(influx.count, "bl", "link", "sent") == 6000


@needs_program("influxd")
async def test_influx1_missing_database_waits(
    tmp_path: Path, influx_server: Server, influx: InfluxDB, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(tmp_path, _influx1(influx_server, "later")) as rig:
        rig.put_windows(10)
        await wait_for(lambda: "refuses every record" in caplog.text)
        await asyncio.to_thread(influx.create, "later")
        await rig.drained()
        assert await asyncio.to_thread(influx.count, "later", "link", "sent") == 10


@needs_program("influxd")
async def test_influx1_type_conflict_is_kept_aside(tmp_path: Path, influx_server: Server, influx: InfluxDB) -> None:
    async with writing(tmp_path, _influx1(influx_server)) as rig:
        rig.put_lines("m x=1i 1")
        await rig.drained()
        rig.put_lines("m x=1.5 2", "m x=2i 3", "nonsense", "m x=3i 4")
        await rig.drained()
        assert await asyncio.to_thread(influx.count, "bl", "m", "x") == 3
        assert sorted(each.payload for each in rig.letters()) == [b"m x=1.5 2", b"nonsense"]


@needs_program("influxd")
async def test_influx1_killed_and_back(tmp_path: Path, influx_server: Server, influx: InfluxDB) -> None:
    async with writing(tmp_path, _influx1(influx_server)) as rig:
        for round_ in range(4):
            if round_ % 2:
                await asyncio.to_thread(influx_server.kill)
            rig.put_windows(2500)
            if round_ % 2:
                before = rig.counters.store_retries
                await wait_for(lambda: rig.counters.store_retries > before)  # noqa: B023 - awaited here
                await asyncio.to_thread(influx_server.start)
        await rig.drained(30)
        assert await asyncio.to_thread(influx.count, "bl", "link", "sent") == 10_000


@needs_program("victoria-metrics")
async def test_victoria_metrics_is_told_again_after_a_kill(
    tmp_path: Path, metrics: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers 204 before data is on disk, so what it took is kept and written again when its start time changed."""
    assert metrics.port is not None
    port = metrics.port
    match = '{__name__="link_sent"}'
    store = _victoria(metrics)
    async with writing(tmp_path, store, segment_bytes=3000) as rig:
        for _ in range(10):
            rig.put_windows(100)
        await rig.drained()
        assert store.keep_s == VICTORIA_KEEP_S
        await asyncio.to_thread(wait_until, lambda: len(exported(port, match)) == 1000, 20, "all rows readable")
        kept = rig.segments
        await asyncio.to_thread(metrics.kill)
        await asyncio.sleep(1.1)  # its start time has whole seconds
        await asyncio.to_thread(metrics.start)
        rig.put_windows(1)
        await wait_for(lambda: "writing the last minutes again" in caplog.text, 20)
        await rig.drained()
        assert kept > 1
        assert rig.segments >= kept
        await asyncio.to_thread(wait_until, lambda: len(exported(port, match)) == 1001, 20, "all rows readable")
        assert {value for _, value in exported(port, match)} == {300.0}


@needs_program("victoria-metrics")
async def test_victoria_metrics_restarted_during_a_write_is_told_again(
    tmp_path: Path, metrics: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The restart is noticed between two tries of one write: that write must not count as all there is to tell."""
    monkeypatch.setattr("collector.store.writer.ASK_STORE_S", 0.0)
    assert metrics.port is not None
    port = metrics.port
    match = '{__name__="link_sent"}'
    async with writing(tmp_path, _victoria(metrics), segment_bytes=3000) as rig:
        rig.put_windows(1000)
        await rig.drained()
        await asyncio.to_thread(metrics.kill)
        retries = rig.counters.store_retries
        rig.put_windows(10)
        await wait_for(lambda: rig.counters.store_retries > retries, 20, "a write that fails")
        await asyncio.sleep(1.1)  # its start time has whole seconds
        await asyncio.to_thread(metrics.start)
        await wait_for(lambda: "writing the last minutes again" in caplog.text, 20)
        await asyncio.to_thread(wait_until, lambda: len(exported(port, match)) == 1010, 30, "all rows readable")
