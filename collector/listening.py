"""Waiting for changes: what changed while nobody looked is told at once, each thing once, so that nothing is missed."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K")


class Listener(Generic[K]):
    """Who waits. A slow one misses nothing and holds up nobody."""

    def __init__(self) -> None:
        self._changed: set[K] = set()
        self._event = asyncio.Event()

    def tell(self, keys: Iterable[K]) -> None:
        """Note changes; without a key it only wakes."""
        self._changed.update(keys)
        self._event.set()

    async def changes(self) -> set[K]:
        """Wait for a change; what changed since the last call."""
        await self._event.wait()
        self._event.clear()
        changed, self._changed = self._changed, set()
        return changed


class Listeners(Generic[K]):
    """Everybody who waits for one thing."""

    def __init__(self) -> None:
        self._all: set[Listener[K]] = set()

    def tell(self, keys: Iterable[K]) -> None:
        """Tell all of them."""
        keys = tuple(keys)
        for listener in self._all:
            listener.tell(keys)

    @contextmanager
    def listen(self) -> Iterator[Listener[K]]:
        """Be told for the length of a `with`."""
        listener: Listener[K] = Listener()
        self._all.add(listener)
        try:
            yield listener
        finally:
            self._all.discard(listener)
