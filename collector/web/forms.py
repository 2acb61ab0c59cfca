"""Forms that people send: small, from our own pages, with the token that only those hold."""

import hmac
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from collector.web.guard import Person, same_site

MAX_BYTES = 32_768
MAX_FIELDS = 20


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form from one of our pages.

    Raises:
        HTTPException: 400 not a form, 403 from elsewhere, 413 too large. Its detail is a code of `page_words`.
    """
    if not same_site(request):
        raise HTTPException(403, "form_from_elsewhere")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise HTTPException(413, "form_too_large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except ValueError:
        raise HTTPException(400, "form_unreadable") from None


async def read_act(request: Request) -> tuple[Person, dict[str, str]]:
    """Who acts, and the fields of their form. Raises as `read_form`; 403 too when they may not, or the token is old."""
    form = await read_form(request)
    person: Person | None = request.scope.get("person")
    if person is None or not hmac.compare_digest(form.get("csrf", "").encode(), person.csrf.encode()):
        raise HTTPException(403, "form_too_old")
    if not person.may_act:
        raise HTTPException(403, "viewers_may_not")
    return person, form
