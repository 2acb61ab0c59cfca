"""One incident: cause and evidence, members, timeline, who has it; the lists of incidents; runbooks."""

import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from importlib.resources import files

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.incidents.book import get, load, timeline
from collector.incidents.errors import UnknownIncidentError
from collector.incidents.model import AlertClass, Entry, EntryKind, Incident, Member, Phase
from collector.web.forms import read_act
from collector.web.pages import Frame
from collector.web.parts import WebParts
from collector.web.timeline import timeline_lines
from collector.web.wall import blindness
from collector.web.wall_page import row_of
from collector.words.incident_words import class_name, entry_text, evidence_text, naming, title
from collector.words.speak import one_line

MAX_MEMBERS = 100
PER_PAGE = 50
MAX_COMMENT_CHARS = 500
ACKNOWLEDGE_H = (1, 4, 8, 24, 72)


class IncidentPages:
    """`/incidents`, `/incident/<id>` and what people do there."""

    def __init__(self, parts: WebParts, frame: Frame) -> None:
        self._parts = parts
        self._frame = frame

    async def list(self, request: Request) -> Response:
        """`/incidents?before=`: open ones, and past ones page by page."""
        parts, language = self._parts, self._frame.language(request)
        before_s = _seconds(request.query_params.get("before", ""))
        past = await parts.database.run(
            lambda connection: load(connection, phases=[Phase.RESOLVED], limit=PER_PAGE + 1, before_s=before_s)
        )
        now_open = sorted(parts.desk.open_incidents.values(), key=lambda each: -each.started_s)
        common = self._common(language)

        def view() -> dict[str, object]:
            return {
                "open": [row_of(each, parts.places, language) for each in now_open[:PER_PAGE]],
                "more_open": max(0, len(now_open) - PER_PAGE),
                "past": [row_of(each, parts.places, language) for each in past[:PER_PAGE]],
                "older_s": past[PER_PAGE - 1].started_s if len(past) > PER_PAGE else None,
                "first_page": before_s is None,
                "here": "incidents",
                **common,
            }

        return await self._frame.page(request, "incidents.html", view)

    async def whole(self, request: Request) -> Response:
        """`/incident/<id>`."""
        return await self._frame.page(request, "incident.html", await self._view(request))

    async def now(self, request: Request) -> Response:
        """Only what changes."""
        return await self._frame.page(request, "incident_now.html", await self._view(request))

    async def acknowledge(self, request: Request) -> Response:
        """POST `/incident/<id>/acknowledge`."""
        person, form = await read_act(request)
        incident = await self._find(request)
        hours = form.get("hours", "")
        for_s = 3600.0 * int(hours) if hours in {str(each) for each in ACKNOWLEDGE_H} else None
        comment = one_line(form.get("comment", ""), MAX_COMMENT_CHARS)
        await _written(self._parts.desk.acknowledge(incident.id, by=person.name, comment=comment, for_s=for_s))
        return RedirectResponse(f"/incident/{incident.id}", 303)

    async def comment(self, request: Request) -> Response:
        """POST `/incident/<id>/comment`."""
        person, form = await read_act(request)
        incident = await self._find(request)
        if text := one_line(form.get("text", ""), MAX_COMMENT_CHARS):
            await _written(self._parts.desk.comment(incident.id, by=person.name, text=text))
        return RedirectResponse(f"/incident/{incident.id}", 303)

    async def _find(self, request: Request) -> Incident:
        incident_id = request.path_params["id"]
        incident = self._parts.desk.open_incidents.get(incident_id)
        if incident is None:
            incident = await self._parts.database.run(lambda connection: get(connection, incident_id))
        if incident is None:
            raise HTTPException(404, "no_such_incident")
        return incident

    def _common(self, language: str) -> dict[str, object]:
        board = self._parts.board
        return {"blind": blindness(board, language, self._parts.clock.now_s()), "updated_s": board.updated_s}

    async def _view(self, request: Request) -> Callable[[], dict[str, object]]:
        parts, language = self._parts, self._frame.language(request)
        incident = await self._find(request)
        entries = await parts.database.run(lambda connection: timeline(connection, incident.id))
        common = self._common(language)
        return lambda: {**incident_view(parts, incident, entries, language), **common}


def incident_view(parts: WebParts, incident: Incident, entries: list[Entry], language: str) -> dict[str, object]:
    """All that the incident's template names, for a thread: it may have twenty thousand members."""
    called = naming(parts.places, incident.tenant)
    happened = [each for each in entries if each.kind is not EntryKind.DELIVERY]
    members: dict[tuple[str, str], list[Member]] = {}
    for each in sorted(incident.members, key=lambda each: (each.until_s is not None, each.since_s, each.line)):
        members.setdefault((each.tenant, each.branch), []).append(each)
    regions = Counter(parts.places.branch(*each).region or "" for each in incident.branches)
    isps = Counter(each.isp for each in incident.members if each.isp)
    return {
        "incident": incident,
        "row": row_of(incident, parts.places, language),
        "title": title(language, incident, parts.places),
        "class_name": class_name(language, incident.alert_class),
        "evidence": [(each.at_s, evidence_text(language, each, called)) for each in incident.evidence],
        "members": [
            ("/".join(name), parts.places.branch(*name), each) for name, each in list(members.items())[:MAX_MEMBERS]
        ],
        "more_members": max(0, len(members) - MAX_MEMBERS),
        "regions": regions.most_common(12),
        "isps": isps.most_common(12),
        "timeline": timeline_lines(happened, called, language),
        "deliveries": [(each, entry_text(language, each)) for each in entries if each.kind is EntryKind.DELIVERY],
        "hours": ACKNOWLEDGE_H,
        "default_h": round(parts.settings.incidents.acknowledge_for / 3600),
    }


class Runbooks:
    """`/runbooks/<class>`: Markdown of `collector/runbooks`, written with the code; HTML in it stays text."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        self._folder = files("collector") / "runbooks"

    async def show(self, request: Request) -> Response:
        """One runbook, in the reader's language where it is written in it."""
        wanted = request.path_params["alert_class"]
        if wanted not in set(AlertClass):
            raise HTTPException(404, "not_found")
        language = self._frame.language(request)
        names = (f"{wanted}.{language}.md", f"{wanted}.md")
        file = next((each for name in names if (each := self._folder / name).is_file()), None)
        if file is None:
            raise HTTPException(404, "not_found")
        body = Markup(self._markdown.render(file.read_text(encoding="utf-8")))  # noqa: S704 - HTML is off
        view: dict[str, object] = {"title": class_name(language, wanted), "runbook": body}
        return await self._frame.page(request, "runbook.html", lambda: view)


async def _written(act: Awaitable[object]) -> None:
    try:
        await act
    except UnknownIncidentError:
        raise HTTPException(409, "resolved_meanwhile") from None
    except sqlite3.OperationalError:
        raise HTTPException(503, "disk_refuses") from None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e12 else None
