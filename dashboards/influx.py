"""Asking an InfluxDB in InfluxQL, as Grafana's data source does: `/query`, POST, times in milliseconds."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import msgspec

from dashboards.errors import DashboardsError


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: rows of all series, their columns (tags included), how long it took, how large it was.

    `error` is the database's own sentence; then there is nothing else.
    """

    rows: int
    series: int
    columns: frozenset[str]
    took_ms: float
    size: int
    values: tuple[str, ...] = ()
    error: str = ""


class _Series(msgspec.Struct):
    columns: list[str] = []
    values: list[list[object]] = []
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


class Influx:
    """One database of one server. `token` or `username` and `password` where it wants them."""

    def __init__(
        self, url: str, database: str, *, token: str = "", username: str = "", password: str = "", timeout_s: float = 60
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise DashboardsError(f"--influx {url!r}: write it as http://host:8086 or https://host:8086")
        self._url = url.rstrip("/") + "/query"
        self._database = database
        self._headers = {"Authorization": f"Token {token}"} if token else {}
        self._login = {"u": username, "p": password} if username else {}
        self._timeout_s = timeout_s

    def ask(self, query: str) -> Reply:
        """One query.

        Raises:
            DashboardsError: the server cannot be reached or answers nothing we know
        """
        words = urllib.parse.urlencode({"db": self._database, "q": query, "epoch": "ms", **self._login})
        request = urllib.request.Request(  # noqa: S310 - http or https, checked above
            self._url, data=words.encode(), headers=self._headers, method="POST"
        )
        began_s = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310 - same
                body = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
            if error.code not in {400, 404}:
                raise DashboardsError(f"{self._url}: HTTP {error.code}: {_reason(body)}") from error
        except (OSError, TimeoutError) as error:
            raise DashboardsError(f"{self._url}: cannot be asked: {error}; is InfluxDB running there?") from error
        took_ms = (time.perf_counter() - began_s) * 1000
        return _reply(body, took_ms)


def _reply(body: bytes, took_ms: float) -> Reply:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError as error:
        raise DashboardsError(f"the database's answer is not InfluxQL's: {error}") from error
    result = answer.results[0] if answer.results else _Result()
    error_text = answer.error or result.error
    columns = {name for each in result.series for name in (*each.columns, *each.tags)}
    rows = sum(len(each.values) for each in result.series)
    values = tuple(str(row[-1]) for each in result.series for row in each.values)
    return Reply(rows, len(result.series), frozenset(columns), took_ms, len(body), values, error_text)


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body).get("error", ""))[:200]
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")
