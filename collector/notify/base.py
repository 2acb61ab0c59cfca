"""What a notifier is given, and what it may answer. Failures that can be expected are answers, not exceptions."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from collector.incidents.model import Incident
from collector.notify.model import NoticeEvent


class Delivered(msgspec.Struct, frozen=True):
    """The receiver took it. `note` says what was odd, such as one of three addresses refused."""

    note: str = ""


class Later(msgspec.Struct, frozen=True):
    """Not taken now. `wait_s` is what the receiver asked for; None: the back-off decides."""

    reason: str
    wait_s: float | None = None


class Refused(msgspec.Struct, frozen=True):
    """The receiver will never take this message."""

    reason: str


Result = Delivered | Later | Refused


class PageText(msgspec.Struct, frozen=True):
    """A message for people and, in `fields`, for machines. `subject` is one line of at most 140 characters."""

    subject: str
    body: str
    fields: dict[str, object]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to send.

    Attributes:
        key: names the message for ever: a receiver that saw it may drop a second one
        incident: as it was at `at_s` (Unix seconds); None: a digest of several
        first: the incident as this receiver was first told of it at the present severity
        url: the page about it
    """

    key: str
    event: NoticeEvent
    at_s: float
    text: PageText
    incident: Incident | None = None
    first: Incident | None = None
    url: str = ""


class Notifier(Protocol):
    """One receiver."""

    async def send(self, message: Message) -> Result:
        """Send, within the settings' timeout."""

    async def close(self) -> None:
        """Let go of connections and threads."""


@runtime_checkable
class Keeper(Protocol):
    """A notifier whose receiver forgets what is not told again and again."""

    keep_s: float
    resolved_for_s: float

    async def keep(self, messages: Sequence[Message], waiting: frozenset[str]) -> Result:
        """Tell again what stands: the newest message of each open incident and of those resolved lately.

        What the receiver still has of ours and is neither in `messages` nor among the incidents `waiting` is ended.
        """
