"""What `branchline-agent status` shows: built from the machine and its neighbours, drawn for a terminal. Pure."""

from collections.abc import Callable, Mapping

import msgspec

from agent.observing import Figures
from agent.spool import SpoolStats
from agent.uplink import UplinkStatus
from failover.machine import branch_state, holds_s
from failover.observations import Proof
from failover.state import BranchMachine, PathState


def describe(
    machine: BranchMachine,
    *,
    now: float,
    proofs: Mapping[str, Proof],
    figures: Callable[[str], Figures],
    spool: SpoolStats,
    uplink: UplinkStatus | None,
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
        "spool": msgspec.to_builtins(_plain(spool)),
        "uplink": None if uplink is None else msgspec.to_builtins(_plain(uplink)),
        "config_hash": config_hash,
    }


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, enc_hook=str, str_keys=True)


def _path(path: PathState, now: float, hold_s: float, proof: Proof | None, figures: Figures) -> dict[str, object]:
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


def draw(status: Mapping[str, object]) -> str:
    """The status as lines for a terminal of 80 columns."""
    lines = [f"branch {status['branch_state']}, traffic on {status['active'] or 'an unknown path'}"]
    override = status["override"]
    if isinstance(override, Mapping):
        lines.append(f"override: {override['path']} for {_span(override['left_s'])} more ({override['why']})")
    lines.append(f"{'path':14} {'state':9} {'since':>7} {'answer':>8} {'proved':>8} {'hold':>7}  moves/24h")
    paths = status["paths"]
    if isinstance(paths, list):
        lines += [_line(path, status["active"]) for path in paths]
    uplink = status["uplink"]
    if isinstance(uplink, Mapping):
        connected = "connected" if uplink.get("connected") else f"not connected: {uplink.get('error') or 'trying'}"
        lines.append(f"collector: {connected}")
    spool = status["spool"]
    if isinstance(spool, Mapping):
        lines.append(f"records waiting on disk: {spool.get('rows', 0)}, dropped so far: {spool.get('dropped', 0)}")
    return "\n".join(lines)


def _line(path: Mapping[str, object], active: object) -> str:
    mark = "*" if path["path"] == active else " "
    return (
        f"{mark}{path['path']!s:13} {path['state']!s:9} {_span(path['for_s']):>7} {_ago(path['answered_s_ago']):>8} "
        f"{_ago(path['proved_s_ago']):>8} {_span(path['hold_left_s']):>7}  {path['failovers_24h']}"
    )


def _ago(value: object) -> str:
    return "never" if value is None else _span(value)


_UNITS: tuple[tuple[float, str], ...] = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def _span(value: object) -> str:
    seconds = float(value) if isinstance(value, int | float) else 0.0
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
