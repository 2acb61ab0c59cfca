"""The page in a real browser: readable without script, by phone, in the dark, by a screen reader; live by itself."""

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, sync_playwright

from agent.uplink import UplinkStatus
from failover.state import Wish
from tests.integration.agent.page.page_process import FakeAgent, PageProcess, page_and_agent
from tests.needs import needs_program
from tests.unit.agent.page.told import HOSTILE, NOW, hostile, machine, told
from wire.messages import LinkState

pytestmark = needs_program("chromium")

Axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe  # untyped
PHONE = {"width": 360, "height": 640}


def on_5g() -> dict[str, Any]:
    made = replace(
        machine(wan1=LinkState.DOWN, wan2=LinkState.SUSPECT, cell=LinkState.UP),
        active="cell",
        wish=Wish("cell", NOW + 5400, "works on line 1"),
    )
    return told(made, uplink=UplinkStatus(trouble="the broker does not answer"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[PageProcess, FakeAgent]]:
    with page_and_agent(on_5g()) as made:
        yield made


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(**options)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    yield page
    assert [each for each in complaints if "favicon" not in each and "503" not in each] == []
    context.close()


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "fr-FR")])
def test_no_accessibility_fault(
    both: tuple[PageProcess, FakeAgent], browser: Browser, scheme: str, language: str
) -> None:
    page, agent = both
    options = {"color_scheme": scheme, "locale": language, "viewport": PHONE}
    statuses = [told(machine(wan1=LinkState.UP, wan2=LinkState.UP, cell=LinkState.UP)), on_5g(), hostile()]
    for agent.status in statuses:
        time.sleep(1.1)  # the page asks the agent once a second
        with opened(browser, page.url + "/still", **options) as seen:
            assert Axe().run(seen).response["violations"] == []
            assert seen.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            assert seen.locator("html").get_attribute("lang") == language[:2]


def test_hostile_texts_are_shown_and_nothing_runs(both: tuple[PageProcess, FakeAgent], browser: Browser) -> None:
    page, agent = both
    agent.status = hostile()
    time.sleep(1.1)
    with opened(browser, page.url + "/still") as seen:
        assert HOSTILE in seen.locator("main").inner_text()
        assert seen.locator("script").count() == 0


def test_the_page_follows_by_itself_and_survives_the_agent(browser: Browser) -> None:
    with page_and_agent(on_5g()) as (page, agent), opened(browser, page.url, java_script_enabled=False) as seen:
        assert seen.locator("h1").inner_text() == "Branch lyon-3"
        assert "Works over 5G" in seen.locator(".state").inner_text()
        agent.status = told(machine(wan1=LinkState.UP, wan2=LinkState.UP, cell=LinkState.UP))
        seen.locator(".state", has_text="Everything works").wait_for(timeout=10_000)
        agent.end()
        seen.locator(".state", has_text="does not answer").wait_for(timeout=10_000)
        again = FakeAgent(page.folder / "run" / "agent.sock", on_5g())
        seen.locator(".state", has_text="Works over 5G").wait_for(timeout=10_000)
        again.end()
