"""`branchline demo`: what branchline does, in a minute and a half, as an ordinary user of any Linux machine.

Broker, collector with its page, the real agent on this machine's own links with a dry-run actor, and a simulated fleet.
Real links that answer nothing are UNKNOWN, not DOWN. All of it lives in one temporary folder and on loopback.
"""

import argparse
import json
import os
import signal
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

from collector.inventory.places import Places
from failover.profiles import Profile
from lab.demo.children import Children
from lab.demo.files import (
    CLEAR_AFTER,
    DATABASE,
    LOOPBACK,
    MERGE,
    agent_file,
    collector_file,
    data_dir,
    free_web_port,
    make_database,
)
from lab.demo.memory import pss_mib
from lab.demo.picture import Looker, PageWatch, Picture
from lab.demo.receiver import Receiver
from lab.demo.summary import summary
from lab.demo.view import view
from lab.fleet.places import build_inventory
from lab.own_links import own_links

CALM_S = 60.0
SHORT_S = 150.0  # a demo shorter than this has its flood after 40 % of it
SHORT_SHARE = 0.4
START_S = 30.0
LOOK_EVERY_S = 0.5
NAP_S = 0.1
MAX_FOLDER_CHARS = 80  # as run_dir of the agent
_EPILOG = f"""example: ./run demo --seconds 90 --json

The collector gathers what belongs together for {MERGE} before it tells people
(45s by default) and resolves after {CLEAR_AFTER} without trouble (2min by default),
so that a short demo shows both.

exit codes: 0 shown, 1 a part did not start or stay, 2 wrong usage"""


class DemoError(Exception):
    """The demo cannot go on; the text is the one sentence to show."""


