"""A desk in a process of its own, to be killed: `FILE STATE`; STATE holds `down` or `up` of a carrier's lines."""

import asyncio
import sys
import time
from pathlib import Path

from branchline.units import Duration
from collector.board import Board, BranchNow
from collector.clock import SteadyClock
from collector.database import open_database
from collector.heard import BranchHeard, PathHeard
from collector.incidents import book
from collector.incidents.desk import Desk
from collector.incidents.settings import IncidentSettings
from collector.inventory.places import Places
from wire.messages import BranchState, LinkState, Role

BRANCHES = 20


def branch(number: int, word: str, since_s: float) -> BranchNow:
    """One branch of the carrier, its wire down and its traffic on 5G, or all well."""
    down = word == "down"
    now_s = time.time()
    paths = {
        "isp1": PathHeard(LinkState.DOWN if down else LinkState.UP, Role.WIRE, "Orange", round(since_s * 1e9)),
        "cell": PathHeard(LinkState.UP, Role.CELL, "SFR", 1),
    }
    heard = BranchHeard(heard_s=now_s, at_ns=round(now_s * 1e9), active="cell" if down else "isp1", paths=paths)
    state = BranchState.ON_5G if down else BranchState.OK
    return BranchNow(("acme", f"b{number}", "a1"), state, since_s, heard)


async def show(board: Board, state: Path) -> None:
    """Put on the board what the file says, for ever."""
    while True:
        word, since = (await asyncio.to_thread(state.read_text)).split()
        shown = [branch(number, word, float(since)) for number in range(BRANCHES)]
        board.show(shown, (), time.time(), hearing=True)
        await asyncio.sleep(0.05)


async def main(file: Path, state: Path) -> None:
    """Run until killed."""
    settings = IncidentSettings(merge=Duration(0.3), clear_after=Duration(1))
    board = Board()
    database = open_database(file, book.SCHEMA)
    desk = Desk(
        board=board,
        places=Places(),
        database=database,
        settings=settings,
        clock=SteadyClock(),
        offer_lines=lambda _: None,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(show(board, state), name="board")
        tasks.create_task(desk.run(), name="desk")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
