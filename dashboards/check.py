"""All layers of checking in a row, and their report. Each layer says whether it ran, and why not."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dashboards import schemas
from dashboards.ask import Answered, ask_board
from dashboards.influx import Influx
from dashboards.lint import lint
from dashboards.model import Json


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of check: its faults, or why it did not run."""

    name: str
    faults: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What all layers found."""

    layers: tuple[Layer, ...]
    answers: tuple[Answered, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not any(each.faults for each in self.layers)

    def took_ms(self, uid: str) -> float:
        """All queries of one dashboard, one after the other."""
        return sum(each.reply.took_ms for each in self.answers if each.uid == uid)


def check(
    boards: Mapping[str, Json],
    *,
    folder: Path | None = None,
    influx: Influx | None = None,
    need_rows: bool = False,
    values: Mapping[str, str] | None = None,
    now_ms: int | None = None,
) -> Report:
    """Every layer that can run. `now_ms` is where the time range ends, Unix milliseconds; None: now.

    Raises:
        DashboardsError: the database cannot be asked, or the folder has no schemas
    """
    layers = [
        _layer("rules", lambda: lint(boards)),
        _layer("SDK model", lambda: _each(boards, schemas.read_back)),
    ]
    if folder is None:
        layers.append(Layer("JSON Schemas", skipped="give --schemas the folder `jsonschema` of grafana-foundation-sdk"))
    else:
        layers.append(_layer("JSON Schemas", lambda: _each(boards, lambda board: schemas.against(board, folder))))
    if influx is None:
        return Report((*layers, Layer("queries", skipped="give --influx and --database")))
    end_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    answers = tuple(each for board in boards.values() for each in ask_board(board, influx, end_ms, values=values or {}))
    faults = [f"{_where(each)}: {each.fault}" for each in answers if each.fault]
    if need_rows:
        empty = [each for each in answers if not each.reply.rows and not each.reply.error]
        faults += [f"{_where(each)}: no row: {each.query}" for each in empty]
    return Report((*layers, Layer("queries", tuple(faults))), answers)


def _layer(name: str, find: Callable[[], Sequence[str]]) -> Layer:
    try:
        return Layer(name, tuple(find()))
    except ModuleNotFoundError as error:
        return Layer(name, skipped=f"needs the package {str(error.name).partition('.')[0].replace('_', '-')}")


def _each(boards: Mapping[str, Json], find: Callable[[Json], Sequence[str]]) -> list[str]:
    return [f"{uid}: {fault}" for uid, board in boards.items() for fault in find(board)]


def _where(answered: Answered) -> str:
    return f"{answered.uid}: {answered.asked.kind} {answered.asked.where!r} {answered.asked.ref_id}"


def as_text(report: Report) -> str:
    """For people: each query with its rows and milliseconds, then each layer with its faults."""
    lines = []
    uid = ""
    for each in report.answers:
        if each.uid != uid:
            uid = each.uid
            lines.append(f"{uid}  ({report.took_ms(uid):.0f} ms in all)")
        what = f"{each.asked.kind} {each.asked.where} {each.asked.ref_id}"
        lines.append(f"  {each.reply.took_ms:8.1f} ms {each.reply.rows:7d} rows {each.reply.series:4d} series  {what}")
    for layer in report.layers:
        if layer.skipped:
            lines.append(f"{layer.name}: did not run: {layer.skipped}")
        else:
            lines.append(f"{layer.name}: {len(layer.faults) or 'no'} fault{'s' * (len(layer.faults) != 1)}")
        lines += [f"  {fault}" for fault in layer.faults]
    return "\n".join(lines)


def as_json(report: Report) -> dict[str, object]:
    """For machines."""
    uids = dict.fromkeys(each.uid for each in report.answers)
    return {
        "good": report.good,
        "layers": [
            {"name": each.name, "ran": not each.skipped, "skipped": each.skipped, "faults": list(each.faults)}
            for each in report.layers
        ],
        "dashboards_ms": {uid: round(report.took_ms(uid), 1) for uid in uids},
        "queries": [
            {
                "dashboard": each.uid,
                "kind": each.asked.kind,
                "where": each.asked.where,
                "ref_id": each.asked.ref_id,
                "ms": round(each.reply.took_ms, 1),
                "rows": each.reply.rows,
                "series": each.reply.series,
                "bytes": each.reply.size,
                "fault": each.fault,
                "query": each.query,
            }
            for each in report.answers
        ],
    }
