"""The demo's live view: at most 23 lines of 80 columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Group
from rich.text import Text

from collector.incidents.model import Incident
from collector.inventory.places import Places
from collector.words.incident_words import cause_name, title
from lab.demo.picture import Picture
from lab.fleet.news import MoveTold

INCIDENTS, MOVES, MESSAGES, LINKS = 4, 4, 3, 3
_STATES = {
    "OK": ("●", "green"),
    "DEGRADED": ("◑", "yellow"),
    "ON_5G": ("⇄", "cyan"),
    "ISOLATED": ("✖", "bold red"),
    "UNKNOWN": ("?", "dim"),
}
_LINKS = {"UP": "●", "SUSPECT": "◐", "DOWN": "✖", "DEGRADED": "◑", "UNKNOWN": "?"}


def view(picture: Picture, places: Places, subjects: Sequence[str], page: str, *, next_s: float | None) -> Group:
    """The whole view. `page`: the page's address; `next_s`: seconds to the flood, None: it came."""
    news = picture.news
    moves = news.kept_moves if news else ()
    size = f"{news.branches} simulated branches, {news.lines} lines" if news else "the simulated fleet is starting"
    story = "" if next_s is None else f"; a flood comes in {next_s:.0f} s"
    return Group(
        _line(f"branchline demo: {size}{story}", "bold"),
        _line(f"page: {page}"),
        _states(picture),
        *([_line(news.trouble, "red")] if news and news.trouble else []),
        *_block(
            f"open incidents: {len(picture.open_incidents)}", _incidents(picture.open_incidents, places), INCIDENTS
        ),
        *_block(f"moves: {len(moves)}", _moves(moves), MOVES),
        *_block(f"messages sent: {len(subjects)}", reversed(subjects[-MESSAGES:]), MESSAGES),
        *_block("this machine, probed by the real agent (nothing is moved)", _links(picture.agent), LINKS),
        _line("Ctrl-C ends it and leaves nothing behind", "dim"),
    )


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _block(heading: str, lines: Iterable[str], most: int) -> list[Text]:
    shown = [_line(f"  {line}") for line in lines][:most]
    return [_line(heading, "bold"), *shown]


def _states(picture: Picture) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for state, (mark, style) in _STATES.items():
        text.append(f"{mark} {state} {picture.states.get(state, 0)}   ", style if picture.hearing else "dim")
    return text


def _incidents(incidents: Iterable[Incident], places: Places) -> Iterable[str]:
    for incident in incidents:
        yield f"{cause_name('en', incident.cause)}: {title('en', incident, places)}"


def _moves(moves: Sequence[MoveTold]) -> Iterable[str]:
    for move in reversed(moves[-MOVES:]):
        clock = datetime.fromtimestamp(move.at_s).astimezone().strftime("%H:%M:%S")
        after = "" if move.after_ms is None else f", {move.after_ms:.0f} ms after the line died"
        yield f"{clock} {move.branch}: {move.from_path} -> {move.to_path}{after}"


def _links(status: Mapping[str, object] | None) -> Iterable[str]:
    paths = status.get("paths") if status else None
    for path in paths if isinstance(paths, list) else []:
        state = str(path["state"])
        rtt = "" if path["rtt_ms"] is None else f", {path['rtt_ms']} ms"
        trouble = f" ({path['trouble']})" if path["trouble"] else ""
        yield f"{_LINKS[state]} {path['path']} {state}{rtt}{trouble}"
