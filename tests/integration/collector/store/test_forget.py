"""Retention on real databases."""

import asyncio
from datetime import UTC, datetime

from collector.store.base import Later, OwnRetention, Written
from collector.store.influx1 import Influx1
from collector.store.influx2 import Influx2
from tests.integration.collector.fake_influx_v2 import BUCKET, ORG, TOKEN, FakeInfluxV2
from tests.integration.collector.servers import InfluxDB, Server
from tests.needs import needs_program

OLD_NS, CUT_NS, NEW_NS = (int(datetime(2026, 9, day, tzinfo=UTC).timestamp()) * 10**9 for day in (1, 2, 3))
LINES = f"link,link=a sent=1i {OLD_NS}\nlink,link=a sent=2i {NEW_NS}\nact x=1i {OLD_NS}".encode()


@needs_program("influxd")
async def test_influx1(influx_server: Server, influx: InfluxDB) -> None:
    url = f"http://127.0.0.1:{influx_server.port}"
    store = Influx1(url=url, database="bl", username="", password="", timeout_s=5)
    assert await store.write(LINES) == Written()
    assert await store.write(b"link,link=b sent=1i 86400000000000\nlink,link=b sent=1i 5") == Written()
    assert await store.forget("link", CUT_NS) == Written()
    assert await store.forget("fleet", CUT_NS) == Written()  # never written
    assert await asyncio.to_thread(influx.count, "bl", "link", "sent") == 1
    assert await asyncio.to_thread(influx.count, "bl", "act", "x") == 1
    await store.close()
    other = Influx1(url=url, database="nobody", username="", password="", timeout_s=5)
    answer = await other.forget("link", CUT_NS)
    assert isinstance(answer, Later)
    assert "database not found" in answer.reason
    await other.close()


@needs_program("victoria-metrics")
async def test_victoria_metrics_has_its_own(metrics: Server) -> None:
    store = Influx2(url=f"http://127.0.0.1:{metrics.port}", bucket="bl", org="", token="", timeout_s=5)
    assert await store.forget("link", CUT_NS) == OwnRetention(
        "VictoriaMetrics deletes by its flag -retentionPeriod only"
    )
    await store.close()


async def test_influx2() -> None:
    async with FakeInfluxV2() as fake:
        store = Influx2(url=fake.url, bucket=BUCKET, org=ORG, token=TOKEN, timeout_s=5)
        assert await store.write(LINES) == Written()
        assert await store.forget("link", CUT_NS) == Written()
        assert sorted(fake.points) == [("act", OLD_NS), ("link,link=a", NEW_NS)]
        assert fake.deletions == ["2026-09-02T00:00:00Z"]
        fake.buckets = set()
        answer = await store.forget("link", CUT_NS)
        assert isinstance(answer, Later)
        assert "no dbrp mapping found" in answer.reason
        await store.close()
