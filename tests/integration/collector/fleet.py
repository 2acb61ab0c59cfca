"""Many agents over one connection, events lane only: for storms. Real messages on a real broker; nothing is judged."""

import asyncio
import time

import aiomqtt

from wire.codec import decode_ack, encode
from wire.messages import (
    Act,
    ActKind,
    ActOutcome,
    Batch,
    BranchState,
    Digest,
    DigestPath,
    Event,
    LinkState,
    Presence,
    Role,
    StateChange,
)
from wire.topics import Address, Lane, ack_topic, lane_topic, presence_topic

WIRE, CELL = "isp1", "cell"


def digest(state: BranchState, active: str, wire: LinkState) -> Digest:
    """A digest as an agent on `active` sends it."""
    paths = (DigestPath(WIRE, wire, 12.0, 0.0, 1000), DigestPath(CELL, LinkState.UP, 45.0, 0.0, 10))
    return Digest(time.time_ns(), state, active, paths)


def change(isp: str, old: LinkState, new: LinkState) -> StateChange:
    """The wire changed its state."""
    return StateChange(time.time_ns(), WIRE, Role.WIRE, isp, old, new, "no anchor answered", 510.0)


def cell_up() -> StateChange:
    """The cellular path is there."""
    return StateChange(time.time_ns(), CELL, Role.CELL, "Bouygues", LinkState.UNKNOWN, LinkState.UP, "answers", None)


def moved(number: int, *, back: bool) -> Act:
    """A move that was proved and kept."""
    at_ns = time.time_ns()
    if back:
        return Act(at_ns, f"m{number}", ActKind.RETURN, ActOutcome.COMMITTED, CELL, WIRE, "clean for 300 s", 3.0)
    return Act(at_ns, f"m{number}", ActKind.EMERGENCY, ActOutcome.COMMITTED, WIRE, CELL, "silent", 3.0)


class Fleet:
    """`isps` names the wire's ISP of each branch; branches are called b0, b1 ..."""

    def __init__(self, port: int, isps: list[str]) -> None:
        self._port = port
        self.isps = isps
        self.addresses = [Address("acme", f"b{number}", "rtr1") for number in range(len(isps))]
        self._unacked: dict[Address, dict[int, Event]] = {address: {} for address in self.addresses}
        self._next = dict.fromkeys(self.addresses, 1)
        self._client: aiomqtt.Client | None = None
        self.connected = False

    @property
    def waiting(self) -> int:
        """Records that no application acknowledgement covers yet."""
        return sum(map(len, self._unacked.values()))

    async def run(self) -> None:
        """Hear acknowledgements for ever; send what is unacknowledged again every second."""
        async with aiomqtt.Client("127.0.0.1", self._port, identifier="fleet") as client:
            self._client = client
            await client.subscribe("bl/1/ack/#")
            by_topic = {ack_topic(address): address for address in self.addresses}
            for address in self.addresses:
                birth = Presence(True, "e1", 1, "0.1.0", "abc", True, time.time_ns(), WIRE)
                await client.publish(presence_topic(address), encode(birth), qos=1, retain=True)
            self.connected = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._again())
                async for message in client.messages:
                    address = by_topic[str(message.topic)]
                    ack = decode_ack(message.payload)
                    held = self._unacked[address]
                    for seq in [seq for seq in held if seq <= ack.watermark]:
                        del held[seq]

    async def tell(self, number: int, *events: Event) -> None:
        """One branch tells events."""
        address = self.addresses[number]
        first = self._next[address]
        self._next[address] += len(events)
        self._unacked[address].update(enumerate(events, first))
        await self._send(address, first, events)

    async def calm(self) -> None:
        """Everybody on its wire."""
        for number, isp in enumerate(self.isps):
            up = change(isp, LinkState.UNKNOWN, LinkState.UP)
            await self.tell(number, up, cell_up(), digest(BranchState.OK, WIRE, LinkState.UP))

    async def cut(self, number: int) -> None:
        """One branch's wire dies and it moves to 5G."""
        down = change(self.isps[number], LinkState.UP, LinkState.DOWN)
        await self.tell(number, down, moved(number, back=False), digest(BranchState.ON_5G, CELL, LinkState.DOWN))

    async def mend(self, number: int) -> None:
        """It is back on its wire."""
        up = change(self.isps[number], LinkState.DOWN, LinkState.UP)
        await self.tell(number, up, moved(number + 1000, back=True), digest(BranchState.OK, WIRE, LinkState.UP))

    async def _send(self, address: Address, first: int, events: tuple[Event, ...]) -> None:
        assert self._client is not None
        base = min(self._unacked[address], default=first)
        batch = Batch(Lane.EVENTS, "e1", first, base, False, time.time_ns(), events)
        await self._client.publish(lane_topic(Lane.EVENTS, address), encode(batch), qos=1)

    async def _again(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for address, held in self._unacked.items():
                if held:
                    first = min(held)
                    await self._send(address, first, tuple(held[seq] for seq in sorted(held)))
