"""A real browser, and 255 branches on the page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from collector.clock import SteadyClock
from tests.integration.collector.web.fleet import branch_now, fleet_places, show
from tests.integration.collector.web.past import past_of
from tests.integration.collector.web.site import Site, site
from wire.messages import BranchState

CHROMIUM = "/usr/bin/chromium"
TROUBLE = {
    **dict.fromkeys((8, 20, 32, 44, 56, 68, 80), BranchState.ON_5G),
    **dict.fromkeys((30, 42), BranchState.ISOLATED),
    **dict.fromkeys((100, 101), BranchState.DEGRADED),
    200: BranchState.UNKNOWN,
}
"""Branches in trouble by number; b000 is real, the others are simulated."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Site]:
    """255 branches, some in trouble, their incidents opened by the real desk, b008's past in the real store."""
    now_s = SteadyClock().now_s()
    history = await past_of(tmp_path, "b008", now_s - 900, now_s)
    async with site(tmp_path, fleet_places(255), history=history) as running:
        states = {number: TROUBLE.get(number, BranchState.OK) for number in range(255)}
        branches = [
            branch_now(number, state, now_s, now_s - (900 if number in TROUBLE else 86400))
            for number, state in states.items()
        ]
        show(running.board, branches, running.clock.now_s())
        await running.desk.look()
        yield running
    await history.close()
