"""Errors of the wire, one class for each thing a receiver can do about them."""


class WireError(Exception):
    """Base: these bytes or this topic cannot be used. The receiver keeps the raw bytes and counts the error."""


class UnknownVersionError(WireError):
    """The payload's schema version is not ours: keep the bytes, the other side is newer or older.

    Attributes:
        version: the first byte of the payload.
    """

    def __init__(self, version: int) -> None:
        super().__init__(f"schema version {version} is not known here; upgrade the older of agent and collector")
        self.version = version


class MalformedError(WireError):
    """The bytes do not follow the schema: keep them for a person to look at, no retry can help."""


class TooLargeError(WireError):
    """The payload is, or inflates to, more than the limit. Nothing of it was decoded."""


class TopicError(WireError):
    """The topic is not one of ours, or a part of it has a forbidden character."""
