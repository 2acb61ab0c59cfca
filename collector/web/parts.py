"""What the page is made from. It reads all of it and writes only users, sessions, acknowledgements and comments."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from collector.board import Board
from collector.clock import SteadyClock
from collector.config import CollectorSettings
from collector.database import Database
from collector.incidents.model import Incident
from collector.inventory.places import Places
from collector.store.history import History


class Told(Protocol):
    """Who waits for incidents to change."""

    async def changes(self) -> set[str]:
        """Ids of incidents that changed since the last call."""


class Incidents(Protocol):
    """What the page needs of the incident desk."""

    @property
    def open_incidents(self) -> dict[str, Incident]:
        """Every incident that is not resolved, by id."""

    def listen(self) -> AbstractContextManager[Told]:
        """Be told of changes for the length of a `with`."""

    async def acknowledge(self, incident_id: str, *, by: str, comment: str, for_s: float | None = None) -> object:
        """Somebody has it, for so long."""

    async def comment(self, incident_id: str, *, by: str, text: str) -> object:
        """Somebody says something."""


def _always_ready() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class WebParts:
    """Parts of the collector the page shows. `metrics` None: there are none; `ready` says "" or why not."""

    board: Board
    desk: Incidents
    places: Places
    history: History | None
    database: Database
    settings: CollectorSettings
    metrics: Callable[[], bytes] | None = None
    ready: Callable[[], str] = _always_ready
    clock: SteadyClock = field(default_factory=SteadyClock)
