"""The embedded MQTT broker (amqtt, 3.1.1) on a free port of loopback, which it prints: `python -m lab.demo.broker`.

Good for a demo only: it keeps nothing on disk and drops under stress, which the collector's acknowledgement hides.
"""

import asyncio
import logging
import signal
from functools import partial

from amqtt.broker import Broker  # type: ignore[import-untyped]  # it ships no types
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType  # type: ignore[import-untyped]

LOOPBACK = "127.0.0.1"


async def run() -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = Broker(
        BrokerConfig(
            listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
    )
    await broker.start()
    # A listener of our own: the broker's would not say which free port it got.
    server = await asyncio.start_server(partial(broker.stream_connected, listener_name="default"), LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


def main() -> None:
    """Run the broker."""
    logging.basicConfig(level=logging.CRITICAL)
    asyncio.run(run())


if __name__ == "__main__":
    main()
