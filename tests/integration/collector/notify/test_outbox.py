"""The outbox with a real HTTP receiver: what arrives, how often, under which key."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from branchline.units import Duration
from collector.incidents import book
from collector.incidents.model import AlertClass, Severity
from collector.notify.base import Message, Result
from collector.notify.model import NoticeEvent
from collector.notify.notifiers import make_notifiers
from tests.integration.collector.notify.rig import PAGE_AND_WORK, Post, Rig, Web, outbox, poll, served, webhook
from tests.unit.collector.notify.incidents import incident, page

TRIGGER, UPDATE, RESOLVE = NoticeEvent.TRIGGER, NoticeEvent.UPDATE, NoticeEvent.RESOLVE


@pytest.fixture
async def server() -> AsyncIterator[Web]:
    async with served() as started:
        yield started


async def test_a_page_is_told_once_with_its_end_and_everything_is_written_down(server: Web, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await rig.until("delivered")
        await rig.tell((RESOLVE, page()))
        await rig.until("delivered", "delivered")
    assert server.keys == [f"hook/{page().id}/1", f"hook/{page().id}/2"]
    assert server.events == ["trigger", "resolve"]
    assert str(server.posts[0].document["subject"]).startswith("[P1][ISOLATED] Nantes Beaujoire - since ")
    assert server.posts[0].document["runbook_url"] == "http://collector:8480/runbooks/isolated"
    entries = await rig.database.run(lambda connection: book.timeline(connection, page().id))
    assert [(each.kind, each.words["event"], each.words["result"]) for each in entries] == [
        ("delivery", "trigger", "delivered"),
        ("delivery", "resolve", "delivered"),
    ]
    assert len(rig.points()) == 2
    assert rig.points()[0].startswith("delivery,tenant=acme,receiver=hook delivered=1i,attempts=1i,took_s=")


async def test_who_is_told_of_what(server: Web, tmp_path: Path) -> None:
    """Pages only: an incident that becomes a page begins then; one that never did is not told, nor is its end."""
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    worse = incident(1, severity=Severity.PAGE, alert_class=AlertClass.ISOLATED)
    await rig.tell((TRIGGER, incident()), (UPDATE, worse), (RESOLVE, worse))
    await rig.tell((TRIGGER, incident(2)), (UPDATE, incident(2)), (RESOLVE, incident(2)))
    async with rig.running():
        await rig.until("delivered", "delivered")
    assert server.events == ["trigger", "resolve"]
    assert {post.document["incident_id"] for post in server.posts} == {worse.id}


async def test_updates_that_are_overtaken_are_not_sent(server: Web, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    await rig.tell((TRIGGER, page()), (UPDATE, page()), (UPDATE, page(confidence=0.5)))
    async with rig.running():
        await rig.until("delivered", "superseded", "delivered")
    assert server.events == ["trigger", "update"]
    assert server.posts[1].document["confidence"] == 0.5


async def test_a_receiver_that_is_down_holds_up_nobody_and_gets_it_when_it_is_back(server: Web, tmp_path: Path) -> None:
    other = Web()
    await other.start()
    await other.stop()
    rig = Rig(tmp_path / "r.db", webhook(server.url, "well"), webhook(other.url, "dead"))
    async with rig.running():
        await rig.tell((TRIGGER, page()), (RESOLVE, page()))
        await rig.until("waiting", "delivered", "waiting", "delivered")
        await other.start()
        rows = await rig.until("delivered", "delivered", "delivered", "delivered")
    await other.stop()
    assert server.events == other.events == ["trigger", "resolve"]
    assert rows[0].attempts > 1
    entries = await rig.database.run(lambda connection: book.timeline(connection, page().id))
    assert [each.words["result"] for each in entries if each.words["receiver"] == "dead"] == [
        "failed",
        "delivered",
        "delivered",
    ]


@pytest.mark.parametrize("status", [500, 429, 503, 401, 404, 307])
async def test_an_answer_that_may_change_is_tried_again(status: int, server: Web, tmp_path: Path) -> None:
    headers = {"Retry-After": "0.2", "Location": "/elsewhere"}
    server.answer = lambda _: web.Response(status=204 if len(server.posts) > 0 else status, headers=headers)
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        if status in {401, 404, 307}:  # a person has to mend the settings: a minute's pause
            row = await rig.until_tried()
            assert 55 < row.next_s - time.time() <= 60
            assert row.error.startswith(f"HTTP {status}")
            return
        await rig.until("delivered")
    assert server.keys == [f"hook/{page().id}/1"] * 2


async def test_retry_after_is_honoured(server: Web, tmp_path: Path) -> None:
    at: list[float] = []

    def answer(_: Post) -> web.Response:
        at.append(time.monotonic())
        return web.Response(status=429, headers={"Retry-After": "1"}) if len(at) == 1 else web.Response()

    server.answer = answer
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await rig.until("delivered")
    assert 1.0 <= at[1] - at[0] < 3.0


async def test_a_message_that_is_refused_is_not_sent_again_and_the_next_one_goes(server: Web, tmp_path: Path) -> None:
    server.answer = lambda _: web.Response(status=400 if not server.posts else 200, text="no such\nfield")
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        rows = await rig.until("refused")
        assert rows[0].error == "HTTP 400 no such field"
        await rig.tell((UPDATE, page()))
        await rig.until("refused", "delivered")
    assert server.events == ["trigger", "trigger"], "who never heard that it began is told it as a beginning"


async def test_the_end_of_what_was_refused_is_not_told(server: Web, tmp_path: Path) -> None:
    server.answer = lambda _: web.Response(status=422)
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await rig.until("refused")
        await rig.tell((RESOLVE, page()))
        await rig.until("refused", "superseded")
    assert len(server.posts) == 1


async def test_a_hanging_receiver_is_left_and_asked_again_under_the_same_key(server: Web, tmp_path: Path) -> None:
    server.slow_s = 5.0
    rig = Rig(tmp_path / "r.db", webhook(server.url, timeout=Duration(0.2)))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        assert (await rig.until_tried()).error == "no answer in time"
        server.slow_s = 0.0
        await rig.until("delivered")
    assert set(server.keys) == {f"hook/{page().id}/1"}


async def test_one_message_that_never_goes_does_not_hold_the_others(server: Web, tmp_path: Path) -> None:
    bad = page(1).id

    def answer(post: Post) -> web.Response:
        return web.Response(status=500 if post.document.get("incident_id") == bad else 200)

    server.answer = answer
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        await rig.tell(*((TRIGGER, page(number)) for number in (1, 2, 3)))
        await rig.until("waiting", "delivered", "delivered")


async def test_given_up_and_shown(server: Web, tmp_path: Path) -> None:
    server.answer = lambda _: web.Response(status=500, text="broken")
    rig = Rig(tmp_path / "r.db", webhook(server.url, give_up_after=Duration(3600)))
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await rig.until_tried()
        await rig.database.run(lambda connection: connection.execute("UPDATE deliveries SET made_s = made_s - 3600"))
        rows = await rig.until("given_up")
    assert rows[0].error == "HTTP 500 broken"
    entries = await rig.database.run(lambda connection: book.timeline(connection, page().id))
    assert entries[-1].words["state"] == "given_up"
    assert entries[-1].words["detail"] == "not taken in 1h: HTTP 500 broken"
    assert " delivered=0i," in rig.points()[-1]


async def test_255_pages_in_a_second_are_ten_messages_the_last_a_digest(server: Web, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    async with rig.running():
        began_s = time.monotonic()
        await rig.tell(*((TRIGGER, page(number)) for number in range(1, 256)))
        await rig.until(*(["delivered"] * 255))
        took_s = time.monotonic() - began_s
        await rig.tell((TRIGGER, page(256)))
        await rig.until(*(["delivered"] * 255), "waiting")
    assert len(server.posts) == 10, "the next one waits for the next minute"
    assert server.events == ["trigger"] * 9 + ["digest"]
    last = server.posts[-1].document
    assert last["subject"] == "[P1][DIGEST] 246 messages in a minute, 246 of them page"
    told = [str(post.document["incident_id"]) for post in server.posts[:9]]
    listed = last["incidents"]
    assert isinstance(listed, list)
    assert len({*told, *(str(each["incident_id"]) for each in listed)}) == 255
    assert took_s < 20
    print(f"255 notices told in {took_s:.2f} s with {len(server.posts)} messages")  # noqa: T201 - the figure


async def test_a_receiver_taken_out_of_the_settings_ends_what_waits_for_it(server: Web, tmp_path: Path) -> None:
    gone = Rig(tmp_path / "r.db", webhook("http://127.0.0.1:9/", "gone"))
    await gone.tell((TRIGGER, page()))
    async with gone.running():
        await gone.until("waiting")
    gone.database.close()
    rig = Rig(tmp_path / "r.db", webhook(server.url, "new"))
    async with rig.running():
        await rig.until("given_up")
        await rig.tell((UPDATE, page()))
        await rig.until("given_up", "delivered")
    assert server.events == ["trigger"]


async def test_the_token_is_sent(server: Web, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    rig = Rig(tmp_path / "r.db", webhook(server.url, token_file=str(file), severities=PAGE_AND_WORK))
    async with rig.running():
        await rig.tell((TRIGGER, incident()))
        await rig.until("delivered")
    assert server.posts[0].authorization == "Bearer s3cret"


async def test_a_fault_of_one_receivers_code_ends_nobody(server: Web, tmp_path: Path) -> None:
    class FakeFaulty:
        """Raises what no notifier should."""

        async def send(self, message: Message) -> Result:
            raise RuntimeError("no\nsuch thing")

        async def close(self) -> None:
            """Nothing to let go of."""

    rig = Rig(tmp_path / "r.db")
    receivers = [*make_notifiers((webhook(server.url),), "c1"), (webhook(server.url, "odd"), FakeFaulty())]
    box = outbox(rig.database, receivers)
    await rig.tell((TRIGGER, page()))
    task = asyncio.create_task(box.run())
    rows = await rig.until("delivered", "waiting")
    await poll(lambda: _tried(rig))
    task.cancel()
    await box.close()
    assert rows[0].receiver == "hook"
    assert (await rig.rows())[1].error == "a fault: RuntimeError no such thing"


async def test_a_disk_that_does_not_write_repeats_no_message(server: Web, tmp_path: Path) -> None:
    rig = Rig(tmp_path / "r.db", webhook(server.url))
    run, failures = rig.database.run, 3

    async def faulty(work: Callable[[sqlite3.Connection], object]) -> object:
        nonlocal failures
        if server.posts and failures and getattr(work, "__name__", "") == "write":  # what notes the result
            failures -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return await run(work)

    rig.database.run = faulty  # type: ignore[method-assign,assignment]
    async with rig.running():
        await rig.tell((TRIGGER, page()))
        await rig.until("delivered")
    assert failures == 0
    assert server.keys == [f"hook/{page().id}/1"]


async def _tried(rig: Rig) -> bool:
    return (await rig.rows())[1].attempts > 0
