"""What a receiver's HTTP status means. Pure."""

import email.utils
import math

from collector.notify.base import Delivered, Later, Refused, Result

LONGEST_ASKED_S = 3600.0
NEEDS_A_PERSON_S = 60.0
_FOR_THIS_MESSAGE = {400, 405, 406, 409, 410, 411, 413, 415, 422}


def read_answer(status: int, text: str, retry_after: str | None, now_s: float) -> Result:
    """Judge an answer to a POST.

    A wrong address or token (a redirect, 401, 403, 404) is tried again each minute, since a person can mend it before
    the message is given up; what the receiver says of this very message is final; everything else may pass.
    """
    reason = f"HTTP {status} {' '.join(text.split())[:200]}".strip()
    if 200 <= status < 300:
        return Delivered()
    if status in _FOR_THIS_MESSAGE:
        return Refused(reason)
    if status in {401, 403, 404} or 300 <= status < 400:
        return Later(reason, NEEDS_A_PERSON_S)
    return Later(reason, asked_wait_s(retry_after, now_s))


def asked_wait_s(retry_after: str | None, now_s: float) -> float | None:
    """Seconds of a Retry-After header (a number, or an HTTP date compared with Unix time), at most an hour."""
    if not retry_after:
        return None
    try:
        wait_s = float(retry_after)
    except ValueError:
        try:
            wait_s = email.utils.parsedate_to_datetime(retry_after).timestamp() - now_s
        except ValueError:
            return None
    return min(max(0.0, wait_s), LONGEST_ASKED_S) if math.isfinite(wait_s) else None
