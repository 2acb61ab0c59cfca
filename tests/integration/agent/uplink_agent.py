"""An agent's record keeping as a process of its own, to be killed: numbered records in, every commit told on stdout."""

import asyncio
import sys
import time
from pathlib import Path

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample


async def main(state: Path, port: int, password_file: str, *, produce: bool) -> None:
    spool = Spool(state, max_bytes=50_000_000, commit_every_s=0.05, now_ns=time.time_ns)
    await spool.open()
    settings = BrokerSettings(host="127.0.0.1", port=port, password_file=password_file)
    uplink = asyncio.create_task(Uplink(settings, ADDRESS, spool, presence, resend_s=1.0).run())
    number = 0
    while not uplink.done():
        if produce:
            spool.append(sample(number))
            if number % 10 == 0:
                spool.append(event(number))
            number += 1
        stats = spool.stats
        rows = stats.events.rows + stats.samples.rows
        sys.stdout.write(f"{stats.epoch} {stats.events.last_seq} {stats.samples.last_seq} {rows}\n")
        sys.stdout.flush()
        await asyncio.sleep(0.002)
    await uplink


if __name__ == "__main__":
    folder, broker_port, password, mode = sys.argv[1:]
    asyncio.run(main(Path(folder), int(broker_port), password, produce=mode == "produce"))
