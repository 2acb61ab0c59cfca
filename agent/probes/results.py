"""What a prober is asked and what it answers. Every probe kind speaks these values."""

import socket
from dataclasses import dataclass
from enum import StrEnum

from wire.messages import Family

REPLY_DEADLINE_S = 2.0
"""Tmax of RFC 7680 section 2.4: fixed and published, so that loss means the same on every line and in every year."""

ADDRESS_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def wire_family(family: int) -> Family:
    """`family` as the wire's messages type it."""
    return 4 if family == 4 else 6


class Outcome(StrEnum):
    """What became of a probe.

    Each probe ends in exactly one of REPLY, LOST and LOCAL_ERROR. LATE, DUPLICATE and ICMP_ERROR are news about a
    probe besides its end: they never add a probe.
    """

    REPLY = "reply"
    LOST = "lost"  # the deadline passed
    LOCAL_ERROR = "local_error"  # this machine did not send it; `detail` says why
    LATE = "late"  # answered after LOST was told; stays a loss
    DUPLICATE = "duplicate"  # answered once more
    ICMP_ERROR = "icmp_error"  # a router said why not; LOST follows at the deadline unless a reply comes after all


@dataclass(frozen=True, slots=True)
class Target:
    """One anchor seen over one path. `family` is 4 or 6.

    Raises:
        ValueError: the address is not one of that family.
    """

    path: str
    interface: str
    anchor: str
    family: int
    address: str

    def __post_init__(self) -> None:
        if self.family not in ADDRESS_FAMILY:
            raise ValueError(f"target {self.anchor!r}: family {self.family} is neither 4 nor 6")
        family = ADDRESS_FAMILY[self.family]
        try:
            packed = socket.inet_pton(family, self.address)
        except (OSError, ValueError):
            raise ValueError(
                f"target {self.anchor!r}: {self.address!r} is not an IPv{self.family} address; names are not resolved"
            ) from None
        # Replies are matched by the kernel's spelling of the address.
        object.__setattr__(self, "address", socket.inet_ntop(family, packed))


@dataclass(frozen=True, slots=True)
class Result:
    """News about one probe. Times are seconds of the monotonic clock (the event loop's).

    `at_mono_s` of a reply is when it reached this machine by the kernel's stamp, however late it was read. `rtt_ms` is
    None where no round trip can be told; a REPLY without one (a clock step, no stamp) says why in `detail`.
    """

    path: str
    family: int
    anchor: str
    kind: Outcome
    sent_mono_s: float
    at_mono_s: float
    rtt_ms: float | None
    detail: str
