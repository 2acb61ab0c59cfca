"""What a database's HTTP status means (docs/design.md section 4). Pure."""

import math
import re

from collector.store.base import Answer, Later, Partial, Paused, TooLarge, Written

_DROPPED = re.compile(r"dropped=(\d+)")
LONGEST_ASKED_S = 300.0


def read_answer(status: int, text: str, retry_after: str | None, lines: int) -> Answer:
    """Judge the answer to a write of `lines` lines.

    400 and 422 mean that some lines cannot be taken and others may have been; 401, 403 and 404 (and a redirect, which
    is a wrong url) that a person has to act; everything unknown is tried again, so that nothing is ever dropped.
    """
    reason = f"HTTP {status} {' '.join(text.split())[:300]}".strip()
    if status in {200, 204}:
        return Written()
    if status in {400, 422}:
        dropped = _DROPPED.search(text)
        return Partial(reason, all_refused=dropped is not None and int(dropped[1]) >= lines)
    if status in {401, 403, 404} or 300 <= status < 400:
        return Paused(reason)
    if status == 413:
        return TooLarge(reason)
    return Later(reason, _seconds(retry_after))


def _seconds(text: str | None) -> float | None:
    try:
        wait_s = float(text) if text else None
    except ValueError:  # an HTTP date: rare, and the back-off serves as well
        return None
    return min(wait_s, LONGEST_ASKED_S) if wait_s is not None and math.isfinite(wait_s) and wait_s >= 0 else None
