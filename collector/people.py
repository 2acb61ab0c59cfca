"""What people see and are told: incidents, messages, the page."""

import logging
from collections.abc import Coroutine
from typing import Any

from collector.config import CollectorSettings
from collector.core import Core
from collector.database import Database
from collector.events import tell
from collector.incidents.desk import Desk
from collector.inventory.places import Places
from collector.metrics import CollectorMetrics, render_metrics
from collector.notify.composer import Composer
from collector.notify.notifiers import make_notifiers
from collector.notify.outbox import Outbox
from collector.store.history import History
from collector.web.app import make_app
from collector.web.parts import WebParts
from collector.web.serve import listen, serve_on
from collector.web.settings import WebSettings


class People:
    """Made once, inside the running event loop.

    Raises:
        CollectorError: the page's address cannot be used.
        SettingsError: a file that the settings name cannot be used.
    """

    def __init__(
        self, settings: CollectorSettings, places: Places, core: Core, database: Database, history: History
    ) -> None:
        web = settings.web or WebSettings()
        self.desk = Desk(
            board=core.board,
            places=places,
            database=database,
            settings=settings.incidents,
            clock=core.clock,
            offer_lines=core.ingest.offer_lines,
        )
        composer = Composer(board=core.board, places=places, clock=core.clock, base_url=web.url, language=web.language)
        self._outbox = Outbox(
            database=database,
            receivers=make_notifiers(settings.notify, settings.collector.name),
            composer=composer,
            clock=core.clock,
            offer_lines=core.ingest.offer_lines,
            keep_for_s=settings.retention.records,
        )
        if settings.notify and (settings.web is None or (settings.web.only_here and not settings.web.public_url)):
            sentence = f"links in messages lead to {web.url}, which only this machine can open; set [web] public_url"
            tell(logging.WARNING, "messages.links", sentence)
        self._web = settings.web
        self._listener = None if settings.web is None else listen(settings.web)
        metrics = CollectorMetrics(
            counters=core.counters,
            board=core.board,
            incidents=self.desk.open_incidents.values,
            journal_bytes=lambda: core.journal.size_bytes,
            lag_bytes=lambda: core.watch.lag_bytes,
            hours_waiting=lambda: core.hours.waiting,
            ready=core.trouble,
        )
        self._parts = WebParts(
            board=core.board,
            desk=self.desk,
            places=places,
            history=history,
            database=database,
            settings=settings,
            metrics=lambda: render_metrics(metrics),
            ready=core.trouble,
            clock=core.clock,
        )

    def work(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What runs for ever, by name."""
        work = {"incidents": self.desk.run(), "messages": self._outbox.run(), "notices": self._wake()}
        if self._web is not None and self._listener is not None:
            work["page"] = serve_on(self._listener, self._web, make_app(self._parts))
        return work

    async def _wake(self) -> None:
        with self.desk.listen() as listener:
            while True:
                await listener.changes()
                self._outbox.wake()

    async def close(self) -> None:
        """Let go of connections."""
        await self._outbox.close()
