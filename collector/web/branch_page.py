"""One branch: its lines and which is in use, power, sensors, moves and why, quality, flight record, inventory."""

import asyncio

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from collector.board import BranchNow
from collector.heard import PathHeard
from collector.incidents.book import load
from collector.inventory.model import BranchEntry, LineEntry
from collector.web.pages import Frame
from collector.web.parts import WebParts
from collector.web.quality import HOURS, read_flight, read_quality
from collector.web.records import read_record
from collector.web.tiles import newest_agent, tile_of
from collector.web.wall import blindness
from collector.web.wall_page import row_of
from wire.messages import LinkState, Role

MAX_INCIDENTS = 10
_NO_INT = 2**62


class PathRow(msgspec.Struct, frozen=True):
    """One line: what was heard of it, what the inventory knows, whether traffic is on it."""

    name: str
    heard: PathHeard
    role: str
    isp: str
    line: LineEntry | None
    in_use: bool


def path_rows(now: BranchNow | None, entry: BranchEntry) -> list[PathRow]:
    """Lines in the inventory's order, then those only the agent knows."""
    heard = {} if now is None else now.heard.paths
    names = dict.fromkeys([*(each.name for each in entry.line), *heard])
    rows = []
    for name in names:
        path, line = heard.get(name, PathHeard(LinkState.UNKNOWN)), entry.line_of(name)
        role = path.role or (line.role if line else None)
        isp = path.isp or (line.isp if line else "")
        rows.append(
            PathRow(name, path, role.value if role else "", isp, line, now is not None and now.heard.active == name)
        )
    return rows


def newest_event_ns(now: BranchNow | None) -> int:
    """When traffic last moved, else when a line last changed; 0: never heard of any. Agents keep a record of both."""
    if now is None:
        return 0
    if now.heard.acts:
        return now.heard.acts[-1].at_ns
    return max((path.since_ns for path in now.heard.paths.values()), default=0)


class BranchPage:
    """`/branch/<tenant>/<branch>` and the part of it that is fetched anew."""

    def __init__(self, parts: WebParts, frame: Frame) -> None:
        self._parts = parts
        self._frame = frame

    async def whole(self, request: Request) -> Response:
        """The page. `?hours=` of quality, `?flight=` the event (Unix nanoseconds) whose flight record is shown."""
        name, view = self._now(request)
        parts, now_s = self._parts, self._parts.clock.now_s()
        hours = _number(request.query_params.get("hours", ""), HOURS[0])
        hours = hours if hours in HOURS else HOURS[0]
        at_ns = _number(
            request.query_params.get("flight", ""), newest_event_ns(newest_agent(parts.board.branches, name))
        )
        incidents = await parts.database.run(
            lambda connection: load(connection, tenant=name[0], branch=name[1], limit=MAX_INCIDENTS)
        )
        language = self._frame.language(request)
        # At once: a dead database is waited for once, not three times.
        quality, flight, record = await asyncio.gather(
            read_quality(parts.history, name, now_s, hours),
            read_flight(parts.history, name, at_ns) if at_ns else _nothing(),
            read_record(parts.history, name, now_s),
        )
        view |= {
            "hours": hours,
            "all_hours": HOURS,
            "quality": quality,
            "flight": flight,
            "record": record,
            "rows": [row_of(each, parts.places, language) for each in incidents],
        }
        return await self._frame.page(request, "branch.html", lambda: view)

    async def now(self, request: Request) -> Response:
        """Only what changes by the second."""
        _, view = self._now(request)
        return await self._frame.page(request, "branch_now.html", lambda: view)

    def _now(self, request: Request) -> tuple[tuple[str, str], dict[str, object]]:
        parts = self._parts
        name = request.path_params["tenant"], request.path_params["branch"]
        now = newest_agent(parts.board.branches, name)
        if now is None and not parts.places.known(*name):
            raise HTTPException(404, "no_such_branch")
        entry = parts.places.branch(*name)
        language = self._frame.language(request)
        return name, {
            "tile": tile_of(name, now, parts.places),
            "now": now,
            "entry": entry,
            "listed": parts.places.known(*name),
            "paths": path_rows(now, entry),
            "metered": now is not None and _role_in_use(now) is Role.CELL,
            "zone": entry.timezone,
            "blind": blindness(parts.board, language, parts.clock.now_s()),
            "updated_s": parts.board.updated_s,
        }


async def _nothing() -> None:
    """No event, no flight record."""


def _role_in_use(now: BranchNow) -> Role | None:
    path = now.heard.paths.get(now.heard.active)
    return path.role if path else None


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 and int(text) < _NO_INT else default
