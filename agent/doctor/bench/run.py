"""All measurements one after another, some 20 s; progress on standard error, the document as values."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.doctor.bench import disk, judging, machine, memory, probing
from branchline import __version__

PROBE_S = 10.0


def run(state_dir: Path, run_dir: Path, probe_s: float = PROBE_S) -> dict[str, Any]:
    """Measure; nothing is changed but for files that are removed again."""
    document: dict[str, Any] = {"branchline": __version__, "machine": machine.describe()}
    pids = memory.processes(run_dir)
    before = {name: (memory.cpu_s(pid), time.monotonic()) for name, pid in pids.items()}
    _say(f"probing loopback at 100 probes/s for {probe_s:g} s")
    document["probing"] = asyncio.run(probing.measure(probe_s))
    document["processes"] = {name: _process(pid, *before[name]) for name, pid in pids.items()}
    document["this_process_pss_mib"] = memory.pss_mib(os.getpid())
    folder = disk.filesystem_of(state_dir)
    _say(f"writing to {folder}")
    document["disk"] = {"folder": str(folder), "is_state_dir": folder == state_dir, **_disk(folder)}
    _say("judging")
    document["judging"] = judging.measure()
    return document


def _process(pid: int, cpu_before_s: float | None, at_s: float) -> dict[str, float | None]:
    now, took_s = memory.cpu_s(pid), time.monotonic() - at_s
    share = None if now is None or cpu_before_s is None else round(100 * (now - cpu_before_s) / took_s, 2)
    return {"pss_mib": memory.pss_mib(pid), "cpu_percent_of_core": share}


def _disk(folder: Path) -> dict[str, object]:
    try:
        return {"fdatasync_ms": disk.fdatasync(folder), "spool_commit_ms": asyncio.run(disk.spool_commit(folder))}
    except OSError as error:
        return {"error": f"{folder} cannot be written ({error.strerror}); use sudo"}


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


def draw(document: Mapping[str, Any]) -> str:
    """The document as a small table."""
    about, probes, disks = document["machine"], document["probing"], document["disk"]
    rows = [
        ("machine", f"{about['model']}, {about['cores']} cores, {about['memory_mib']} MiB, {about['architecture']}"),
        ("software", f"kernel {about['kernel']}, Python {about['python']}, branchline {document['branchline']}"),
    ]
    if "error" in probes:
        rows.append(("probing", probes["error"]))
    else:
        rows += [
            ("probing", f"{probes['probes_per_s']} probes/s, {probes['cpu_percent_of_core']} % of a core"),
            ("loop late, ms", _quantiles(probes["loop_late_ms"])),
            ("loopback RTT, ms", f"{_quantiles(probes['loopback_rtt_ms'])}, {probes['unanswered']} unanswered"),
        ]
    rows.append(("this process", f"PSS {_shown(document['this_process_pss_mib'], 'MiB')}"))
    rows += [
        (name, f"PSS {_shown(seen['pss_mib'], 'MiB')}, {_shown(seen['cpu_percent_of_core'], '% of a core')}")
        for name, seen in document["processes"].items()
    ]
    note = "" if disks["is_state_dir"] else " (not the state_dir)"
    rows.append(("disk", f"{disks['folder']}{note}"))
    if "error" in disks:
        rows.append(("", disks["error"]))
    else:
        rows.append(("fdatasync, ms", _quantiles(disks["fdatasync_ms"])))
        rows.append(("spool commit, ms", _quantiles(disks["spool_commit_ms"])))
    judged = document["judging"]
    rows.append(("decide()", f"{judged['replies_per_s']} replies/s, {judged['judgements_per_s']} judgements/s"))
    return "\n".join(f"{name:17} {value}" for name, value in rows)


def _quantiles(values: Mapping[str, float] | None) -> str:
    return "nothing measured" if values is None else ", ".join(f"{name} {value:g}" for name, value in values.items())


def _shown(value: float | None, unit: str) -> str:
    return "not readable (use sudo)" if value is None else f"{value:g} {unit}"
