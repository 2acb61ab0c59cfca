"""How an attempt to deliver ended: as lines of timelines, as points, as a log event."""

import logging

import msgspec

from collector.events import tell
from collector.incidents.model import Entry, EntryKind
from collector.notify.deliveries import Row, State
from collector.store.lines import Value, point, series
from wire.fields import DeliveryField, Measurement, Tag

_DELIVERED = 1
_FAILED = 0


class Outcome(msgspec.Struct, frozen=True):
    """One attempt for the rows of one message. WAITING: it will be tried again."""

    receiver: str
    rows: tuple[Row, ...]
    state: State
    detail: str = ""


def entries(outcome: Outcome, at_s: float) -> list[tuple[str, Entry]]:
    """(incident id, line of its timeline): of every end, and of the first failure only, since there may be hundreds."""
    out = []
    for row in outcome.rows:
        if outcome.state is State.WAITING and row.attempts > 0:
            continue
        words = {
            "receiver": outcome.receiver,
            "event": str(row.event),
            "result": "delivered" if outcome.state is State.DELIVERED else "failed",
            "state": str(outcome.state),
            "attempts": str(row.attempts + 1),
            "detail": outcome.detail[:200],
        }
        out.append((row.incident, Entry(at_s, EntryKind.DELIVERY, words)))
    return out


def points(outcome: Outcome, at_s: float) -> list[str]:
    """One point of `delivery` for each row that ended."""
    if outcome.state is State.WAITING:
        return []
    delivered = _DELIVERED if outcome.state is State.DELIVERED else _FAILED
    lines = []
    for row in outcome.rows:
        tags = ((Tag.TENANT, row.tenant), (Tag.RECEIVER, outcome.receiver))
        values: tuple[tuple[str, Value], ...] = (
            (DeliveryField.DELIVERED, delivered),
            (DeliveryField.ATTEMPTS, row.attempts + 1),
            (DeliveryField.TOOK_S, max(0.0, at_s - row.made_s)),
            (DeliveryField.INCIDENT_ID, row.incident),
        )
        # the rows of one digest end together; the notice keeps their points apart
        at_ns = int(at_s * 1e6) * 1000 + row.notice % 1000
        lines.append(point(series(Measurement.DELIVERY, tags), values, at_ns))
    return lines


def log(outcome: Outcome) -> None:
    """One event."""
    sentences = {
        State.DELIVERED: (logging.INFO, "delivered"),
        State.WAITING: (logging.WARNING, "not taken; trying again"),
        State.REFUSED: (logging.ERROR, "refused for good"),
        State.GIVEN_UP: (logging.ERROR, "given up"),
    }
    level, sentence = sentences.get(outcome.state, (logging.INFO, str(outcome.state)))
    row = outcome.rows[0]
    tell(
        level,
        f"notify.{outcome.state}",
        f"{sentence} ({outcome.detail})" if outcome.detail else sentence,
        receiver=outcome.receiver,
        incident=row.incident,
        told=row.event,
        messages=len(outcome.rows),
        attempts=row.attempts + 1,
    )
