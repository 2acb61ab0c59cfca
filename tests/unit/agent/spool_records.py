"""Records for the spool's tests."""

from wire.messages import Flight, FlightProbe, LinkState, Role, StateChange, Window

PROBE_BYTES = 24


def event(number: int) -> StateChange:
    return StateChange(number, "isp1", Role.WIRE, "isp", LinkState.UP, LinkState.DOWN, f"{number}", 500.0)


def sample(number: int) -> Window:
    rtts = (1.0, 2.0, 3.0, 4.0, 0.5)
    return Window(number, 10.0, "isp1", Role.WIRE, "isp", 4, LinkState.UP, number, 0, 0, 0, 0, 0, *rtts)


def flight(number: int, size_bytes: int) -> Flight:
    """A record of about `size_bytes`."""
    return Flight(number, "DOWN", "isp1", (FlightProbe(1.5, "anc", 4, 2.5),) * (size_bytes // PROBE_BYTES))
