"""An event loop whose clock jumps to the next timer instead of waiting. No threads, no sockets."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual seconds."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self.errors: list[Mapping[str, object]] = []
        self.set_exception_handler(lambda _loop, context: self.errors.append(context))

    def time(self) -> float:
        return self._jumping.now


def run_virtually(main: Callable[[], Awaitable[Value]]) -> Value:
    """Run a coroutine function; an error nobody took in a callback or a task fails it."""
    loop = VirtualLoop()
    try:

        async def call() -> Value:
            return await main()

        value = loop.run_until_complete(call())
        assert loop.errors == []
        return value
    finally:
        loop.close()
