"""Wall, branch and incident pages in a real Chromium, with 255 branches live."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from collector.heard import PathHeard
from collector.inventory.model import Inventory
from collector.inventory.places import Places
from collector.web.settings import WebSettings
from tests.integration.collector.web.conftest import TROUBLE
from tests.integration.collector.web.fleet import branch_now, entry, show
from tests.integration.collector.web.site import Site, site
from tests.needs import needs_program
from wire.messages import BranchState, LinkState, Role

pytestmark = needs_program("chromium")
QUARTER = {"width": 960, "height": 540}
HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\"'>=cmd|calc!A1\r\n\u202e",
    "x" * 10_000,
)


async def open_page(browser: Browser, url: str, **options: object) -> Page:
    """A page that fails the test by what it complains about."""
    context = await browser.new_context(**{"viewport": QUARTER, "locale": "en-GB", **options})  # type: ignore[arg-type]
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(message.text)

    page.on("console", note)
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    await page.goto(url)
    page.faults = faults  # type: ignore[attr-defined]
    return page


def faults_of(page: Page) -> list[str]:
    return page.faults  # type: ignore[attr-defined, no-any-return]


async def test_the_wall_fits_a_quarter_of_a_screen_and_every_branch_is_on_it(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url)
    assert await page.locator("a.tile").count() == 255
    height, width = await page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert height <= QUARTER["height"]
    assert width <= QUARTER["width"]
    seen = await page.evaluate(
        "[...document.querySelectorAll('a.tile')].every(e => {const r = e.getBoundingClientRect();"
        " return r.top >= 0 && r.bottom <= innerHeight && r.right <= innerWidth && r.height >= 14})"
    )
    assert seen
    counts = await page.locator(".counts li").all_inner_texts()
    assert [" ".join(each.split()) for each in counts] == ["2 ISOLATED", "7 ON 5G", "2 DEGRADED", "1 UNKNOWN", "243 OK"]
    tile = page.locator('[data-branch="acme/b008"]')
    assert "ON 5G since" in (await tile.get_attribute("aria-label") or "")
    assert (await tile.get_attribute("aria-label") or "").endswith(", simulated")
    assert len(fleet.desk.open_incidents) == await page.locator("#incidents li").count()
    assert faults_of(page) == []


async def test_changes_show_at_once_and_focus_stays(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url)
    tile = page.locator('[data-branch="acme/b003"]')
    await tile.focus()
    show(fleet.board, [branch_now(3, BranchState.ISOLATED, fleet.clock.now_s())], fleet.clock.now_s())
    await expect(tile).to_have_attribute("data-state", "ISOLATED", timeout=1000)
    await expect(page.locator("[data-count=ISOLATED]")).to_have_text("3", timeout=1000)
    assert await tile.locator("use").get_attribute("href") == "#m-ISOLATED"
    assert "ISOLATED since" in (await tile.get_attribute("aria-label") or "")
    assert await tile.evaluate("e => e === document.activeElement")
    await expect(page.locator("#status")).to_contain_text("3 ISOLATED", timeout=5000)
    branch = branch_now(255, BranchState.ON_5G, fleet.clock.now_s())
    new = msgspec.structs.replace(branch, key=("acme", "new-branch", "a"))
    show(fleet.board, [new], fleet.clock.now_s())
    await expect(page.locator('[data-branch="acme/new-branch"]')).to_have_attribute("data-state", "ON_5G")
    assert faults_of(page) == []


async def test_the_wall_turns_grey_when_the_collector_is_deaf_and_says_why(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url)
    colour = "getComputedStyle(document.querySelector('[data-branch=\"acme/b001\"] .mark')).color"
    green = await page.evaluate(colour)
    fleet.board.show((), (), fleet.clock.now_s(), hearing=False)
    await expect(page.locator("#banner")).to_contain_text("BLIND: the collector does not hear", timeout=2000)
    assert await page.evaluate(colour) != green
    fleet.board.show((), (), fleet.clock.now_s(), hearing=True)
    await expect(page.locator("#banner")).to_be_hidden(timeout=2000)
    assert await page.evaluate(colour) == green


async def test_a_page_that_hears_nothing_turns_grey(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, "about:blank")
    await page.clock.install()
    await page.route("**/events*", lambda route: route.abort())
    await page.goto(fleet.url)
    await expect(page.locator("#banner")).to_be_hidden()
    await page.clock.run_for(20_000)
    await expect(page.locator("#banner")).to_contain_text("this page hears nothing")
    assert "blind" in (await page.locator("body").get_attribute("class") or "")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(
    "paths", [("/", "/incidents", "/nowhere"), ("/branch/acme/b008",), ("/incident/{id}", "/runbooks/isolated")]
)
async def test_no_accessibility_violation(fleet: Site, browser: Browser, scheme: str, paths: tuple[str, ...]) -> None:
    (incident,) = (each.id for each in fleet.desk.open_incidents.values() if each.cause == "power")
    page = await open_page(browser, f"{fleet.url}/healthz", color_scheme=scheme)
    for path in paths:
        await page.goto(fleet.url + path.format(id=incident))
        results = await Axe().run(page)
        assert results.violations_count == 0, (path, results.generate_report())


@pytest.mark.parametrize("scheme", ["dark", "light"])
async def test_no_accessibility_violation_where_people_log_in(tmp_path: Path, browser: Browser, scheme: str) -> None:
    web = WebSettings(listen="127.0.0.1:0", public_url="http://noc.example")
    async with site(tmp_path, Places(), web=web, alive=False) as running:
        page = await open_page(browser, running.url, color_scheme=scheme)
        assert await page.locator("h1").inner_text() == "Log in"
        results = await Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        await page.get_by_label("User name").fill("camille")
        await page.get_by_label("Password").fill("wrong password")
        await page.get_by_role("button", name="Log in").click()
        assert await page.get_by_role("alert").inner_text() == "User name or password is wrong."


async def test_without_javascript_the_wall_is_whole(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url, java_script_enabled=False)
    assert await page.locator("a.tile").count() == 255
    assert await page.locator("noscript").count() == 1
    assert "Power cut" in await page.locator("#incidents").inner_text()
    await page.locator('[data-branch="acme/b008"]').click()
    assert await page.locator("svg.chart path.rtt").count() == 3


async def test_the_keyboard_reaches_tiles(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url)
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    for _ in range(2):
        await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "tile sim"
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/branch/acme/*")


async def test_french_by_browser_and_by_choice(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, fleet.url, locale="fr-FR")
    assert await page.locator("html").get_attribute("lang") == "fr"
    assert "EN 5G" in await page.locator(".counts").inner_text()
    await page.get_by_role("link", name="EN", exact=True).click()
    assert await page.locator("html").get_attribute("lang") == "en"
    await page.goto(f"{fleet.url}/incidents")
    assert await page.locator("h1").inner_text() == "Incidents"
    assert await page.locator("html").get_attribute("lang") == "en"


async def test_the_branch_page_shows_lines_power_moves_quality_and_flight(fleet: Site, browser: Browser) -> None:
    page = await open_page(browser, f"{fleet.url}/branch/acme/b008", viewport={"width": 1280, "height": 900})
    text = await page.locator("main").inner_text()
    for words in ("ON 5G", "carries traffic", "on battery", "41 min left", "Left fibre for 5g", "fibre is silent"):
        assert words in text
    for words in ("+33 2 40 00 00 00", "FR-00008", "4 h", "grid area north", "Last seven days", "DOWN"):
        assert words in text
    assert await page.locator("section[aria-labelledby=h-quality] figure").count() == 3
    assert len(await page.locator("path.rtt").first.get_attribute("d") or "") > 500
    assert await page.locator("path.reply").count() == 2
    await page.locator("summary").first.click()
    assert await page.locator("details[open] tbody tr").count() == 12
    now_s = fleet.clock.now_s()
    back = branch_now(8, BranchState.OK, now_s, now_s)
    show(fleet.board, [back], now_s)
    await expect(page.locator("p.state")).to_have_attribute("data-state", "OK", timeout=3000)
    assert faults_of(page) == []


async def test_an_operator_acknowledges_and_comments(fleet: Site, browser: Browser) -> None:
    (incident,) = (each for each in fleet.desk.open_incidents.values() if each.cause == "power")
    wall = await open_page(browser, fleet.url)
    page = await open_page(browser, f"{fleet.url}/incident/{incident.id}")
    assert len(await page.locator(".members .trouble").all()) == len(incident.members)
    await page.get_by_label("For how long").select_option("8")
    await page.locator("#ack-comment").fill("ringing the grid <b>now</b>")
    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator(".head-facts")).to_contain_text("local has it until")
    await expect(wall.locator("#incidents")).to_contain_text("local has it until", timeout=2000)
    await page.locator("#text").fill("they say 05:00")
    await page.get_by_role("button", name="Send").click()
    timeline = page.locator("section[aria-labelledby=h-timeline]")
    await expect(timeline).to_contain_text("they say 05:00")
    await expect(timeline).to_contain_text("ringing the grid <b>now</b>")
    held = fleet.desk.open_incidents[incident.id].acknowledgement
    assert held is not None
    assert round(held.until_s - held.at_s) == 8 * 3600
    await page.get_by_role("link", name="Runbook").click()
    assert faults_of(page) == []


async def test_hostile_names_inject_nothing_and_the_layout_holds(tmp_path: Path, browser: Browser) -> None:
    entries = [entry(number) for number in range(20)]
    for field in ("title", "region", "address", "flood_zone"):
        for number, text in enumerate(HOSTILE):
            msgspec.structs.force_setattr(entries[number], field, text)  # past what the inventory refuses
    async with site(tmp_path, Places([Inventory(tenant="acme", branch=tuple(entries))])) as running:
        now_s = running.clock.now_s()
        branches = [branch_now(number, BranchState.DEGRADED, now_s) for number in range(20)]
        for number, text in enumerate(HOSTILE):
            heard = branches[number].heard
            paths = {**heard.paths, "fibre": PathHeard(LinkState.DOWN, Role.WIRE, text, 1, text)}
            acts = tuple(
                msgspec.structs.replace(branch_now(8, TROUBLE[8], now_s).heard.acts[0], reason=text) for _ in "a"
            )
            heard = msgspec.structs.replace(heard, paths=paths, acts=acts, version=text)
            branches[number] = msgspec.structs.replace(branches[number], heard=heard)
        show(running.board, branches, now_s)
        await running.desk.look()
        page = await open_page(browser, running.url)
        urls = ["/", "/incidents", "/branch/acme/b000", "/branch/acme/b001"]
        urls += [f"/incident/{each}" for each in list(running.desk.open_incidents)[:3]]
        for url in urls:
            await page.goto(running.url + url)
            await asyncio.sleep(0.2)
            assert await page.evaluate("document.documentElement.scrollWidth") <= QUARTER["width"], url
            assert await page.locator("img, script:not([src])").count() == 0
            assert "49" not in await page.title()
        assert faults_of(page) == []


@pytest.mark.parametrize("count", [0, 10_000])
async def test_no_branch_and_ten_thousand(tmp_path: Path, browser: Browser, count: int) -> None:
    async with site(tmp_path, fleet_of(count), alive=False) as running:
        now_s = running.clock.now_s()
        show(running.board, [branch_now(number, BranchState.OK, now_s) for number in range(count)], now_s)
        page = await open_page(browser, running.url)
        tiles = await page.locator("a.tile").count()
        if not count:
            assert "No branch is listed" in await page.locator("main").inner_text()
            return
        assert tiles == 600
        assert "600 of 10000 branches" in await page.locator(".legend").inner_text()
        show(running.board, [branch_now(9999, BranchState.ISOLATED, now_s)], running.clock.now_s())
        await expect(page.locator('[data-branch="acme/b9999"]')).to_have_attribute("data-state", "ISOLATED")
        await page.locator(".regions a").first.click()
        assert await page.locator("a.tile").count() >= 600


def fleet_of(count: int) -> Places:
    return Places([Inventory(tenant="acme", branch=tuple(entry(number) for number in range(count)))])
