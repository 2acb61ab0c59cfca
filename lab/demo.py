"""`branchline demo`: the real agent on this machine's own links, unprivileged, with a dry-run actor: it moves nothing.

Links are this machine's interfaces that have an address; the anchors are what this machine talks to anyway: its gateway
and its resolvers. What answers nothing is UNKNOWN, not DOWN. Loopback is always there, so that a machine without a
network has something to show.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from agent.control import Status, ask_agent
from lab.own_links import OwnLink, own_links, settings_text

LOOK_EVERY_S = 0.5
START_S = 15.0
STOP_S = 5.0
_STYLE = {"UP": "green", "SUSPECT": "yellow", "DOWN": "bold red", "DEGRADED": "yellow", "UNKNOWN": "dim"}
_MARK = {"UP": "●", "SUSPECT": "◐", "DOWN": "✖", "DEGRADED": "◑", "UNKNOWN": "?"}


def main(argv: list[str]) -> int:
    """Run the demo. Exit codes: 0 shown, 1 the agent did not start or did not stay, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="branchline demo",
        description="Probe this machine's own links with the real agent and show a live table.\nMoves nothing.",
        epilog="example: ./run demo --seconds 20 --json\n\n"
        "exit codes: 0 shown, 1 the agent did not start or stay, 2 wrong usage",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=0.0, help="stop by itself after so long (0: until Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="print one JSON document; the table goes to standard error")
    options = parser.parse_args(argv)
    if not 0 <= options.seconds < float("inf"):
        parser.error("--seconds: write how many seconds, 0 or more")
    with tempfile.TemporaryDirectory(prefix="branchline-demo-") as folder:
        return _play(Path(folder), own_links(), options.seconds, as_json=options.json)


def _play(folder: Path, links: list[OwnLink], seconds: float, *, as_json: bool) -> int:
    file = folder / "agent.toml"
    file.write_text(settings_text(links, folder))
    console = Console(stderr=as_json)
    logs = [folder / "actor.log", folder / "agent.log"]
    signal.signal(signal.SIGTERM, _stop)
    processes: list[subprocess.Popen[bytes]] = []
    status: Mapping[str, object] | None = None
    try:
        processes.append(_start("actor", file, logs[0]))
        processes.append(_start("run", file, logs[1]))
        own = "1 link" if len(links) == 1 else f"{len(links)} links"
        console.print(f"The real agent probes {own} of this machine; Ctrl-C leaves nothing behind.")
        if _first(folder) is None:
            console.print(f"the agent did not start: {_last_line(logs)}", style="red", soft_wrap=True)
            return 1
        status = _show(console, folder, links, processes, seconds)
        if any(process.poll() is not None for process in processes):
            console.print(f"the agent ended by itself; its last line: {_last_line(logs)}", style="red", soft_wrap=True)
            return 1
    except KeyboardInterrupt:
        pass
    finally:
        _end(processes)
    status = status or {}
    if as_json:
        print(json.dumps(_summary(status)))
    return 0


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _start(command: str, file: Path, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        words = [sys.executable, "-m", "branchline", "agent", command, "--config", str(file)]
        # In a session of their own: Ctrl-C reaches the demo, which ends them by their pids.
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)


def _end(processes: list["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_S
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first(folder: Path) -> Mapping[str, object] | None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if (status := _ask(folder)) is not None:
            return status
        time.sleep(0.1)
    return None


def _ask(folder: Path) -> Mapping[str, object] | None:
    try:
        return ask_agent(folder / "agent.sock", Status())
    except (OSError, ValueError):
        return None


def _show(
    console: Console,
    folder: Path,
    links: list[OwnLink],
    processes: list["subprocess.Popen[bytes]"],
    seconds: float,
) -> Mapping[str, object] | None:
    until = time.monotonic() + seconds if seconds else float("inf")
    status = _ask(folder)
    try:
        with Live(console=console, auto_refresh=False) as live:
            while time.monotonic() < until:
                answer = _ask(folder)
                if answer is None and any(process.poll() is not None for process in processes):
                    break  # an old table must not look like a live one
                status = answer or status
                if status is not None:
                    live.update(_view(status, links), refresh=True)
                time.sleep(min(LOOK_EVERY_S, max(0.0, until - time.monotonic())))
    except KeyboardInterrupt:
        return status
    finally:
        if not console.is_terminal:
            console.print()  # Live ends its table without one
    return status


def _view(status: Mapping[str, object], links: list[OwnLink]) -> Group:
    anchors = {link.interface: ", ".join(link.anchors) for link in links}
    table = Table(title=f"this machine: {status['branch_state']}, traffic on {status['active'] or 'no known link'}")
    for name in ("link", "state", "RTT", "loss", "answered", "asks"):
        table.add_column(name, justify="right" if name in {"RTT", "loss", "answered"} else "left")
    troubles: dict[str, str] = {}
    for path in _paths(status):
        state = str(path["state"])
        table.add_row(
            f"{path['path']}{' *' if path['path'] == status['active'] else ''}",
            f"[{_STYLE[state]}]{_MARK[state]} {state}[/]",
            _with_unit(path["rtt_ms"], "ms"),
            _with_unit(path["loss_pct"], "%"),
            "never" if path["answered_s_ago"] is None else f"{path['answered_s_ago']} s ago",
            anchors.get(str(path["path"]), ""),
        )
        if path["trouble"]:
            troubles.setdefault(str(path["trouble"]), str(path["path"]))
    return Group(table, *(f"{path}: {trouble}" for trouble, path in troubles.items()))


def _paths(status: Mapping[str, object]) -> list[Mapping[str, object]]:
    paths = status.get("paths")
    return paths if isinstance(paths, list) else []


def _with_unit(value: object, unit: str) -> str:
    return "-" if value is None else f"{value} {unit}"


def _summary(status: Mapping[str, object]) -> dict[str, object]:
    paths = _paths(status)
    return {
        "real_agents": 1 if status else 0,
        "branch_state": status.get("branch_state"),
        "links": {str(path["path"]): {name: path[name] for name in ("state", "rtt_ms", "loss_pct")} for path in paths},
        "user": os.geteuid(),
    }


def _last_line(logs: list[Path]) -> str:
    said = [
        line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines() if line.strip()
    ]
    return said[-1] if said else "it said nothing"
