"""The agent's record keeping as a process of its own: the real Spool and Uplink; their figures go to stdout.

`live` appends for ever, `hoard` appends COUNT samples as a clock of two minutes ago would and stays unconnected,
`drain` only sends what is there.
"""

import asyncio
import sys
import time
from pathlib import Path

from agent.config import BrokerSettings
from agent.spool import Spool
from agent.uplink import Uplink
from tests.integration.agent.uplink_records import ADDRESS, event, presence, sample

HOARD_AGE_NS = 120 * 10**9
TOGETHER = 200


def tell(spool: Spool, appended: int) -> None:
    stats = spool.stats
    rows, dropped = stats.events.rows + stats.samples.rows, stats.events.dropped + stats.samples.dropped
    words = (stats.epoch, stats.events.last_seq, stats.samples.last_seq, rows, dropped, appended)
    sys.stdout.write(f"{' '.join(map(str, words))}\n")
    sys.stdout.flush()


async def hoard(folder: Path, count: int) -> None:
    spool = Spool(folder, max_bytes=2 * 1024 * 1024, commit_every_s=1.0, now_ns=lambda: time.time_ns() - HOARD_AGE_NS)
    await spool.open()
    for number in range(count):
        spool.append(sample(number))
        if number % TOGETHER == TOGETHER - 1:
            await spool.flush()  # what waits in memory has a limit of its own
    await spool.flush()
    tell(spool, count)
    await spool.close()


async def keep(folder: Path, port: int, *, live: bool) -> None:
    spool = Spool(folder, max_bytes=50_000_000, commit_every_s=0.05, now_ns=time.time_ns)
    await spool.open()
    settings = BrokerSettings(host="127.0.0.1", port=port)
    uplink = asyncio.create_task(Uplink(settings, ADDRESS, spool, presence, backlog_per_s=5000, resend_s=1.0).run())
    number = 0
    while not uplink.done():
        if live:
            spool.append(sample(number))
            if number % 10 == 0:
                spool.append(event(number))
            number += 1
        tell(spool, number)
        await asyncio.sleep(0.005)
    await uplink


if __name__ == "__main__":
    state, mode, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    asyncio.run(hoard(state, number) if mode == "hoard" else keep(state, number, live=mode == "live"))
