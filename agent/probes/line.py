"""One path and IP family: the socket, the streams of its anchors, and which datagram answers which probe."""

import asyncio
import errno
import time
from collections.abc import Callable, Iterable

from agent.probes import icmp, stamps
from agent.probes.channel import Arrival, Channel, Event, Refusal, SendStamp
from agent.probes.results import REPLY_DEADLINE_S, Outcome, Result
from agent.probes.stamps import Clocks
from agent.probes.stream import Pending, Stream

DEADLINE_NS = int(REPLY_DEADLINE_S * 1e9)
_GONE = (errno.ENODEV, errno.ENXIO)


class Line:
    """Sends probes of its streams and tells `on_result` what became of them.

    A reply counts when it comes from the address that was probed, with a sequence number in use and our token.

    Args:
        path: name of the path.
        family: 4 or 6.
        interface: the path's interface; it need not exist yet.
        token: 8 random bytes of this process.
        on_result: called with each result.
    """

    def __init__(
        self, path: str, family: int, interface: str, token: bytes, on_result: Callable[[Result], None]
    ) -> None:
        self.path = path
        self.family = family
        self.interface = interface
        self.streams: list[Stream] = []
        self.foreign = 0  # datagrams without our token, from a stranger, or about no probe of ours
        self._token = token
        self._on_result = on_result
        self._by_address: dict[str, Stream] = {}
        self._by_key: dict[int, Pending] = {}
        self._empty_mono_ns = 0
        self._channel: Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, streams: Iterable[Stream]) -> None:
        """Take the streams of this line; their addresses differ."""
        self.streams = list(streams)
        self._by_address = {stream.target.address: stream for stream in self.streams}

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open a new socket in place of the old one. What prevents it is told by each probe, which tries again."""
        self.close()
        self._loop = loop
        try:
            self._open(loop)
        except OSError:
            return

    def close(self) -> None:
        """Close the socket; probes under way will be lost."""
        if self._channel is not None and self._loop is not None:
            self._loop.remove_reader(self._channel.fileno())
            self._channel.close()
        self._channel = None
        self._loop = None

    def send(self, stream: Stream) -> Pending | None:
        """Probe the target of `stream` now. None when this machine did not send it (told as LOCAL_ERROR)."""
        sent = stamps.read_clocks()
        probe = stream.begin(sent)
        packet = icmp.encode_request(self.family, probe.number, self._token)
        try:
            probe.key = self._deliver(stream.target.address, packet)
        except OSError as error:
            stream.refuse(probe.number)
            self._tell(stream, Outcome.LOCAL_ERROR, sent.mono_ns, sent.mono_ns, why=icmp.explain(error.errno or 0))
            return None
        self._by_key[probe.key] = probe
        if self._channel is not None:
            self._take(self._channel.drain_stamps(), sent)
        return probe

    def read(self) -> None:
        """Tell everything that waits in the socket."""
        channel = self._channel
        if channel is None:
            return
        before_ns = time.monotonic_ns()
        events = channel.drain()
        self._take(events, stamps.read_clocks())
        self._empty_mono_ns = before_ns

    def expire(self, probe: Pending) -> None:
        """The deadline of a probe passed: tell LOST, unless its reply waits in the socket with a stamp in time."""
        self.read()
        if probe.number in probe.stream.pending:
            self._lose(probe)

    def _open(self, loop: asyncio.AbstractEventLoop) -> Channel:
        channel = Channel(self.interface, self.family)
        self._by_key.clear()
        self._channel = channel
        loop.add_reader(channel.fileno(), self.read)
        return channel

    def _deliver(self, address: str, packet: bytes) -> int:
        loop = self._loop
        if loop is None:
            raise OSError(errno.ENOTCONN, "closed")
        if self._channel is None:
            return self._open(loop).send(address, packet)
        try:
            return self._channel.send(address, packet)
        except OSError as error:
            if error.errno not in _GONE:
                raise
        # A socket stays bound to the device it first saw; another one may have its name by now.
        self.open(loop)
        return (self._channel or self._open(loop)).send(address, packet)

    def _take(self, events: Iterable[Event], read: Clocks) -> None:
        for event in events:
            if isinstance(event, Arrival):
                self._take_arrival(event, read)
            elif isinstance(event, SendStamp):
                self._take_stamp(event)
            else:
                self._take_refusal(event, read)

    def _take_stamp(self, stamp: SendStamp) -> None:
        probe = self._by_key.get(stamp.key)
        if probe is None or not stamps.is_plausible_send(probe.sent, stamp.stamp_ns, time.time_ns()):
            return
        probe.stamped(stamp.stamp_ns, final=stamp.final)
        if stamp.final:
            self._forget_key(probe)

    def _take_arrival(self, arrival: Arrival, read: Clocks) -> None:
        echo = icmp.decode_reply(self.family, arrival.data)
        stream = self._by_address.get(arrival.address)
        number = None if echo is None or stream is None else stream.find(echo.seq)
        if echo is None or stream is None or number is None or echo.token != self._token:
            self.foreign += 1
            return
        probe = stream.pending.get(number)
        if probe is None:
            self._take_second_answer(stream, number, arrival, read)
            return
        if not probe.final and self._channel is not None:
            # The driver's stamp may have come between the reading of the two queues.
            self._take(self._channel.drain_stamps(), read)
        timing = stamps.judge(probe.sent, probe.stamp_ns, arrival.stamp_ns, read, self._empty_mono_ns)
        if timing.arrived_mono_ns - probe.sent.mono_ns > DEADLINE_NS:
            self._lose(probe)
            self._take_second_answer(stream, number, arrival, read)
            return
        self._forget_key(probe)
        rtt_ms = None if timing.rtt_ns is None else timing.rtt_ns / 1e6
        stream.answer(number, rtt_ms)
        self._tell(stream, Outcome.REPLY, probe.sent.mono_ns, timing.arrived_mono_ns, rtt_ms=rtt_ms, why=timing.doubt)

    def _take_second_answer(self, stream: Stream, number: int, arrival: Arrival, read: Clocks) -> None:
        sent_ns = stream.sent_mono_ns(number, read)
        arrived_ns = read.mono_ns
        if arrival.stamp_ns is not None:
            arrived_ns = min(read.mono_ns, max(sent_ns, arrival.stamp_ns - read.real_ns + read.mono_ns))
        kind = Outcome.LATE if stream.answer_late(number) else Outcome.DUPLICATE
        self._tell(stream, kind, sent_ns, arrived_ns, rtt_ms=(arrived_ns - sent_ns) / 1e6)

    def _take_refusal(self, refusal: Refusal, read: Clocks) -> None:
        if refusal.queued.origin == icmp.ORIGIN_LOCAL:
            return  # the send that caused it failed and said so
        echo = icmp.decode_quoted(self.family, refusal.quoted)
        stream = self._by_address.get(refusal.address)
        number = None if echo is None or stream is None else stream.find(echo.seq)
        if echo is None or stream is None or number is None or not self._token.startswith(echo.token):
            self.foreign += 1
            return
        sent_ns = stream.sent_mono_ns(number, read)
        self._tell(stream, Outcome.ICMP_ERROR, sent_ns, read.mono_ns, why=icmp.describe(refusal.queued))

    def _lose(self, probe: Pending) -> None:
        self._forget_key(probe)
        probe.stream.lose(probe.number)
        sent_ns = probe.sent.mono_ns
        self._tell(probe.stream, Outcome.LOST, sent_ns, sent_ns + DEADLINE_NS)

    def _forget_key(self, probe: Pending) -> None:
        if self._by_key.get(probe.key) is probe:
            del self._by_key[probe.key]

    def _tell(
        self, stream: Stream, kind: Outcome, sent_ns: int, at_ns: int, *, rtt_ms: float | None = None, why: str = ""
    ) -> None:
        target = stream.target
        self._on_result(
            Result(target.path, target.family, target.anchor, kind, sent_ns / 1e9, at_ns / 1e9, rtt_ms, why)
        )
