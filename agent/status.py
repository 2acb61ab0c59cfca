"""What `branchline-agent status` shows: built from the machine and its neighbours, drawn for a terminal. Pure."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from failover.machine import branch_state, holds_s
from failover.observations import Proof
from failover.state import BranchMachine, PathState

if TYPE_CHECKING:  # `branchline-agent status` draws what it is told: it loads no prober, no database, no MQTT
    from agent.observing import Figures
    from agent.spool import SpoolStats
    from agent.uplink import UplinkStatus

COLUMNS = 80
NAME_COLUMNS = 20


def describe(
    machine: BranchMachine,
    *,
    now: float,
    proofs: Mapping[str, Proof],
    figures: Callable[[str], "Figures"],
    spool: "SpoolStats",
    uplink: "UplinkStatus | None",
    config_hash: str,
) -> dict[str, object]:
    """Everything about the branch as plain values; ages and waits in seconds, None: unknown."""
    holds = holds_s(machine, now)
    wish = machine.wish
    return {
        "branch_state": branch_state(machine, now).name,
        "active": machine.active or None,
        "move": None if machine.move is None else msgspec.to_builtins(machine.move),
        "override": None
        if wish is None
        else {"path": wish.path, "left_s": round(wish.until_s - now, 1), "why": wish.why},
        "paths": [
            _path(path, now, holds[path.name], proofs.get(path.name), figures(path.name)) for path in machine.paths
        ],
        "spool": msgspec.to_builtins(spool),
        "uplink": None if uplink is None else msgspec.to_builtins(uplink),
        "config_hash": config_hash,
    }


def _path(path: PathState, now: float, hold_s: float, proof: Proof | None, figures: "Figures") -> dict[str, object]:
    return {
        "path": path.name,
        "state": path.link.name,
        "for_s": round(now - path.changed_s, 1),
        "rtt_ms": figures.rtt_ms,
        "loss_pct": figures.loss_pct,
        "trouble": figures.trouble,
        "answered_s_ago": _rounded(path.answered_s(now)),
        "proved_s_ago": _rounded(None if path.proved_s is None else now - path.proved_s),
        "hold_left_s": round(hold_s, 1),
        "failovers_24h": len(path.failovers),
        "probing": path.effort.value,
        "proof": None if proof is None else (proof.detail or "holds"),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def draw(status: Mapping[str, Any]) -> str:
    """The status as lines for a terminal of 80 columns."""
    lines = [f"branch {status['branch_state']}, traffic on {status['active'] or 'an unknown path'}"]
    if move := status["move"]:
        lines.append(f"moving to {move['to_path']}: {move['reason']}")
    if override := status["override"]:
        lines.append(f"override: {override['path']} for {_span(override['left_s'])} more ({override['why']})")
    paths = status["paths"]
    wide = min(NAME_COLUMNS, max([4, *(len(path["path"]) for path in paths)]))
    lines.append(f"  {'path':{wide}} state     since     rtt  loss answer proved   hold moves")
    lines += [_line(path, wide, status["active"]) for path in paths]
    lines += [f"{path['path']}: {path['trouble']}" for path in paths if path["trouble"]]
    lines += [f"{path['path']}: proof: {path['proof']}" for path in paths if path["proof"] not in {None, "holds"}]
    uplink, spool = status["uplink"], status["spool"]
    if uplink is None:
        lines.append("collector: none, because the settings have no [broker]")
    else:
        lines.append("collector: " + ("connected" if uplink["connected"] else f"not connected, {uplink['trouble']}"))
    rows, dropped = (spool["events"][key] + spool["samples"][key] for key in ("rows", "dropped"))
    lines.append(f"records waiting on disk: {rows}, dropped since start: {dropped}")
    if spool["trouble"]:
        lines.append(f"disk: {spool['trouble']}")
    return "\n".join(part for line in lines for part in _folded(line))


def _line(path: Mapping[str, Any], wide: int, active: str | None) -> str:
    name = path["path"]
    rtt = "-" if path["rtt_ms"] is None else f"{path['rtt_ms']:.0f} ms"
    loss = "-" if path["loss_pct"] is None else f"{path['loss_pct']:.0f} %"
    return (
        f"{'*' if name == active else ' '} {name if len(name) <= wide else name[: wide - 1] + '~':{wide}} "
        f"{path['state']:8} {_span(path['for_s']):>6} {rtt:>7} {loss:>5} {_ago(path['answered_s_ago']):>6} "
        f"{_ago(path['proved_s_ago']):>6} {_span(path['hold_left_s']):>6} {path['failovers_24h']:>5}"
    )


def _folded(line: str) -> list[str]:
    """A line as one or more of at most 80 columns, cut between words where there are any."""
    parts = []
    while len(line) > COLUMNS:
        cut = line.rfind(" ", 5, COLUMNS + 1)
        cut = COLUMNS if cut < 0 else cut
        parts.append(line[:cut])
        line = "    " + line[cut:].lstrip()
    return [*parts, line]


def _ago(age_s: float | None) -> str:
    return "never" if age_s is None else _span(age_s)


_UNITS: tuple[tuple[float, str], ...] = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def _span(seconds: float) -> str:
    """At most six characters, up to 27 years."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.1f}s"