class _Stop:
    """Ctrl-C, SIGTERM, a closed terminal: asked at any moment, heeded between two steps, so nothing is half started."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


def main(argv: list[str]) -> int:
    """Run the demo. Exit codes: 0 shown, 1 a part did not start or stay, 2 wrong usage."""
    began_s = time.monotonic()
    parser = argparse.ArgumentParser(
        prog="branchline demo",
        description="A collector with its page, the real agent on this machine's own links, and 255\n"
        "simulated branches of which a flood and a power cut take some. Moves nothing\n"
        "here; needs no privilege.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=0.0, help="stop by itself after so long (0: until Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="print a summary as the last line; the rest to stderr")
    parser.add_argument(
        "--profile", type=Profile, choices=list(Profile), default=Profile.STANDARD, help="of the simulated branches"
    )
    parser.add_argument(
        "--influx", default="", metavar="URL", help=f"write to the database {DATABASE} of this InfluxDB 1, for Grafana"
    )
    options = parser.parse_args(argv)
    if options.influx and not options.influx.startswith(("http://", "https://")):
        parser.error("--influx: write a URL, such as http://127.0.0.1:8086")
    if not 0 <= options.seconds < float("inf"):
        parser.error("--seconds: write how many seconds, 0 or more")
    stop = _Stop()
    console = Console(stderr=options.json)
    try:
        with tempfile.TemporaryDirectory(prefix="branchline-demo-") as folder:
            told = Demo(Path(folder), console, stop, began_s, options.influx).play(options.seconds, options.profile)
    except DemoError as error:
        console.print(f"branchline demo: {error}", style="red", soft_wrap=True, markup=False, highlight=False)
        return 1
    if options.json:
        print(json.dumps(told))
    return 0


class Demo:
    """One demo in `folder`."""

    def __init__(self, folder: Path, console: Console, stop: _Stop, began_s: float, influx: str = "") -> None:
        self._folder = folder
        self._console = console
        self._stop = stop
        self._began_s = began_s
        self._influx = influx
        self._children = Children(folder)
        self._looker = Looker(folder, data_dir(folder))
        self._places = Places([build_inventory()])

    def play(self, seconds: float, profile: Profile) -> dict[str, object]:
        """Show it for `seconds`, or until asked to stop (0); the summary.

        Raises:
            DemoError: a part did not start or stay.
        """
        if len(str(self._folder)) > MAX_FOLDER_CHARS:
            raise DemoError(f"{self._folder}: too long a name for the sockets in it; set TMPDIR to a shorter folder")
        flood_s = SHORT_SHARE * seconds if 0 < seconds < SHORT_S else CALM_S
        try:
            receiver = Receiver(self._on_message)
            web_port = free_web_port()
        except OSError as error:
            raise DemoError(
                f"{LOOPBACK} cannot be used ({error.strerror}); is loopback up? ip link set lo up"
            ) from None
        if self._influx:
            try:
                make_database(self._influx)
            except OSError as error:
                raise DemoError(f"{self._influx} is no InfluxDB 1 that can be used ({error}); see --influx") from None
        page_url = f"http://{LOOPBACK}:{web_port}/"
        with self._children, receiver:
            self._start(receiver.port, web_port, flood_s, profile)
            page = PageWatch(page_url, self._began_s)
            try:
                self._show(receiver, page, page_url, seconds, flood_s)
                memory_mib = pss_mib([os.getpid(), *self._children.pids()])
                self._children.end("fleet")  # it waits a moment for what the collector has not yet acknowledged
                picture = self._looker.look()
            finally:
                page.close()
        return summary(
            picture,
            messages=len(receiver.subjects),
            page_url=page_url,
            first_page_s=page.first_page_s,
            memory_mib=memory_mib,
        )

    def _start(self, receiver_port: int, web_port: int, flood_s: float, profile: Profile) -> None:
        self._children.start("broker", ["lab.demo.broker"], listen=True)
        port = self._children.line("broker", START_S)
        if not port.isdecimal():
            raise DemoError(f"the broker did not start: {self._children.last_line('broker')}")
        ports = {"broker_port": int(port), "web_port": web_port, "receiver_port": receiver_port}
        config = collector_file(self._folder, **ports, influx=self._influx)
        self._children.start("collector", ["branchline", "collector", "run", "--config", str(config)])
        news = str(self._folder / "fleet.json")
        self._children.start("fleet", ["lab.fleet.process", port, news, f"{flood_s:g}", profile.value])
        config = agent_file(self._folder, own_links(), int(port))
        for name, command in (("actor", "actor"), ("agent", "run")):
            if self._stop.asked:
                return
            self._children.start(name, ["branchline", "agent", command, "--config", str(config)])

    def _show(self, receiver: Receiver, page: PageWatch, page_url: str, seconds: float, flood_s: float) -> None:
        since_s = time.monotonic()
        until_s = since_s + seconds if seconds else float("inf")
        if not self._console.is_terminal:
            told = f"255 simulated branches, and this machine's own links; the page: {page_url}"
            self._console.print(told, soft_wrap=True, markup=False, highlight=False)
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            while time.monotonic() < until_s and not self._stop.asked:
                picture = self._looker.look()
                self._check(picture, since_s)
                story_s = picture.news.seconds if picture.news else 0.0
                address = page_url if page.first_page_s is not None else f"{page_url} (starting)"
                next_s = flood_s - story_s if story_s < flood_s else None
                live.update(
                    view(picture, self._places, receiver.subjects, address, next_s=next_s),
                    refresh=self._console.is_terminal,
                )
                self._nap(min(until_s, time.monotonic() + LOOK_EVERY_S))
        if not self._console.is_terminal:
            self._console.print()  # Live ends its view without one

    def _nap(self, until_s: float) -> None:
        while not self._stop.asked and (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(NAP_S, left_s))

    def _check(self, picture: Picture, since_s: float) -> None:
        if (name := self._children.ended()) is not None:
            raise DemoError(f"the {name} ended by itself; its last line: {self._children.last_line(name)}")
        if picture.agent is None and time.monotonic() - since_s > START_S:
            raise DemoError(f"the agent did not start: {self._children.last_line('agent')}")

    def _on_message(self, subject: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"message: {subject}", soft_wrap=True, markup=False, highlight=False)
