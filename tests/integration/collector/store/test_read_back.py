"""The same records through the writer into three real databases; what their readers answer is compared."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from collector.clock import SteadyClock
from collector.config import StoreSettings
from collector.database import open_database
from collector.downsampling.downsampler import Downsampler
from collector.downsampling.hours import TAGS
from collector.downsampling.touched import SCHEMA
from collector.store import STORES, history_of
from collector.store.history import History, HistoryError, Pick, Series, Value
from collector.store.question import TEXT_FIELDS
from tests.integration.collector.servers import InfluxDB, Server, wait_for
from tests.integration.collector.store.records import ADDRESSES, EVENTS, SAMPLES, SPAN_NS, START_NS
from tests.integration.collector.writer_rig import WriterRig, writing
from tests.needs import needs_program
from wire.fields import LinkHourField, Measurement

pytestmark = [needs_program("influxd"), needs_program("victoria-metrics")]
MS = 1_000_000
WINDOWS_S = 400 * 86_400.0
ALL_TAGS = {
    Measurement.LINK: ("tenant", "branch", "agent", "link", "role", "isp", "family"),
    Measurement.LINK_STATE: ("branch", "link", "isp"),
    Measurement.ACT: ("branch", "link", "from_link", "kind"),
    Measurement.BRANCH_STATE: ("branch",),
    Measurement.DIGEST: ("branch", "link"),
    Measurement.FLIGHT: ("branch", "link", "anchor"),
    Measurement.POWER: ("branch", "device"),
    Measurement.ENVIRONMENT: ("branch", "sensor", "kind"),
}
FIELDS = {
    Measurement.LINK: ("sent", "rtt_median_ms", "rtt_jitter_ms", "loss_pct", "state", "duration_s"),
    Measurement.LINK_STATE: ("old", "new", "reason", "silence_ms"),
    Measurement.ACT: ("outcome", "id", "reason", "route_ms"),
    Measurement.BRANCH_STATE: ("reported",),
    Measurement.DIGEST: ("state", "rtt_ms", "bytes_used"),
    Measurement.FLIGHT: ("rtt_ms", "lost"),
    Measurement.POWER: ("source", "charge_pct", "runtime_s", "input_v"),
    Measurement.ENVIRONMENT: ("state", "value"),
}


class Three:
    """One reader for each database, all fed the same."""

    def __init__(self, sqlite: History, influx: History, victoria: History) -> None:
        self.sqlite, self.influx, self.victoria = sqlite, influx, victoria

    async def same(
        self,
        measurement: str,
        fields: tuple[str, ...],
        *,
        where: dict[str, str] | None = None,
        group: tuple[str, ...] = (),
        every_s: float | None = None,
        pick: Pick = Pick.MEAN,
        limit: int = 10_000,
    ) -> list[Series]:
        """The answer, the same of all three (VictoriaMetrics: to the millisecond, 12 digits, without texts)."""
        answers = [
            await each.read(
                measurement, fields, where=where or {}, group=group, start_ns=START_NS, end_ns=START_NS + SPAN_NS,
                every_s=every_s, pick=pick, limit=limit,
            )
            for each in (self.sqlite, self.influx, self.victoria)
        ]  # fmt: skip
        agree(answers[0], answers[1], unit_ns=1, rel=1e-14)
        agree([without_texts(each) for each in answers[0]], answers[2], unit_ns=MS, rel=1e-11)
        return answers[0]


def agree(one: list[Series], other: list[Series], *, unit_ns: int, rel: float) -> None:
    """The same series, times, values and types. Floats may differ in the last digits: sums run in another order."""
    assert [each.tags for each in one] == [each.tags for each in other]
    for mine, theirs in zip(one, other, strict=True):
        assert [at // unit_ns for at in mine.at_ns] == [at // unit_ns for at in theirs.at_ns]
        for name, column in mine.values.items():
            assert [type(each) for each in column] == [type(each) for each in theirs.values[name]], name
            assert all(near(a, b, rel) for a, b in zip(column, theirs.values[name], strict=True)), name


def near(one: Value, other: Value, rel: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=rel)
    return one == other


def without_texts(series: Series) -> Series:
    """As VictoriaMetrics has it."""
    values = {
        name: tuple(None for _ in column) if name in TEXT_FIELDS else column for name, column in series.values.items()
    }
    return Series(series.tags, series.at_ns, values)


async def test_three_databases_answer_the_same(
    tmp_path: Path, influx_server: Server, influx: InfluxDB, metrics: Server
) -> None:
    assert influx is not None
    kinds = {
        "sqlite": StoreSettings(),
        "influx1": StoreSettings("influx1", url=f"http://127.0.0.1:{influx_server.port}", database="bl"),
        "influx2": StoreSettings("influx2", url=f"http://127.0.0.1:{metrics.port}", bucket="bl"),
    }
    for kind in kinds:
        (tmp_path / kind).mkdir()
    async with AsyncExitStack() as stack:
        fed = [
            await stack.enter_async_context(fed_database(tmp_path / kind, settings)) for kind, settings in kinds.items()
        ]
        for each in fed:
            for address in ADDRESSES:
                each.rig.put_batch(address, SAMPLES)
                each.rig.put_batch(address, EVENTS)
                each.rig.put_batch(address, SAMPLES)  # again: nothing may count twice
        for each in fed:
            await each.rig.drained()
            assert each.downsampler.waiting == 4
        three = Three(*(each.history for each in fed))
        await _arrived(three.victoria, "environment", ("state",), 4)
        await _compare(three)
        for each in fed:
            await wait_for(lambda: each.downsampler.waiting == 0, 20, "hours made")  # noqa: B023 - awaited here
            await each.rig.drained()
        await _arrived(three.victoria, "link_1h", ("down_s",), 8)
        hours = await three.same("link_1h", tuple(LinkHourField), group=TAGS)
        assert [(each.tags["branch"], each.tags["link"], len(each.at_ns)) for each in hours] == [
            (branch, link, 2) for branch in ("b1", "b2") for link in ("5g", "isp1")
        ]
        assert hours[0].values["measured_s"] == (3600.0, 3600.0)
        assert hours[0].values["up_s"] == (1600.0, 1600.0)


class Fed(NamedTuple):
    """One database with the writer and the downsampler of its collector."""

    rig: WriterRig
    history: History
    downsampler: Downsampler


@asynccontextmanager
async def fed_database(folder: Path, settings: StoreSettings) -> AsyncIterator[Fed]:
    history, database = history_of(settings, folder), open_database(folder / "records.db", SCHEMA)
    offered: list[bytes] = []
    downsampler = Downsampler(
        history=history, database=database, offer=offered.append, clock=SteadyClock(), windows_s=WINDOWS_S, settle_s=3
    )
    async with writing(folder, STORES[settings.kind](settings, folder), notes=downsampler) as rig:
        downsampler._offer = lambda lines: rig.put_lines(lines.decode())
        task = asyncio.create_task(downsampler.run())
        try:
            yield Fed(rig, history, downsampler)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await history.close()
            database.close()


async def _arrived(victoria: History, measurement: str, fields: tuple[str, ...], points: int) -> None:
    """VictoriaMetrics shows what it took a second or two later."""
    end_s = time.monotonic() + 20
    while True:
        found = await victoria.read(
            measurement, fields, where={}, group=(), start_ns=START_NS, end_ns=START_NS + SPAN_NS
        )
        if found and len(found[0].at_ns) == points:
            return
        assert time.monotonic() < end_s
        await asyncio.sleep(0.1)


async def _compare(three: Three) -> None:
    for measurement, tags in ALL_TAGS.items():
        found = await three.same(measurement, FIELDS[measurement], group=tags)
        assert found, measurement
        assert len(await three.same(measurement, FIELDS[measurement], where={"branch": "b2"}, group=tags)) < len(found)
    links = await three.same("link", ("sent", "rtt_p95_ms"), where={"tenant": "t1", "branch": "b1"}, group=("link",))
    assert {each.tags["link"]: len(each.at_ns) for each in links} == {"isp1": 720, "5g": 720}
    for pick in Pick:
        got = await three.same("link", ("rtt_median_ms", "sent"), group=("link",), every_s=300, pick=pick)
        assert [len(each.at_ns) for each in got] == [24, 24]
        await three.same("link", ("rtt_median_ms", "sent"), every_s=7000, pick=pick)
    last = await three.same("link", ("sent",), group=("branch", "link"), limit=5)
    assert all(len(each.at_ns) == 5 and each.at_ns[-1] == START_NS + SPAN_NS - 10 * 10**9 for each in last)
    assert (await three.same("act", ("outcome", "reason"), every_s=7200, pick=Pick.LAST)) != []
    for hostile in ("x' OR '1'='1", 'x" or "1"="1', "\\", "it's", "a\nb", '"}', "b1'--"):
        assert await three.same("link", ("sent",), where={"branch": hostile}) == []
    (isp,) = await three.same("link", ("sent",), where={"isp": 'Ann "O\'Neil", a=b\\c'}, limit=3)
    assert len(isp.at_ns) == 3
    with pytest.raises(HistoryError, match="is not a name"):
        await three.same("link", ('sent" FROM x --',))
    with pytest.raises(HistoryError, match="is a text and has no mean"):
        await three.same("act", ("reason",), every_s=10)
