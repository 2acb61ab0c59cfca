"""A listener beside the broker at headquarters: notes when each batch arrives and what is in it."""

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TextIO

import aiomqtt

from lab.events import Heard
from wire.codec import decode_batch
from wire.errors import WireError
from wire.messages import Batch, Window
from wire.topics import ROOT, Lane

RETRY_S = 0.2


async def listen(port: int, out: TextIO) -> None:
    """Listen until killed; a broker that is away is tried again. The session outlives both."""
    while True:
        with contextlib.suppress(aiomqtt.MqttError):
            async with aiomqtt.Client("127.0.0.1", port, identifier="lab-listener", clean_session=False) as client:
                for lane in Lane:
                    await client.subscribe(f"{ROOT}/{lane}/#", qos=1)
                print("ready", flush=True)
                async for message in client.messages:
                    now_ns = time.monotonic_ns()
                    with contextlib.suppress(WireError):  # the collector counts what cannot be read
                        note(out, now_ns, decode_batch(message.payload))
        await asyncio.sleep(RETRY_S)


def note(out: TextIO, at_ns: int, batch: Batch) -> None:
    """Write one batch down."""
    times = [getattr(record, "at_ns", 0) for record in batch.records]
    windows = [
        (seq, record.path, record.family, record.start_ns)
        for seq, record in enumerate(batch.records, batch.first_seq)
        if isinstance(record, Window)
    ]
    heard = Heard(at_ns, batch.lane, batch.epoch, batch.first_seq, max(times, default=0), windows, len(times))
    out.write(json.dumps(heard, separators=(",", ":")) + "\n")
    out.flush()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a", encoding="ascii") as _out:
        asyncio.run(listen(int(sys.argv[1]), _out))
