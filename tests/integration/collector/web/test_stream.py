"""Server-sent events, as any client sees them."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from collector.web import live
from tests.integration.collector.web.fleet import branch_now, fleet_places, show
from tests.integration.collector.web.site import Site, site
from wire.messages import BranchState


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path, fleet_places(3), alive=False) as running:
        now_s = running.clock.now_s()
        show(running.board, [branch_now(number, BranchState.OK, now_s) for number in range(3)], now_s)
        yield running


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str, dict[str, object]]]:
    """Id, kind and data of each event."""
    fields: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield fields.get("id", ""), fields["event"], json.loads(fields["data"])
            fields = {}


async def test_snapshot_then_changes_then_what_was_missed(small: Site) -> None:
    async with aiohttp.ClientSession() as client, asyncio.timeout(20):
        async with client.get(f"{small.url}/events") as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Accel-Buffering"] == "no"
            stream = events(answer)
            _, kind, whole = await anext(stream)
            assert kind == "change"
            assert len(whole["tiles"]) == 3  # type: ignore[arg-type]
            show(small.board, [branch_now(1, BranchState.ISOLATED, 1.79e9)], small.clock.now_s())
            number, news = "", whole
            while "ISOLATED" not in str(news.get("tiles")):
                number, _, news = await anext(stream)
        show(small.board, [branch_now(2, BranchState.ON_5G, 1.79e9)], small.clock.now_s())
        await asyncio.sleep(0.5)
        async with client.get(f"{small.url}/events", headers={"Last-Event-ID": number}) as answer:
            _, _, missed = await anext(events(answer))
            assert [tile[0] for tile in missed["tiles"]] == ["acme/b002"]  # type: ignore[attr-defined]
        for unknown in ("00000000-5", "nonsense", number + "9", "-"):
            async with client.get(f"{small.url}/events", headers={"Last-Event-ID": unknown}) as answer:
                _, _, whole = await anext(events(answer))
                assert len(whole["tiles"]) == 3, unknown  # type: ignore[arg-type]


async def test_a_reader_too_far_behind_is_dropped() -> None:
    reader = live.Reader("en")
    for _ in range(live.MAX_WAITING):
        reader.offer(b"event")
    assert not reader.too_slow.is_set()
    reader.offer(b"one more")
    assert reader.too_slow.is_set()


async def test_no_more_readers_than_may_be(small: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_READERS", 1)
    async with aiohttp.ClientSession() as client, asyncio.timeout(20), client.get(f"{small.url}/events") as answer:
        await anext(events(answer))
        async with client.get(f"{small.url}/events") as refused:
            assert refused.status == 503
