"""The process of the simulated fleet: 255 branches on the wall clock, one MQTT connection for all of them."""

import argparse
import asyncio
import heapq
import logging
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import aiomqtt

from failover.profiles import Profile
from lab.fleet.branch import FleetBranch
from lab.fleet.lanes import LaneBook
from lab.fleet.news import FleetNews, MoveTold, write_news
from lab.fleet.places import TENANT, build_inventory
from lab.fleet.story import CALM, fates
from lab.fleet.uplink import BranchUplink
from wire.codec import decode_ack
from wire.errors import WireError

STEP_S = 0.02
STARTS_OVER_S = 4.0  # branches start one after the other, so that their windows come out of phase
NEWS_EVERY_S = 0.5
GRACE_S = 5.0
SEND_EVERY_S = 1.0  # a branch with nothing new is looked at so often: resends, wills
log = logging.getLogger("fleet")


class Fleet:
    """All branches. `flood_s` is in seconds from the start."""

    def __init__(self, port: int, file: Path, flood_s: float, profile: Profile) -> None:
        self._port = port
        self._file = file
        self._origin_s = time.monotonic()
        origin_ns = time.time_ns()
        entries = build_inventory().branch
        fate_of = fates(entries, flood_s)
        self._lines = sum(len(entry.line) for entry in entries)
        self._uplinks = [
            BranchUplink(
                FleetBranch(
                    TENANT,
                    entry,
                    fate_of.get(entry.name, CALM),
                    profile=profile,
                    starts_s=STARTS_OVER_S * number / len(entries),
                    origin_ns=origin_ns,
                )
            )
            for number, entry in enumerate(entries)
        ]
        self._by_name = {uplink.branch.entry.name: uplink for uplink in self._uplinks}
        self._due = [(uplink.branch.next_due_s, number) for number, uplink in enumerate(self._uplinks)]
        heapq.heapify(self._due)
        self._stop = asyncio.Event()
        self._client: aiomqtt.Client | None = None
        self._publishing: set[asyncio.Task[None]] = set()
        self._trouble = ""

    async def run(self) -> None:
        """Run until SIGTERM, then let the collector catch up for a moment."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._connect(), name="connection"),
                tasks.create_task(self._live(), name="branches"),
                tasks.create_task(self._tell(), name="news"),
            ]
            await self._stop.wait()
            work[1].cancel()
            await self._flush()
            for each in work:
                each.cancel()
        write_news(self._file, self._news(done=True))

    async def _live(self) -> None:
        while True:
            now_s = self._now_s()
            fresh = set()
            while self._due[0][0] <= now_s:
                number = self._due[0][1]
                uplink = self._uplinks[number]
                uplink.take(uplink.branch.run(now_s))
                heapq.heapreplace(self._due, (uplink.branch.next_due_s, number))
                fresh.add(number)
            self._send(self._uplinks[number] for number in fresh)
            turn = int(now_s / STEP_S) % round(SEND_EVERY_S / STEP_S)
            self._send(self._uplinks[turn :: round(SEND_EVERY_S / STEP_S)])
            await asyncio.sleep(STEP_S)

    def _send(self, uplinks: Iterable[BranchUplink]) -> None:
        if self._client is None:
            return
        for uplink in uplinks:
            for topic, payload, retain, book in uplink.publications(self._now_s()):
                task = asyncio.create_task(self._publish(self._client, topic, payload, retain=retain, book=book))
                self._publishing.add(task)
                task.add_done_callback(self._publishing.discard)

    async def _publish(
        self, client: aiomqtt.Client, topic: str, payload: bytes, *, retain: bool, book: LaneBook | None
    ) -> None:
        window = book.window if book else None
        try:
            await client.publish(topic, payload, qos=1, retain=retain, timeout=60.0)
        except aiomqtt.MqttError as error:
            self._trouble = str(error)  # the connection ends as well, and the next one sends again
            return
        if window is not None:
            window.on_broker_has_it()

    async def _connect(self) -> None:
        while True:
            try:
                async with aiomqtt.Client(
                    "127.0.0.1",
                    self._port,
                    identifier="fleet",
                    protocol=aiomqtt.ProtocolVersion.V311,
                    clean_session=True,
                    keepalive=20,
                    logger=log,
                ) as client:
                    await client.subscribe(f"bl/1/ack/{TENANT}/#", qos=1)
                    self._client, self._trouble = client, ""
                    async for message in client.messages:
                        self._take_ack(message)
            except (aiomqtt.MqttError, OSError) as error:
                self._trouble = f"broker 127.0.0.1:{self._port}: {error}"
            finally:
                self._client = None
            for uplink in self._uplinks:
                uplink.broker_lost()
            await asyncio.sleep(0.5)

    def _take_ack(self, message: aiomqtt.Message) -> None:
        uplink = self._by_name.get(str(message.topic).split("/")[4])
        if uplink is None or not isinstance(message.payload, bytes):
            return  # the real agent's
        try:
            uplink.on_ack(decode_ack(message.payload))
        except WireError as error:
            self._trouble = str(error)

    async def _tell(self) -> None:
        while True:
            write_news(self._file, self._news())
            await asyncio.sleep(NEWS_EVERY_S)

    async def _flush(self) -> None:
        until_s = time.monotonic() + GRACE_S
        while time.monotonic() < until_s and self._news().lost:
            self._send(self._uplinks)
            await asyncio.sleep(0.1)

    def _news(self, *, done: bool = False) -> FleetNews:
        return FleetNews(
            branches=len(self._uplinks),
            lines=self._lines,
            seconds=self._now_s(),
            produced=sum(uplink.produced for uplink in self._uplinks),
            waiting=sum(uplink.waiting for uplink in self._uplinks),
            held=sum(uplink.held for uplink in self._uplinks),
            moves=moves_of(uplink.branch for uplink in self._uplinks),
            cpu_pct=round(100.0 * time.process_time() / max(0.1, self._now_s()), 1),
            done=done,
            trouble=self._trouble,
        )

    def _now_s(self) -> float:
        return time.monotonic() - self._origin_s


def moves_of(branches: Iterable[FleetBranch]) -> tuple[MoveTold, ...]:
    """Every move so far, oldest first. `after_ms` only where a dead line was left for one that passes packets."""
    told = [
        MoveTold(
            branch.at_ns(move.at_s) / 1e9,
            branch.entry.name,
            move.from_path,
            move.to_path,
            branch.switch_ms(move),
            move.outcome or "",
        )
        for branch in branches
        for move in branch.moves
    ]
    return tuple(sorted(told, key=lambda move: move.at_s))


def main() -> None:
    """`python -m lab.fleet.process PORT FILE FLOOD_S PROFILE`: the demo starts it."""
    parser = argparse.ArgumentParser(
        description="The simulated fleet of the demo, on the broker at a port of loopback."
    )
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("flood_s", type=float)
    parser.add_argument("profile", type=Profile)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(Fleet(options.port, options.file, options.flood_s, options.profile).run())


if __name__ == "__main__":
    main()
