"""What the writer makes of InfluxDB 2's own answers."""

from pathlib import Path

import pytest

from collector.store.influx2 import Influx2
from tests.integration.collector.fake_influx_v2 import BUCKET, ORG, TOKEN, FakeInfluxV2
from tests.integration.collector.servers import wait_for
from tests.integration.collector.writer_rig import writing


def _store(fake: FakeInfluxV2, token: str = TOKEN) -> Influx2:
    return Influx2(url=fake.url, bucket=BUCKET, org=ORG, token=token, timeout_s=5)


async def test_everything_arrives_and_segments_go(tmp_path: Path) -> None:
    async with FakeInfluxV2() as fake, writing(tmp_path, _store(fake), 2000) as rig:
        for _ in range(20):
            rig.put_windows(10)
        await rig.drained()
        assert len(fake.points) == 200
        assert rig.counters.lines_written == 200
        await wait_for(lambda: rig.writer.position == rig.journal.end, 5)
        rig.put_lines("m x=1i 1")
        await wait_for(lambda: rig.segments == 1, 5, "old segments deleted")


@pytest.mark.parametrize("missing", ["token", "bucket"])
async def test_wrong_token_or_bucket_pauses_and_loses_nothing(
    missing: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeInfluxV2() as fake:
        if missing == "token":
            fake.token = "another"
        else:
            fake.buckets = set()
        async with writing(tmp_path, _store(fake)) as rig:
            rig.put_windows(5)
            await wait_for(lambda: len(fake.statuses) >= 3)
            assert set(fake.statuses) == {401 if missing == "token" else 404}
            assert "the database refuses every record; correct [store] or the database" in caplog.text
            fake.token, fake.buckets = TOKEN, {BUCKET}
            await rig.drained()
            assert len(fake.points) == 5
            assert rig.letters() == []
    assert caplog.text.count("the database refuses every record") == 1
    assert "the database takes records again" in caplog.text


async def test_bad_lines_are_found_and_kept_aside(tmp_path: Path) -> None:
    async with FakeInfluxV2() as fake, writing(tmp_path, _store(fake)) as rig:
        rig.put_windows(50)
        rig.put_lines("bad line without a value", "good x=1i 5")
        rig.put_windows(40)
        rig.put_lines("worse,=1 x=2 3")
        await rig.drained()
        assert len(fake.points) == 91
        assert sorted(each.payload for each in rig.letters()) == [b"bad line without a value", b"worse,=1 x=2 3"]
        assert all("HTTP 400" in each.sentence for each in rig.letters())
        assert rig.counters.lines_rejected == 2


async def test_too_large_is_halved(tmp_path: Path) -> None:
    async with FakeInfluxV2() as fake, writing(tmp_path, _store(fake)) as rig:
        rig.put_windows(1000)
        await rig.drained()
        assert 413 in fake.statuses
        assert len(fake.points) == 1000
        assert rig.letters() == []


async def test_one_line_too_large_is_kept_aside(tmp_path: Path) -> None:
    async with FakeInfluxV2() as fake, writing(tmp_path, _store(fake)) as rig:
        rig.put_lines("a x=1i 1", f'b x="{"x" * 60_000}" 2', "c x=1i 3")
        await rig.drained()
        assert {series for series, _ in fake.points} == {"a", "c"}
        assert len(rig.letters()) == 1


async def test_retry_after_is_respected_and_trouble_passes(tmp_path: Path) -> None:
    queued = [(429, {"Retry-After": "1"}), (503, {}), (500, {}), (502, {})]
    async with FakeInfluxV2(queued=queued) as fake, writing(tmp_path, _store(fake)) as rig:
        rig.put_windows(5)
        await wait_for(lambda: fake.statuses == [429])
        before_s = rig.writer._clock.now_s()
        await rig.drained()
        assert rig.writer._clock.now_s() - before_s > 0.9
        assert fake.statuses == [429, 503, 500, 502, 204]
        assert len(fake.points) == 5
        assert rig.counters.store_retries == 4


async def test_nobody_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Influx2(url="http://127.0.0.1:9", bucket=BUCKET, org=ORG, token=TOKEN, timeout_s=1)
    async with writing(tmp_path, store) as rig:
        rig.put_windows(5)
        await wait_for(lambda: rig.counters.store_retries >= 2)
    assert "the database does not take records now; trying again" in caplog.text
    assert rig.writer.position < rig.journal.end


async def test_a_kill_between_writes_starts_from_the_checkpoint(tmp_path: Path) -> None:
    async with FakeInfluxV2() as fake:
        async with writing(tmp_path, _store(fake)) as rig:
            rig.put_windows(30)
            await rig.drained()
        async with writing(tmp_path, _store(fake)) as rig:
            rig.put_lines("m x=1i 1")
            await rig.drained()
            assert len(fake.points) == 31
