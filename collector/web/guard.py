"""Who asks, and whether they may: before any page is made.

Only this machine can reach the page: who asks is its operator, and the Host header has to name this machine, or a
foreign page could reach it by a name of its own that leads to 127.0.0.1. Else people log in.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from collector.clock import SteadyClock
from collector.database import Database
from collector.web.settings import WebSettings
from collector.web.users import User, UserRole, user_of_session

LOCAL = "local"
_OPEN = ("/healthz", "/login", "/static/", "/language/")
_HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `csrf` has to come with every form they send."""

    name: str
    role: UserRole
    csrf: str
    logged_in: bool

    @property
    def may_act(self) -> bool:
        """Acknowledge and comment."""
        return self.role is UserRole.OPERATOR


class Guard:
    """ASGI middleware: puts the `Person` into `scope["person"]`, or answers itself."""

    def __init__(self, app: ASGIApp, *, settings: WebSettings, database: Database, clock: SteadyClock) -> None:
        self._app = app
        self._settings = settings
        self._database = database
        self._clock = clock
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or not."""
        if scope["type"] == "http":
            request = Request(scope)
            answer = await self._judge(request)
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _judge(self, request: Request) -> Response | None:
        scope = request.scope
        scope["person"] = None
        if self._settings.asks_nobody:
            if refusal := self._not_from_here(request):
                return PlainTextResponse(refusal, 403)
            scope["person"] = Person(LOCAL, UserRole.OPERATOR, self._token(LOCAL), False)
        elif user := await logged_in(request, self._settings, self._database, self._clock):
            token = request.cookies[session_cookie(self._settings)]
            scope["person"] = Person(user.name, user.role, self._token(token), True)
        if scope["person"] is not None or str(scope["path"]).startswith(_OPEN):
            return None
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(f"/login?next={quote(asked_path(request), safe='')}", 303)
        return PlainTextResponse("log in first\n", 401)

    def _not_from_here(self, request: Request) -> str:
        if any(name in request.headers for name in _PROXY_HEADERS):
            return "a proxy stands in front of this page: set public_url in [web], then people log in\n"
        host = _host(request.headers.get("host", ""))
        if host in _HERE or (self._settings.public_url and host == _host(urlsplit(self._settings.public_url).netloc)):
            return ""
        return "this page answers only to localhost, 127.0.0.1 or [::1]: use one of these in the address\n"

    def _token(self, of: str) -> str:
        return hmac.new(self._key, of.encode(), hashlib.sha256).hexdigest()


async def logged_in(request: Request, settings: WebSettings, database: Database, clock: SteadyClock) -> User | None:
    """Whose session the request belongs to, if it has not ended."""
    token, now_s = request.cookies.get(session_cookie(settings)), clock.now_s()
    return await database.run(lambda connection: user_of_session(connection, token, now_s)) if token else None


def session_cookie(settings: WebSettings) -> str:
    """Its name. `__Host-`: browsers take it only by HTTPS and from this very host."""
    return "__Host-bl_session" if settings.secure else "bl_session"


def same_site(request: Request) -> bool:
    """Whether a form came from one of our pages, as far as the browser says (Fetch Metadata; RFC 6454 7)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
    except ValueError:  # such as http://[
        return False


def asked_path(request: Request) -> str:
    """What was asked for, with its query."""
    query = request.scope["query_string"].decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")


def _host(netloc: str) -> str:
    netloc = netloc.rpartition("@")[2].lower()
    return netloc.partition("]")[0] + "]" if netloc.startswith("[") else netloc.partition(":")[0]
