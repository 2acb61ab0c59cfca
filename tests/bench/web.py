"""The page with 255 branches: first paint in a real Chromium, and how soon 50 open pages show a change. Prints JSON.

    python -m tests.bench.web [--clients 50] [--changes 40] [--loads 10] [--pictures DIR]

Collector's page, clients and browser share this machine. `update_ms` counts from the board's change to the event at
each client; `browser_update_ms` to the changed tile in Chromium's document. `--pictures` keeps photographs.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, async_playwright

from collector.clock import SteadyClock
from tests.integration.collector.web.conftest import CHROMIUM, TROUBLE
from tests.integration.collector.web.fleet import branch_now, fleet_places, show
from tests.integration.collector.web.past import past_of
from tests.integration.collector.web.site import Site, site
from wire.messages import BranchState

BRANCHES = 255
GOAL_MS = 1000.0
_PAINT = "performance.getEntriesByType('paint').find(each => each.name === 'first-contentful-paint').startTime"
_WATCH = """() => { window.seen = []; new MutationObserver(all => { for (const each of all)
    if (each.attributeName === 'data-state') window.seen.push(Date.now()); })
    .observe(document.querySelector('[data-branch="acme/b000"]'), {attributes: true}); }"""


class Client:
    """One open page, as far as the server is concerned."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []

    async def read(self, session: aiohttp.ClientSession, url: str, ready: asyncio.Semaphore) -> None:
        """Note when each change of the branch arrives."""
        async with session.get(f"{url}/events") as answer:
            first = True
            async for line in answer.content:
                if not line.startswith(b"data:"):
                    continue
                if first:
                    ready.release()
                elif b"acme/b000" in line:
                    self.heard_s.append(time.monotonic())
                first = False


async def paints(browser: Browser, url: str, loads: int) -> list[float]:
    """Milliseconds to the first contentful paint, each in a fresh browser context with an empty cache."""
    found = []
    for _ in range(loads):
        context = await browser.new_context(viewport={"width": 960, "height": 540})
        page = await context.new_page()
        await page.goto(url)
        async with asyncio.timeout(10):
            while not await page.evaluate("performance.getEntriesByType('paint').length > 1"):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
        found.append(float(await page.evaluate(_PAINT)))
        await context.close()
    return found


async def updates(running: Site, browser: Browser, options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Milliseconds from each change to each client, and to Chromium's document."""
    page = await browser.new_page()
    await page.goto(running.url)
    await page.evaluate(_WATCH)
    clients = [Client() for _ in range(options.clients)]
    ready = asyncio.Semaphore(0)
    changed_s, changed_ms = [], []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20) as session:
        tasks = [asyncio.create_task(each.read(session, running.url, ready)) for each in clients]
        for _ in clients:
            await ready.acquire()
        await asyncio.sleep(1.0)
        for number in range(options.changes):
            state = BranchState.OK if number % 2 else BranchState.ISOLATED
            now_s = running.clock.now_s()
            changed_s.append(time.monotonic())
            changed_ms.append(time.time() * 1000)
            show(running.board, [branch_now(0, state, now_s, now_s)], now_s)
            async with asyncio.timeout(10):
                while min(len(each.heard_s) for each in clients) <= number:  # noqa: ASYNC110 - counted elsewhere
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.21 + number % 7 * 0.03)
        seen_ms = await page.evaluate("window.seen")
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    late = [
        (heard - changed) * 1000 for each in clients for heard, changed in zip(each.heard_s, changed_s, strict=False)
    ]
    return late, [seen - changed for seen, changed in zip(seen_ms, changed_ms, strict=True)]


async def photograph(running: Site, browser: Browser, directory: Path) -> None:
    """Every page, dark and light; the wall in a quarter of a screen and on a whole one."""
    incident = max(running.desk.open_incidents.values(), key=lambda each: len(each.members))
    pages = {"branch": "/branch/acme/b008", "incident": f"/incident/{incident.id}", "incidents": "/incidents"}
    shots = [(name, path, 1280, 900) for name, path in pages.items()]
    shots += [("wall-quarter", "/", 960, 540), ("wall", "/", 1920, 1080)]
    for scheme, locale in (("dark", "en-GB"), ("light", "fr-FR")):
        for name, path, width, height in shots:
            page = await browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                locale=locale,
            )
            await page.goto(running.url + path)
            await page.wait_for_timeout(300)
            await page.screenshot(path=directory / f"{name}-{scheme}.png", full_page=not name.startswith("wall"))
            await page.close()


def rss_mib() -> float:
    """Resident memory of this process."""
    text = Path("/proc/self/status").read_text()
    return round(int(text.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def summary(values: list[float]) -> dict[str, float]:
    return {"p50": round(statistics.median(values), 1), "max": round(max(values), 1), "count": len(values)}


async def measure(options: argparse.Namespace) -> dict[str, object]:
    """Everything."""
    with tempfile.TemporaryDirectory() as name:
        directory, now_s = Path(name), SteadyClock().now_s()
        history = await past_of(directory, "b008", now_s - 900, now_s)
        async with (
            site(directory, fleet_places(BRANCHES), history=history) as running,
            async_playwright() as playwright,
        ):
            states = {number: TROUBLE.get(number, BranchState.OK) for number in range(BRANCHES)}
            fleet = [branch_now(number, state, now_s, now_s - 900) for number, state in states.items()]
            show(running.board, fleet, running.clock.now_s())
            await running.desk.look()
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            first = await paints(browser, running.url, options.loads)
            if options.pictures:
                options.pictures.mkdir(parents=True, exist_ok=True)
                await photograph(running, browser, options.pictures)
            late, seen = await updates(running, browser, options)
            memory = rss_mib()
            await browser.close()
        await history.close()
    met = max(first) < GOAL_MS and max(late) < GOAL_MS and max(seen) < GOAL_MS
    return {
        "bench": "web",
        "branches": BRANCHES,
        "clients": options.clients,
        "first_paint_ms": summary(first),
        "update_ms": summary(late),
        "browser_update_ms": summary(seen),
        "goal_ms": GOAL_MS,
        "met": met,
        "rss_mib_with_clients": memory,
        "load_1min": os.getloadavg()[0],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--loads", type=int, default=10)
    parser.add_argument("--pictures", type=Path, metavar="DIR")
    print(json.dumps(asyncio.run(measure(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
