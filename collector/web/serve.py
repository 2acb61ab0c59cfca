"""Runs the page's HTTP server inside the collector's event loop, and the task that keeps pages live."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from collector.errors import CollectorError
from collector.web.connections import Connection, Listener
from collector.web.settings import WebSettings

DEAD_READER_MS = 20_000


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the collector's."""
        yield


async def serve(settings: WebSettings, app: Starlette) -> None:
    """Serve until cancelled.

    Raises:
        CollectorError: the address cannot be listened on, or the certificate cannot be used.
    """
    await serve_on(listen(settings), settings, app)


def listen(settings: WebSettings) -> socket.socket:
    """The listening socket.

    Raises:
        CollectorError: the address is taken, not this machine's, or not allowed.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = Listener(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A reader that takes nothing for so long is cut off by the kernel; accepted sockets inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_READER_MS)
        listener.bind((settings.host, settings.port))
        listener.listen(256)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CollectorError(
            f"[web] listen: {settings.listen} cannot be used ({error.strerror}); choose another address or port"
        ) from None
    return listener


async def serve_on(listener: socket.socket, settings: WebSettings, app: Starlette) -> None:
    """Serve on a socket that listens already. Raises as `serve`."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",  # a stranger's nonsense is no news
        access_log=False,
        server_header=False,
        proxy_headers=settings.only_here,  # a proxy on this machine names the reader's address; nobody else may
        forwarded_allow_ips="127.0.0.1,::1",
        ssl_certfile=settings.cert_file or None,
        ssl_keyfile=settings.key_file or None,
        timeout_graceful_shutdown=1,
    )
    try:
        config.load()
    except OSError as error:
        listener.close()
        raise CollectorError(
            f"[web] cert_file: {settings.cert_file} and {settings.key_file} cannot be used "
            f"({error.strerror or error}); check paths, rights and that they belong together"
        ) from None
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app.state.live.run(), name="live page")
        try:
            await server.serve(sockets=[listener])
        finally:
            for connection in list(server.server_state.connections):
                connection.shutdown()
            for each in server.server_state.tasks:
                each.cancel()
            listener.close()
