"""A test page: what a real one would look like, sent at once, past the outbox."""

import datetime as dt

from branchline.settings import SettingsError
from collector.config import CollectorSettings
from collector.incidents.model import AlertClass, Cause, Incident, Phase, Severity
from collector.inventory.places import Places
from collector.notify.base import Message, Result
from collector.notify.model import NoticeEvent
from collector.notify.notifiers import make_notifiers
from collector.notify.page_text import compose
from collector.web.settings import WebSettings


async def send_test_page(settings: CollectorSettings, *, to: str | None, now_s: float) -> list[tuple[str, Result]]:
    """(receiver, how it went) of all receivers, or of the one called `to`. `now_s` is Unix time.

    Raises:
        SettingsError: there is no such receiver, or a file that the settings name cannot be used.
    """
    wanted = tuple(each for each in settings.notify if to in (None, each.name))
    if not wanted:
        names = ", ".join(each.name for each in settings.notify)
        raise SettingsError(
            f"no receiver is called {to!r}; choose one of: {names}" if names else "no receiver; add a table [[notify]]"
        )
    web = settings.web or WebSettings()
    incident = pretend(now_s)
    results = []
    for each, notifier in make_notifiers(wanted, settings.collector.name):
        try:
            text = compose(
                NoticeEvent.TRIGGER,
                incident,
                places=Places(),
                language=each.language or web.language,
                base_url=web.url,
                now_s=now_s,
            )
            message = Message(
                key=f"{each.name}/{incident.id}/0",
                event=NoticeEvent.TRIGGER,
                at_s=now_s,
                text=text,
                incident=incident,
                first=incident,
                url=f"{web.url}/runbooks/{AlertClass.TEST}",
            )
            results.append((each.name, await notifier.send(message)))
        finally:
            await notifier.close()
    return results


def pretend(now_s: float) -> Incident:
    """An incident about nothing."""
    name = f"test-{dt.datetime.fromtimestamp(now_s, dt.UTC):%Y%m%d-%H%M%S}"
    return Incident(
        id=name,
        key=f"test/{name}",
        tenant="",
        cause=Cause.UNKNOWN,
        confidence=0.0,
        alert_class=AlertClass.TEST,
        severity=Severity.PAGE,
        phase=Phase.OPEN,
        started_s=now_s,
        opened_s=now_s,
        changed_s=now_s,
    )
