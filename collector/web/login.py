"""`/login` and `/logout`."""

import asyncio
import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.web.attempts import Attempts
from collector.web.connections import network_of
from collector.web.forms import read_form
from collector.web.guard import Person, session_cookie
from collector.web.pages import Frame, local_path
from collector.web.parts import WebParts
from collector.web.passwords import is_right
from collector.web.settings import WebSettings
from collector.web.users import SESSION_S, end_session, hashed_password, start_session
from collector.web.workshop import Workshop

MAX_AT_ONCE = 1  # argon2 takes 64 MiB and all of a core; guesses of many strangers take no second one


class Login:
    """The forms and what they do."""

    def __init__(self, parts: WebParts, frame: Frame, settings: WebSettings) -> None:
        self._parts = parts
        self._frame = frame
        self._settings = settings
        self._attempts = Attempts()
        self._workshop = Workshop("password", MAX_AT_ONCE)

    async def ask(self, request: Request) -> Response:
        """GET `/login?next=`."""
        if request.scope["person"] is not None:
            return RedirectResponse(local_path(request.query_params.get("next", "/")), 303)
        return await self._form(request, request.query_params.get("next", "/"))

    async def log_in(self, request: Request) -> Response:
        """POST `/login`."""
        form = await read_form(request)
        name, password = form.get("name", "")[:63], form.get("password", "")
        after = local_path(form.get("next", "/"))
        address = network_of(request.client.host) if request.client else ""
        loop = asyncio.get_running_loop()
        if wait_s := self._attempts.wait_s(address, name, loop.time()):
            return await self._form(request, after, name, "too_many_tries", int(wait_s // 60) + 1, status=429)
        self._attempts.failed(address, name, loop.time())  # before the slow part: many at once count too
        kept = await self._parts.database.run(lambda connection: hashed_password(connection, name))
        right = await self._workshop.run(lambda: is_right(kept, password))
        if not right:
            return await self._form(request, after, name, "wrong_password", status=403)
        self._attempts.succeeded(address, name)
        now_s = self._parts.clock.now_s()
        token = await self._parts.database.run(lambda connection: start_session(connection, name, now_s))
        answer = RedirectResponse(after, 303)
        answer.set_cookie(
            session_cookie(self._settings),
            token,
            max_age=int(SESSION_S),
            httponly=True,
            samesite="strict",
            secure=self._settings.secure,
        )
        return answer

    async def log_out(self, request: Request) -> Response:
        """POST `/logout`."""
        form = await read_form(request)
        person: Person | None = request.scope["person"]
        if person is None or not hmac.compare_digest(form.get("csrf", "").encode(), person.csrf.encode()):
            raise HTTPException(403, "form_too_old")
        if token := request.cookies.get(session_cookie(self._settings)):
            await self._parts.database.run(lambda connection: end_session(connection, token))
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(session_cookie(self._settings), secure=self._settings.secure, httponly=True)
        return answer

    async def _form(
        self, request: Request, after: str, name: str = "", fault: str = "", minutes: int = 0, *, status: int = 200
    ) -> Response:
        view: dict[str, object] = {"after": local_path(after), "name": name, "fault": fault, "minutes": minutes}
        return await self._frame.page(request, "login.html", lambda: view, status=status)
