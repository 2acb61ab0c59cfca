"""Keeps the branch in touch with the collector over the path in use: connects, says hello, sends, listens, again."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import credentials
from agent.uplink.backoff import Backoff
from agent.uplink.dial import Dialer
from agent.uplink.errors import TransportError
from agent.uplink.sender import LaneSender
from agent.uplink.status import LaneStatus, UplinkStatus
from agent.uplink.transport import REFUSED_FROM, Greeting, Session
from agent.uplink.window import RESEND_AFTER_S
from wire.codec import decode_ack, encode
from wire.errors import WireError
from wire.messages import Presence
from wire.topics import Address, Lane, ack_topic, presence_topic

log = logging.getLogger("agent.uplink")

BACKLOG_PER_S = 500.0
SILENT_S = 15.0
NUMBER_S = 1.0
NO_EPOCH = "none"  # what a presence says while the spool has no file
LASTING_S = 30.0  # a session this long was no accident: reconnect quickly after it


@dataclass(frozen=True, slots=True)
class _Path:
    name: str = ""
    source: str = ""
    metered: bool = False


class Uplink:
    """The agent's line to the collector.

    Args:
        settings: `[broker]`.
        address: who we are; also MQTT user name (`tenant/branch`) and client id (agent).
        spool: open, or about to be.
        presence: what to tell at each connection; `online`, `epoch` and `connection` are filled in here.
        backlog_per_s: how many samples of backlog are sent per second, behind live ones.
        resend_s: how long the collector may be silent before everything it owes an answer for is sent again.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        address: Address,
        spool: Spool,
        presence: Callable[[], Presence],
        *,
        backlog_per_s: float = BACKLOG_PER_S,
        resend_s: float = RESEND_AFTER_S,
    ) -> None:
        self._settings = settings
        self._address = address
        self._spool = spool
        self._presence = presence
        self._backlog_per_s = backlog_per_s
        self._resend_s = resend_s
        self._dialer = Dialer(settings.host, settings.port)
        self._backoff = Backoff()
        self._path = _Path()
        self._attempt: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._senders: dict[Lane, LaneSender] = {}
        self._session: Session | None = None
        self._trouble: str | None = "not connected yet"
        self._since_s = time.monotonic()
        self._number: int | None = None
        self._connection = 0
        self._last_ack_s: float | None = None
        self._acks_malformed = 0

    def use_path(self, name: str, source: str, *, metered: bool) -> None:
        """Leave the session at once and connect again over another path, as after a move of the branch's traffic.

        Args:
            name: of the path, for `status`.
            source: the path's own address, from which to connect; empty: the kernel chooses.
            metered: hold the samples lane back.
        """
        self._path = _Path(name, source, metered)
        self._backoff.reset()
        self._hurry.set()
        if self._attempt:
            self._attempt.cancel()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            self._hurry.clear()
            self._attempt = asyncio.create_task(self._connected(), name="uplink session")
            try:
                await asyncio.wait([self._attempt])
            finally:
                await _cancelled(self._attempt)
            if not self._attempt.cancelled():
                self._note(self._attempt.exception())
            await self._pause()

    @property
    def status(self) -> UplinkStatus:
        """How it stands now."""
        now_s = time.monotonic()
        return UplinkStatus(
            connected=self._session is not None,
            since_s=now_s - self._since_s,
            path=self._path.name,
            trouble=self._diagnosis(),
            connection=self._connection,
            last_ack_s=None if self._last_ack_s is None else now_s - self._last_ack_s,
            acks_malformed=self._acks_malformed,
            acks_ignored=self._spool.stats.acks_ignored,
            events=self._lane_status(Lane.EVENTS),
            samples=self._lane_status(Lane.SAMPLES),
        )

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._backoff.next_s()):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _connected(self) -> None:
        """One session, from dialling to its loss.

        Raises:
            TransportError: could not be made, or was lost.
        """
        path, settings = self._path, self._settings
        keys = await asyncio.to_thread(credentials.load, settings)
        keepalive_s = round(settings.keepalive_cell if path.metered else settings.keepalive_wire)
        sock = await self._dialer.dial(path.source, give_up_s=settings.keepalive_wire, tls=keys.tls)
        try:
            presence = await self._numbered_presence()
        except BaseException:
            sock.close()
            raise
        greeting = Greeting(
            host=settings.host,
            port=settings.port,
            user=f"{self._address.tenant}/{self._address.branch}",
            client_id=self._address.agent,
            password=keys.password,
            mqtt5=settings.protocol == "5",
            keepalive_s=keepalive_s,
            will_topic=presence_topic(self._address),
            will=encode(replace(presence, online=False)),
        )
        self._number = None  # the broker may know it from here on
        session = await Session.start(sock, greeting)
        try:
            await self._talk(session, presence, path)
        finally:
            now_s = time.monotonic()
            if now_s - self._since_s > LASTING_S:
                self._backoff.reset()
            self._session, self._senders, self._since_s = None, {}, now_s
            await session.close()

    async def _numbered_presence(self) -> Presence:
        """Our presence with a connection number that no broker was told before."""
        if self._number is None:
            try:
                async with asyncio.timeout(NUMBER_S):
                    self._number = await self._spool.next_connection()
            except TimeoutError:
                self._number = self._connection + 1  # a stuck disk must not keep us silent
        self._connection = self._number
        epoch = self._spool.epoch or NO_EPOCH
        return replace(self._presence(), online=True, epoch=epoch, connection=self._number)

    async def _talk(self, session: Session, presence: Presence, path: _Path) -> None:
        self._session = session
        self._since_s = time.monotonic()
        self._trouble = None
        self._senders = {Lane.EVENTS: self._sender(Lane.EVENTS, None)}
        if not path.metered:
            self._senders[Lane.SAMPLES] = self._sender(Lane.SAMPLES, self._backlog_per_s)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(session), name="uplink acks")
                tasks.create_task(self._announce(session, presence), name="uplink birth")
                for lane, sender in self._senders.items():
                    tasks.create_task(sender.run(session, tasks), name=f"uplink sender {lane}")
        except* TransportError as errors:
            raise errors.exceptions[0] from None

    def _sender(self, lane: Lane, backlog_per_s: float | None) -> LaneSender:
        return LaneSender(self._spool, lane, self._address, backlog_per_s=backlog_per_s, resend_s=self._resend_s)

    async def _announce(self, session: Session, presence: Presence) -> None:
        """Say hello, and again if the spool's numbering starts anew."""
        while True:
            await session.publish(presence_topic(self._address), encode(presence), retain=True)
            await self._spool.epoch_other_than(presence.epoch)
            presence = replace(presence, epoch=self._spool.epoch)

    async def _listen(self, session: Session) -> None:
        await session.subscribe(ack_topic(self._address))
        async for payload in session.received():
            try:
                ack = decode_ack(payload)
            except WireError:
                self._acks_malformed += 1
                continue
            if await self._spool.acknowledge(ack):
                self._last_ack_s = time.monotonic()
                self._backoff.reset()
                if sender := self._senders.get(ack.lane):
                    sender.on_ack(ack)

    def _note(self, error: BaseException | None) -> None:
        if error is None or not isinstance(error, TransportError):
            raise error or AssertionError("a session ends by an error only")
        told = str(error)
        if told != self._trouble:
            log.warning("%s", told)
        self._trouble = told

    def _diagnosis(self) -> str | None:
        if self._session is None:
            return self._trouble
        code, words = self._session.puback_reason
        if code >= REFUSED_FROM:
            return f"the broker refuses our records ({words}); check that its ACL has: pattern write bl/1/+/+/%u/%c"
        silent_s = max((s.silent_s or 0.0 for s in self._senders.values()), default=0.0)
        if silent_s < SILENT_S:
            return None
        why = "nobody listens there" if code else "it is down, or the broker's ACL silently denies us"
        return f"connected to the broker, but the collector has not answered for {silent_s:.0f} s: {why}"

    def _lane_status(self, lane: Lane) -> LaneStatus:
        sender = self._senders.get(lane)
        return sender.status if sender else LaneStatus(held=lane is Lane.SAMPLES and self._path.metered)


async def _cancelled(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
