"""The page as an ASGI application."""

import logging
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.events import LOG
from collector.web.branch_page import BranchPage
from collector.web.guard import Guard
from collector.web.headers import SAFE, SafeHeaders
from collector.web.health import Health
from collector.web.incident_page import IncidentPages, Runbooks
from collector.web.live import Live
from collector.web.login import Login
from collector.web.pages import Frame, Pages
from collector.web.parts import WebParts
from collector.web.renderer import Renderer
from collector.web.settings import WebSettings
from collector.web.statics import Statics
from collector.web.workshop import Workshop
from collector.words.page_words import WORDS

_CODES = {404: "not_found", 405: "not_allowed"}


def make_app(parts: WebParts) -> Starlette:
    """The application. Its `state.live` has to run beside the server; `serve` does so.

    The database needs the tables of `collector.web.users.SCHEMA` and `collector.incidents.book.SCHEMA`.
    """
    settings = parts.settings.web or WebSettings()
    statics = Statics()
    renderer = Renderer(statics, parts.clock, settings.timezone)
    live = Live(parts, renderer, Workshop("live page"))
    frame = Frame(renderer, live, settings, Workshop("page"))
    pages, branch, incident = Pages(parts, frame, live, settings), BranchPage(parts, frame), IncidentPages(parts, frame)
    login, health, runbooks = Login(parts, frame, settings), Health(parts), Runbooks(frame)

    async def refuse(request: Request, error: Exception) -> Response:
        refused = cast("HTTPException", error)
        ours = refused.detail in WORDS["en"]  # else a word of Starlette's own
        code = refused.detail if ours else _CODES.get(refused.status_code, "not_allowed")
        return await frame.error(request, refused.status_code, code)

    async def broken(request: Request, error: Exception) -> Response:
        LOG.log(logging.ERROR, "web.failed | %s: a fault, please report it", request.url.path[:200], exc_info=error)
        answer = await frame.error(request, 500, "broken")
        answer.headers.update(SAFE)  # made outside of every middleware
        return answer

    app = Starlette(
        routes=[
            Route("/", pages.wall),
            Route("/events", pages.events),
            Route("/language/{language}", pages.language),
            Route("/branch/{tenant}/{branch}", branch.whole),
            Route("/branch/{tenant}/{branch}/now", branch.now),
            Route("/incidents", incident.list),
            Route("/incident/{id}", incident.whole),
            Route("/incident/{id}/now", incident.now),
            Route("/incident/{id}/acknowledge", incident.acknowledge, methods=["POST"]),
            Route("/incident/{id}/comment", incident.comment, methods=["POST"]),
            Route("/runbooks/{alert_class}", runbooks.show),
            Route("/login", login.ask),
            Route("/login", login.log_in, methods=["POST"]),
            Route("/logout", login.log_out, methods=["POST"]),
            Route("/healthz", health.alive),
            Route("/readyz", health.ready),
            Route("/metrics", health.metrics),
            Route("/static/{version}/{name}", statics.serve),
        ],
        middleware=[
            Middleware(SafeHeaders, secure=settings.secure),
            Middleware(Guard, settings=settings, database=parts.database, clock=parts.clock),
        ],
        exception_handlers={HTTPException: refuse, Exception: broken},
    )
    app.state.live = live
    return app
