"""`alertmanager`: API v2, one alert for each incident, told again every minute and reconciled with what it has."""

import datetime as dt
import time
from collections.abc import Iterable, Sequence

import aiohttp
import msgspec

from collector.incidents.model import AlertClass, Incident
from collector.notify.base import Delivered, Later, Message, Result
from collector.notify.http_answers import read_answer
from collector.notify.model import NoticeEvent
from collector.notify.settings import NotifySettings
from collector.notify.trust import trusted
from collector.notify.webhook import post
from collector.secret_files import private

KEEP_S = 60.0
RESOLVED_FOR_S = 300.0
STANDS_FOR_S = 3600.0
"""An alert that nobody tells again ends by itself. Long: a collector that is being repaired has resolved nothing."""
TEST_STANDS_FOR_S = 300.0

PRODUCT = "branchline"
_JSON = {"Content-Type": "application/json"}
_ANNOTATED = ("next_step", "deadline", "runbook_url", "dashboard_url", "incident_url", "cause", "confidence")


class _Alert(msgspec.Struct, rename="camel", omit_defaults=True):
    """As the API has it. `ends_at` in the past: resolved."""

    labels: dict[str, str]
    starts_at: str
    ends_at: str = ""
    annotations: dict[str, str] = {}
    generator_url: str = msgspec.field(default="", name="generatorURL")


class _Known(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    starts_at: str


class Alertmanager:
    """One Alertmanager."""

    keep_s = KEEP_S
    resolved_for_s = RESOLVED_FOR_S

    def __init__(self, settings: NotifySettings, collector: str) -> None:
        """`collector` is the name of this one. Call inside a running event loop.

        Raises:
            SettingsError: a file that the settings name cannot be used.
        """
        token = private(settings.token_file, f"token_file of [[notify]] {settings.name}")
        self._url = f"{settings.url.rstrip('/')}/api/v2/alerts"
        self._ours = {"product": PRODUCT, "collector": collector, "receiver": settings.name}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trusted(settings), limit=2),
            timeout=aiohttp.ClientTimeout(total=settings.timeout),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, message: Message) -> Result:
        """Tell one incident; an alert that it had under other labels ends."""
        if message.incident is None:
            return Delivered("no digest for an Alertmanager: it groups by itself")
        alert = self._alert(message)
        result = await self._tell([alert])
        if isinstance(result, Delivered) and message.event is NoticeEvent.UPDATE:
            known = await self._known({"incident_id": message.incident.id})
            if not isinstance(known, Later):
                await self._end(each for each in known if each.labels != alert.labels)
        return result

    async def keep(self, messages: Sequence[Message], waiting: frozenset[str]) -> Result:
        """Tell again what stands; end what is ours, stands no more and is not about to be told."""
        alerts = [self._alert(each) for each in messages]
        known = await self._known({})
        if isinstance(known, Later):
            return known
        standing = {tuple(sorted(each.labels.items())) for each in alerts}
        ended = await self._end(
            each
            for each in known
            if tuple(sorted(each.labels.items())) not in standing and each.labels.get("incident_id") not in waiting
        )
        told = await self._tell(alerts)
        return told if isinstance(ended, Delivered) else ended

    async def close(self) -> None:
        """Close connections."""
        await self._session.close()

    def labels(self, incident: Incident) -> dict[str, str]:
        """What identifies the alert: of the incident as it was first told, so that they never change."""
        members = incident.members
        labels = {
            "alertname": "Branchline" + "".join(word.capitalize() for word in incident.alert_class.split("_")),
            "incident_id": incident.id,
            "severity": incident.severity,
            "class": incident.alert_class,
            "cause": incident.cause,
            "tenant": incident.tenant,
            "branch": _only(each.branch for each in members),
            "isp": _only(each.isp for each in members),
            **self._ours,
        }
        return {name: str(value) for name, value in labels.items() if value}

    def _alert(self, message: Message) -> _Alert:
        incident = message.incident
        if incident is None:
            raise TypeError(message)
        over = message.event is NoticeEvent.RESOLVE
        stands_for_s = TEST_STANDS_FOR_S if incident.alert_class is AlertClass.TEST else STANDS_FOR_S
        ends_s = max(message.at_s, incident.started_s + 0.001) if over else time.time() + stands_for_s
        annotations = {"summary": message.text.subject, "description": message.text.body}
        for name in _ANNOTATED:
            value = message.text.fields.get(name)
            if value is not None:
                annotations[name] = str(value)
        return _Alert(
            self.labels(message.first or incident), _time(incident.started_s), _time(ends_s), annotations, message.url
        )

    async def _tell(self, alerts: list[_Alert]) -> Result:
        if not alerts:
            return Delivered()
        return await post(self._session, self._url, msgspec.json.encode(alerts), _JSON)

    async def _end(self, alerts: Iterable[_Known]) -> Result:
        ended_at = _time(time.time())
        return await self._tell([_Alert(each.labels, each.starts_at, ended_at) for each in alerts])

    async def _known(self, more: dict[str, str]) -> list[_Known] | Later:
        """Alerts of ours that it has and that are not resolved."""
        words = [("filter", f'{name}="{value}"') for name, value in (self._ours | more).items()]
        try:
            async with self._session.get(self._url, params=words, allow_redirects=False) as response:
                body = await response.read()
        except TimeoutError:
            return Later("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return Later(" ".join(str(error).split()) or type(error).__name__)
        if response.status != 200:
            answer = read_answer(response.status, body[:300].decode(errors="replace"), None, time.time())
            return answer if isinstance(answer, Later) else Later(f"HTTP {response.status}")
        try:
            return msgspec.json.decode(body, type=list[_Known])
        except msgspec.MsgspecError:
            return Later("an answer that is no list of alerts; does url name an Alertmanager?")


def _only(values: Iterable[str]) -> str:
    """The value all have, else nothing."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _time(at_s: float) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat(timespec="milliseconds")
