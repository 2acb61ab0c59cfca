"""Waiting for incidents to change."""

import asyncio
from collections.abc import Iterable


class Listener:
    """Who waits. A slow one misses no incident: what changed meanwhile is told at once, each once."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._event = asyncio.Event()

    def tell(self, ids: Iterable[str]) -> None:
        """Note changes."""
        self._changed.update(ids)
        self._event.set()

    async def changes(self) -> set[str]:
        """Wait for a change; ids of the incidents that changed since the last call."""
        await self._event.wait()
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed
