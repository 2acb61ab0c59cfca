"""Listeners of the board: nobody misses a branch, nobody is told twice."""

import asyncio

from collector.board import Board, BranchNow
from collector.heard import BranchHeard
from wire.messages import BranchState

B1 = BranchNow(("t", "b1", "a"), BranchState.OK, 1.0, BranchHeard())
B2 = BranchNow(("t", "b2", "a"), BranchState.ON_5G, 2.0, BranchHeard())


async def test_changes_are_gathered_while_a_listener_is_busy() -> None:
    board = Board()
    with board.listen() as slow:
        board.show([B1], [], 5.0, hearing=True)
        board.show([B1, B2], [], 6.0, hearing=True)
        assert await slow.changes() == {B1.key, B2.key}
        board.show([], [B1.key], 7.0, hearing=True)
        assert await slow.changes() == {B1.key}
    assert set(board.branches) == {B2.key}
    board.show([B1], [], 8.0, hearing=True)  # nobody listens any more


async def test_nothing_changed_wakes_nobody_but_deafness_does() -> None:
    board = Board()
    with board.listen() as listener:
        board.show([], [], 1.0, hearing=True)
        assert await listener.changes() == set()
        board.show([], [], 2.0, hearing=True)
        waiting = asyncio.create_task(listener.changes())
        await asyncio.sleep(0)
        assert not waiting.done()
        board.show([], [], 3.0, hearing=False)
        assert await waiting == set()
    assert (board.hearing, board.updated_s) == (False, 3.0)
