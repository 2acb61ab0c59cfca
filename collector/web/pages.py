"""The wall, its stream of events, and what every page has in common."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from collector.web.guard import Person, asked_path, logged_in
from collector.web.languages import COOKIE, choose
from collector.web.live import Live
from collector.web.parts import WebParts
from collector.web.renderer import Renderer
from collector.web.settings import WebSettings
from collector.web.stream import EventStream
from collector.web.wall_page import wall_view
from collector.web.workshop import Workshop
from collector.words import LANGUAGES
from collector.words.page_words import WORDS
from collector.words.speak import say

MAX_REGION_CHARS = 200


class Frame:
    """What every page has: language, person, links of the header."""

    def __init__(self, renderer: Renderer, live: Live, settings: WebSettings, workshop: Workshop) -> None:
        self._renderer = renderer
        self._live = live
        self._settings = settings
        self._workshop = workshop

    def language(self, request: Request) -> str:
        """The reader's."""
        accept = request.headers.get("accept-language", "")
        return choose(request.cookies.get(COOKIE), accept, self._settings.language)

    async def page(
        self, request: Request, template: str, view: Callable[[], dict[str, object]], *, status: int = 200
    ) -> HTMLResponse:
        """A whole page. `view` is called in a thread, where the page is made too: some take long."""
        language, person = self.language(request), request.scope.get("person")
        common = {"here": "", "path": asked_path(request), "person": person, "last_event": self._live.last_id}
        text = await self._workshop.run(lambda: self._renderer.render(template, language, {**common, **view()}))
        return HTMLResponse(text, status)

    async def error(self, request: Request, status: int, code: str) -> HTMLResponse:
        """A page that says in one sentence what is wrong; `code` is one of `page_words`."""
        sentence = say(WORDS, self.language(request), code)
        return await self.page(request, "error.html", lambda: {"status": status, "sentence": sentence}, status=status)


class Pages:
    """The wall and what belongs to it."""

    def __init__(self, parts: WebParts, frame: Frame, live: Live, settings: WebSettings) -> None:
        self._parts = parts
        self._frame = frame
        self._live = live
        self._settings = settings

    async def wall(self, request: Request) -> Response:
        """`/`, or one region of it."""
        region = request.query_params.get("region")
        last_event = self._live.last_id  # before the picture is made: what changes meanwhile is told again
        language, parts = self._frame.language(request), self._parts
        branches, incidents = dict(parts.board.branches), dict(parts.desk.open_incidents)

        def view() -> dict[str, object]:
            seen = wall_view(parts, branches, incidents, language, region and region[:MAX_REGION_CHARS])
            return {**seen, "last_event": last_event, "here": "wall"}

        return await self._frame.page(request, "wall.html", view)

    async def events(self, request: Request) -> ASGIApp:
        """`/events`."""
        if self._live.full:
            return Response("too many open pages; close some\n", 503, media_type="text/plain")
        last_id = request.headers.get("last-event-id") or request.query_params.get("after", "")
        language = self._frame.language(request)
        person: Person = request.scope["person"]
        parts, settings = self._parts, self._settings

        async def may_stay() -> bool:
            if not person.logged_in:
                return True
            return await logged_in(request, settings, parts.database, parts.clock) is not None

        return EventStream(self._live, language, last_id, may_stay)

    async def language(self, request: Request) -> Response:
        """`/language/<language>?next=`: choose, and go on where one was."""
        answer = RedirectResponse(local_path(request.query_params.get("next", "/")), 303)
        language = request.path_params["language"]
        if language in LANGUAGES:
            secure = self._settings.secure
            answer.set_cookie(COOKIE, language, max_age=31536000, samesite="lax", httponly=True, secure=secure)
        return answer


def local_path(wanted: str) -> str:
    """A path of this site, whatever was asked for."""
    try:
        parts = urlsplit(wanted)
    except ValueError:  # such as //[
        return "/"
    # A browser reads a backslash as a slash, so that /\host would be another site.
    foreign = parts.scheme or parts.netloc or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted
    return "/" if foreign or not wanted.isprintable() else wanted
