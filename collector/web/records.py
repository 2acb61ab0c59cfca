"""What a branch's record says of the last days: changes of its lines and moves of its traffic, newest first."""

import msgspec

from collector.store.history import History, HistoryError, Series, Value
from wire.fields import OUTCOME_CODES, ActField, LinkStateField, Measurement, Tag
from wire.messages import LinkState

DAYS = 7
MAX_RECORDS = 60
_OUTCOMES = {number: outcome.value for outcome, number in OUTCOME_CODES.items()}


class Happened(msgspec.Struct, frozen=True):
    """One change of a line (`before` and `after` states by name) or one report of a move (`after` its outcome)."""

    at_ns: int
    kind: str  # "change" or "move"
    link: str
    before: str
    after: str
    reason: str


class Record(msgspec.Struct, frozen=True):
    """The list, or why there is none. `code` is one of `page_words`."""

    happened: list[Happened] = []
    fault: str = ""
    code: str = ""


async def read_record(history: History | None, name: tuple[str, str], now_s: float) -> Record:
    """Changes and moves of the last DAYS."""
    if history is None:
        return Record(code="no_history")
    where = {Tag.TENANT.value: name[0], Tag.BRANCH.value: name[1]}
    start_ns, end_ns = int((now_s - DAYS * 86400) * 1e9), int((now_s + 60) * 1e9)
    try:
        changes = await history.read(
            Measurement.LINK_STATE,
            (LinkStateField.OLD, LinkStateField.NEW, LinkStateField.REASON),
            where=where,
            group=(Tag.LINK,),
            start_ns=start_ns,
            end_ns=end_ns,
            limit=MAX_RECORDS,
        )
        moves = await history.read(
            Measurement.ACT,
            (ActField.OUTCOME, ActField.REASON),
            where=where,
            group=(Tag.LINK, Tag.FROM_LINK),
            start_ns=start_ns,
            end_ns=end_ns,
            limit=MAX_RECORDS,
        )
    except HistoryError as error:
        return Record(fault=str(error), code="history_silent")
    happened = [each for series in changes for each in _changes(series)]
    happened += [each for series in moves for each in _moves(series)]
    happened.sort(key=lambda each: -each.at_ns)
    return Record(happened[:MAX_RECORDS], code="" if happened else "no_record")


def _changes(series: Series) -> list[Happened]:
    link = series.tags.get(Tag.LINK, "?")
    old, new, reason = (
        _column(series, field) for field in (LinkStateField.OLD, LinkStateField.NEW, LinkStateField.REASON)
    )
    return [
        Happened(at_ns, "change", link, _state(old[index]), _state(new[index]), str(reason[index] or ""))
        for index, at_ns in enumerate(series.at_ns)
    ]


def _moves(series: Series) -> list[Happened]:
    link, before = series.tags.get(Tag.LINK, "?"), series.tags.get(Tag.FROM_LINK, "")
    outcome, reason = _column(series, ActField.OUTCOME), _column(series, ActField.REASON)
    return [
        Happened(at_ns, "move", link, before, _outcome(outcome[index]), str(reason[index] or ""))
        for index, at_ns in enumerate(series.at_ns)
    ]


def _column(series: Series, field: str) -> tuple[Value, ...]:
    return series.values.get(field, (None,) * len(series.at_ns))


def _state(value: Value) -> str:
    known = isinstance(value, int | float) and int(value) in list(LinkState)
    return LinkState(int(value)).name if known and value is not None else LinkState.UNKNOWN.name


def _outcome(value: Value) -> str:
    return _OUTCOMES.get(int(value), "?") if isinstance(value, int | float) else "?"
