"""Only delivers: python -m tests.integration.collector.notify.outbox_process DATABASE URL. To be killed."""

import asyncio
import sys
from pathlib import Path

from collector.database import open_database
from collector.notify.notifiers import make_notifiers
from tests.integration.collector.notify.rig import SCHEMA, outbox, webhook


async def main(file: Path, url: str) -> None:
    database = open_database(file, SCHEMA)
    await outbox(database, make_notifiers((webhook(url, per_minute=1000),), "c1")).run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
