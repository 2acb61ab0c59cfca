"""Records for the uplink's tests."""

import time

from wire.messages import LinkState, Presence, Role, StateChange, Window
from wire.topics import Address

ADDRESS = Address("t1", "b1", "a1")


def presence() -> Presence:
    return Presence(True, "", 0, "0.1.0", "cafe", True, time.time_ns(), "isp1")


def event(number: int) -> StateChange:
    return StateChange(time.time_ns(), "isp1", Role.WIRE, "isp", LinkState.UP, LinkState.DOWN, f"{number}", 500.0)


def sample(number: int) -> Window:
    rtts = (1.234567, 2.345678, 3.456789, 4.567891, 0.123456)
    return Window(time.time_ns(), 10.0, "isp1", Role.WIRE, "isp", 4, LinkState.UP, number, 0, 0, 0, 0, 0, *rtts)
