"""One message as the broker delivered it."""

from typing import NamedTuple


class Delivery(NamedTuple):
    """A message that waits for its PUBACK.

    `connection` numbers the collector's connections: `mid` means something only on the one that delivered it.
    """

    topic: str
    payload: bytes
    qos: int
    mid: int
    connection: int
