"""The product's own processes: do agent, actor and canary answer, and what does the agent say of itself?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent import canary
from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.site import Missing, Site


def actor(site: Site) -> list[Finding]:
    """The actor's socket."""
    if isinstance(site.actor, Missing):
        why = site.actor.why
        if site.actor.forbidden:
            return [skip("", f"{why}; use sudo")]
        remedy = (
            f"{why}, so nothing can move traffic; "
            f"`systemctl start branchline-actor`, and see `journalctl -u branchline-actor`"
        )
        return [fail("", "does not answer", remedy) if site.moves_traffic else warn("", "does not answer", remedy)]
    trial = f", {site.actor.pending} on trial" if site.actor.pending else ""
    if not site.actor.active:
        remedy = "the actor knows no path in use; it takes the first that works once the agent runs"
        return [warn("", "answers, no path in use", remedy)]
    return [well("", f"answers, {site.actor.active} in use{trial}")]


def canary_lends(site: Site) -> list[Finding]:
    """Each kind of socket a proof needs, from the canary's namespace."""
    table = site.settings.canary
    if table is None:
        return [skip("", "no [canary]; proofs start on the router and are worth less")]
    source = canary.addresses(table.ipv4, len(site.settings.path))[0]
    return [judge_canary(_borrow_all(site.run_dir / canary.SOCKET, source), site.run_dir / canary.SOCKET)]


def _borrow_all(file: Path, source: str) -> OSError | None:
    try:
        for kind in ("icmp", "udp", "tcp"):
            canary.borrow(file, kind, source).close()
    except OSError as error:
        return error
    return None


def judge_canary(error: OSError | None, file: Path) -> Finding:
    """`error` is what borrowing ended with."""
    if error is None:
        return well("", "lends ICMP, UDP and TCP sockets")
    if isinstance(error, PermissionError):
        return skip("", f"{file} is not yours to open; use sudo")
    if isinstance(error, canary.CanaryError):
        return fail("", "refuses", f"the canary at {file} refuses: {error}")
    remedy = (
        f"nobody lends sockets at {file} ({error.strerror or error}), so no path can be proved as a user would see it; "
        f"`systemctl start branchline-canary`"
    )
    return fail("", "does not answer", remedy)


def agent(site: Site) -> list[Finding]:
    """Its status: branch, paths, settings in force."""
    if isinstance(site.agent, Missing):
        if site.agent.forbidden:
            return [skip("", f"{site.agent.why}; use sudo")]
        remedy = (
            f"{site.agent.why}, so nobody watches this branch; `systemctl start branchline-agent`, and see "
            f"`journalctl -u branchline-agent`"
        )
        return [fail("", "does not run", remedy)]
    return [judge_agent(site.agent, site.digest, str(site.file))]


def judge_agent(status: Mapping[str, Any], digest: str, file: str) -> Finding:
    """`digest` names the text of the settings file now."""
    down = [path["path"] for path in status["paths"] if path["state"] == "DOWN"]
    said = f"branch {status['branch_state']}, traffic on {status['active'] or 'an unknown path'}"
    if status["config_hash"] != digest:
        remedy = f"the agent does not run with {file} as it is now; `systemctl reload branchline-agent`"
        return warn("", f"{said}, other settings", remedy)
    if status["branch_state"] == "ISOLATED":
        return fail("", said, "no path of this branch answers; the lines above say why")
    if down:
        return warn("", said, f"the agent finds {', '.join(down)} DOWN; `branchline-agent status` says since when")
    return well("", said)
