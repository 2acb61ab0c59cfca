"""Threads of the page's own.

What takes long neither holds the event loop, which acknowledges records, nor waits in the pool that commits the
journal: the wall of ten thousand branches takes a tenth of a second.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Workshop:
    """Does `threads` things at once; what is more waits."""

    def __init__(self, name: str, threads: int = 1) -> None:
        self._threads = ThreadPoolExecutor(threads, name)

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
