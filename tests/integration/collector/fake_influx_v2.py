"""A fake of InfluxDB 2's `/api/v2/write`, `/api/v2/delete` and, of `/query`, the oldest point.

No InfluxDB 2 is packaged for Debian. As strict as its documentation. Token and organisation are checked before the
bucket, the bucket before the body; a body with a bad line is a partial write (400): its good lines are stored. Queued
answers (429, 503, ...) are given first, once each.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from aiohttp import web

TOKEN, ORG, BUCKET = "secret-token", "acme", "branchline"
MAX_BODY_BYTES = 50_000

# measurement[,tag=value...] field=value[,field=value...] timestamp
_NAME = r"(?:\\[,= ]|[^,= \n\\])+"
_VALUE = r'(?:-?\d+i|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|"(?:\\["\\]|[^"\\])*")'
_LINE = re.compile(rf"({_NAME}(?:,{_NAME}={_NAME})*) ({_NAME}={_VALUE}(?:,{_NAME}={_VALUE})*) (\d+)\Z")
_FIELD = re.compile(rf"({_NAME})=({_VALUE})")


@dataclass
class FakeInfluxV2:
    """Start with `async with`; `points` is what it stored: series and time to fields."""

    token: str = TOKEN
    buckets: set[str] = field(default_factory=lambda: {BUCKET})
    queued: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    points: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    deletions: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/api/v2/write", self._write)
        app.router.add_post("/api/v2/delete", self._delete)
        app.router.add_get("/query", self._query)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(text="# HELP\nprocess_start_time_seconds 1.7e+09\ngo_info 1\n")

    async def _delete(self, request: web.Request) -> web.Response:
        """Start, stop (RFC 3339) and a predicate of one measurement: all that is asked of it."""
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.json()
        measurement = re.fullmatch(r'_measurement="([a-z0-9_]+)"', body.get("predicate", ""))
        if measurement is None:
            return _error(400, "invalid", "unable to parse delete predicate")
        self.deletions.append(body["stop"])
        start_ns, stop_ns = (
            int(datetime.strptime(body[key], "%Y-%m-%dT%H:%M:%S%z").timestamp()) * 10**9 for key in ("start", "stop")
        )
        for series, at_ns in list(self.points):
            if series.split(",")[0] == measurement[1] and start_ns <= at_ns < stop_ns:
                del self.points[series, at_ns]
        return web.Response(status=204)

    async def _query(self, request: web.Request) -> web.Response:
        """InfluxQL; of its statements the one for the oldest point of a measurement."""
        if request.headers.get("Authorization") != f"Token {self.token}":
            return _error(401, "unauthorized", "unauthorized access")
        if request.query.get("db") not in self.buckets:
            return _error(404, "not found", "no dbrp mapping found")
        asked = re.fullmatch(
            r'SELECT \* FROM "([a-z0-9_]+)" WHERE time < (\d+) ORDER BY time ASC LIMIT 1', request.query.get("q", "")
        )
        if asked is None or request.query.get("epoch") != "ns":
            return web.json_response({"error": "error parsing query"}, status=400)
        name, before_ns = asked[1], int(asked[2])
        times = [at_ns for series, at_ns in self.points if series.split(",")[0] == name and at_ns < before_ns]
        columns = {"name": name, "columns": ["time", "sent"], "values": [[min(times, default=0), 1]]}
        return web.json_response({"results": [{"statement_id": 0, **({"series": [columns]} if times else {})}]})

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Token {self.token}":
            return _error(401, "unauthorized", "unauthorized access")
        if request.query.get("org") != ORG:
            return _error(404, "not found", f'organization name "{request.query.get("org")}" not found')
        if request.query.get("bucket") not in self.buckets:
            return _error(404, "not found", f'bucket "{request.query.get("bucket")}" not found')
        return None

    async def _write(self, request: web.Request) -> web.Response:
        body = await request.text()
        answer = self._answer(request, body)
        self.statuses.append(answer.status)
        return answer

    def _answer(self, request: web.Request, body: str) -> web.Response:
        if self.queued:
            status, headers = self.queued.pop(0)
            return _error(status, "unavailable", "try again", headers)
        if (refused := self._refused(request)) is not None:
            return refused
        if request.query.get("precision") != "ns":
            return _error(400, "invalid", "precision is not ns")
        if len(body) > MAX_BODY_BYTES:
            return _error(413, "request too large", "unable to read data: points batch is too large")
        bad = [line for line in body.split("\n") if not self._store(line)]
        if bad:
            return _error(400, "invalid", f"partial write: unable to parse '{bad[0][:50]}'")
        return web.Response(status=204)

    def _store(self, line: str) -> bool:
        match = _LINE.match(line)
        if match is None:
            return False
        self.points.setdefault((match[1], int(match[3])), {}).update(_FIELD.findall(match[2]))
        return True


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status, headers=headers)
