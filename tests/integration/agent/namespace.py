"""Network namespaces of a test's own, and code that runs in them without leaving the test's process."""

import asyncio
import ctypes
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")

_CLONE_NEWNET = 0x40000000


def ip(*arguments: str) -> None:
    """Run `ip`; its complaint becomes the test's."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


@contextmanager
def namespace(*, ping_groups: str = "0 2147483647") -> Iterator[str]:
    """A new namespace with `lo` up, gone afterwards."""
    name = f"bl-{os.getpid()}-{os.urandom(3).hex()}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        sysctl(name, "net.ipv4.ping_group_range", ping_groups)
        yield name
    finally:
        ip("netns", "del", name)


def sysctl(name: str, key: str, value: str) -> None:
    """Set a sysctl inside a namespace."""
    with inside(name):
        Path("/proc/thread-self/root/proc/sys", *key.split(".")).write_text(value)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread is in the namespace until the block ends; sockets opened there stay there."""
    with Path(f"/run/netns/{name}").open("rb") as there, Path("/proc/thread-self/ns/net").open("rb") as here:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(here.fileno())


def run_inside(name: str, main: Callable[[], Awaitable[Value]]) -> Value:
    """Run a coroutine function in an event loop of its own, in a thread of its own, in the namespace."""
    values: list[Value] = []
    errors: list[BaseException] = []

    async def call() -> Value:
        return await main()

    def work() -> None:
        try:
            with inside(name):
                values.append(asyncio.run(call()))
        except BaseException as error:  # noqa: BLE001 - handed to the test, which raises it
            errors.append(error)

    thread = threading.Thread(target=work, name=f"in {name}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return values[0]


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Poll with a deadline."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is no coroutine's doing
            await asyncio.sleep(0.005)
