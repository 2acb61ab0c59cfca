"""`branchline watch`: the fleet on one screen, live."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from collector.config import CollectorSettings
from collector.inventory.places import Places
from collector.terminal.drawing import status_lines
from collector.terminal.options import columns, parser, with_config
from collector.terminal.picture import look

LOOK_EVERY_S = 1.0
_STYLES = {"ISOLATED": "bold red", "ON_5G": "magenta", "DEGRADED": "yellow", "UNKNOWN": "dim", "PAGE": "bold red"}


def main(argv: list[str]) -> int:
    """Show the picture until Ctrl-C; in a pipe each second's below the last.

    Exit codes: 0 shown, 1 there is nothing to read, 2 wrong usage or settings.
    """
    made = parser("watch", "The fleet, live, until Ctrl-C.", "example: branchline watch --language fr")
    made.add_argument("--seconds", type=float, default=0.0, help="stop by itself after so long (0: until Ctrl-C)")
    options = made.parse_args(argv)
    if not 0 <= options.seconds < float("inf"):
        made.error("--seconds: write how many seconds, 0 or more")
    try:
        return with_config(
            options, lambda settings, places, language: _show(settings, places, language, options.seconds)
        )
    except KeyboardInterrupt:
        return 0


def _show(settings: CollectorSettings, places: Places, language: str, seconds: float) -> int:
    console = Console()
    until = time.monotonic() + (seconds or float("inf"))
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            most = max(3, (console.height - 6) // 3)
            lines = status_lines(look(settings), places, language, most=most, columns=columns())
            if console.is_terminal:
                live.update(_coloured(lines), refresh=True)
            else:
                print("\n".join(lines), flush=True)
            left_s = until - time.monotonic()
            if left_s <= 0:
                return 0
            time.sleep(min(LOOK_EVERY_S, left_s))


def _coloured(lines: list[str]) -> Text:
    text = Text()
    for line in lines:
        word = line.split()[0] if line.split() else ""
        text.append(line + "\n", style="bold yellow" if word == "!" else _STYLES.get(word, ""))
    return text
