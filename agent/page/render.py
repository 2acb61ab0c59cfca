"""The page as HTML. Pure; texts are escaped, missing figures are unknown."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from agent.page.shown import PathShown, Shown
from agent.page.words import WORDS

REFRESH_S = 5

# A shape for each state, so that none is told by colour alone. The class names its colour in page.css.
SHAPES = {
    "OK": ("●", "good"),
    "UP": ("●", "good"),
    "DEGRADED": ("▲", "warn"),
    "SUSPECT": ("▲", "warn"),
    "ON_5G": ("◆", "warn"),
    "ISOLATED": ("✖", "bad"),
    "DOWN": ("✖", "bad"),
    "UNKNOWN": ("?", "none"),
}
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


@dataclass(frozen=True, slots=True)
class View:
    """How the page is shown.

    Attributes:
        branch: its name
        language: of `words.LANGUAGES`
        now_s: Unix time
        contact: whom to ring; empty: nobody is named
        refreshing: whether the browser asks again by itself
    """

    branch: str
    language: str
    now_s: float
    contact: str = ""
    refreshing: bool = True

    def say(self, code: str, **names: object) -> str:
        """The words of a code, for HTML: what is put into them is escaped."""
        return WORDS[self.language][code].format(**{key: escape(str(value)) for key, value in names.items()})

    def span(self, seconds: float) -> str:
        """A length of time in the largest unit that leaves at least two."""
        for size, unit in _UNITS:
            if seconds >= 2 * size:
                return self.say(unit, value=f"{seconds / size:.0f}")
        return self.say("s", value=f"{max(0.0, seconds):.0f}")

    def clock(self, offset_s: float) -> str:
        """Local time so many seconds from now; with its day when that is not today."""
        then, now = time.localtime(self.now_s + offset_s), time.localtime(self.now_s)
        return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def page(view: View, status: Shown) -> str:
    """The whole document of a branch whose agent answered."""
    state = status.branch_state
    body = [
        f'<p class="state {_colour(state)}">{_shape(state)} {view.say(f"branch.{_known(state)}")}</p>',
        f"<p>{_traffic(view, status)}</p>",
        f"<h2>{view.say('todo')}</h2>",
        *_advice(view, _known(state)),
        f"<h2>{view.say('paths')}</h2>",
        *(part for path in status.paths for part in _path(view, path, status.active)),
        f"<h2>{view.say('box')}</h2>",
        _facts(_box(view, status)),
        f"<p>{view.say('act')}</p>",
        '<pre tabindex="0">branchline-agent override LINE --for 8h --why "..."\nbranchline-agent release</pre>',
    ]
    return _document(view, body)


def silent_page(view: View) -> str:
    """The whole document of a branch whose agent does not answer."""
    body = [
        f'<p class="state none">{_shape("UNKNOWN")} {view.say("silent")}</p>',
        f"<h2>{view.say('todo')}</h2>",
        *_advice(view, "silent"),
    ]
    return _document(view, body)


def _document(view: View, body: list[str]) -> str:
    title = view.say("title", branch=view.branch)
    if view.refreshing:
        again = f'{view.say("refreshing", seconds=REFRESH_S)} <a href="/still">{view.say("stop")}</a>'
    else:
        again = f'{view.say("still")} <a href="/">{view.say("go_on", seconds=REFRESH_S)}</a>'
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.now_s))
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{view.language}">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f'<title>{title}</title><link rel="stylesheet" href="/page.css"></head>',
            f"<body><main><h1>{title}</h1>",
            *body,
            f"</main><footer><p>{view.say('as_of', at=at)} {again}</p></footer></body></html>",
            "",
        ]
    )


def _advice(view: View, what: str) -> Iterator[str]:
    yield f'<div class="todo"><p>{view.say(f"todo.{what}")}</p>'
    if what not in {"OK", "UNKNOWN"}:
        yield f"<p>{view.say('water')}</p>"
    if view.contact:
        yield f"<p>{view.say('contact', contact=view.contact)}</p>"
    yield "</div>"


def _traffic(view: View, status: Shown) -> str:
    active, move, override = status.active, status.move, status.override
    parts = [view.say("traffic_on", path=active) if active else view.say("traffic_unknown")]
    if move:
        parts.append(view.say("moving", path=move.to_path, reason=move.reason))
    if override:
        until, left = view.clock(override.left_s), view.span(override.left_s)
        parts.append(view.say("override", path=override.path, until=until, left=left, why=override.why))
    else:
        parts.append(view.say("no_override"))
    return "<br>".join(parts)


def _path(view: View, path: PathShown, active: str | None) -> Iterator[str]:
    word = view.say(f"path.{_known(path.state, 'path')}")
    used = f' <span class="used">{view.say("in_use")}</span>' if path.path == active else ""
    yield f'<section class="path"><h3>{escape(path.path)}{used}</h3>'
    yield f'<p class="{_colour(path.state)}">{_shape(path.state)} {word}</p>'
    unknown = view.say("unknown")
    facts = {
        "since": view.say("since_at", at=view.clock(-path.for_s), span=view.span(path.for_s)),
        "rtt": unknown if path.rtt_ms is None else view.say("ms", value=f"{path.rtt_ms:.0f}"),
        "loss": unknown if path.loss_pct is None else view.say("pct", value=f"{path.loss_pct:.0f}"),
        "answered": _ago(view, path.answered_s_ago),
        "proved": _ago(view, path.proved_s_ago),
    }
    if path.hold_left_s > 0:
        facts["hold"] = view.span(path.hold_left_s)
    if path.proof not in {None, "holds"}:
        facts["proof"] = view.say("proof_missing", detail=path.proof)
    if path.trouble:
        facts["trouble"] = escape(path.trouble)
    yield _facts({view.say(code): text for code, text in facts.items()})
    yield "</section>"


def _box(view: View, status: Shown) -> dict[str, str]:
    facts = {
        "collector": view.say(f"collector.{status.headquarters}"),
        "waiting": str(status.records_waiting),
    }
    if status.records_lost:
        facts["dropped"] = str(status.records_lost)
    if status.disk_trouble:
        facts["disk"] = view.say("disk.trouble")
    facts["power"] = view.say("power.unknown")
    return {view.say(code): text for code, text in facts.items()}


def _facts(facts: Mapping[str, str]) -> str:
    """Names and values as a list; both are HTML already."""
    return "<dl>" + "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts.items()) + "</dl>"


def _ago(view: View, age_s: float | None) -> str:
    return view.say("never") if age_s is None else view.say("ago", span=view.span(age_s))


def _known(state: str, of: str = "branch") -> str:
    """A state this page has words for: an agent of another version may tell others."""
    return state if f"{of}.{state}" in WORDS["en"] else "UNKNOWN"


def _shape(state: str) -> str:
    return f'<span class="shape" aria-hidden="true">{SHAPES.get(state, SHAPES["UNKNOWN"])[0]}</span>'


def _colour(state: str) -> str:
    return SHAPES.get(state, SHAPES["UNKNOWN"])[1]
