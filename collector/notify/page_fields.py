"""A message for machines: the same facts under fixed names (JSON values). Pure."""

import datetime as dt
from urllib.parse import quote

from collector.notify import page_sections as sections
from collector.notify.scene import Scene, moment
from collector.words.speak import one_line

MAX_LISTED = 50


def fields(scene: Scene) -> dict[str, object]:
    """Names never change. Text is on one line and bounded; what is unknown is null."""
    incident = scene.incident
    member = scene.members[0] if scene.members else None
    line = next((each for each in scene.members if each.line and member and each.branch == member.branch), None)
    at_s = sections.deadline(scene)
    branch = scene.branches[0] if scene.branches else None
    return {
        "incident_id": incident.id,
        "dedup_key": f"branchline/{incident.id}",
        "event": scene.event,
        "class": incident.alert_class,
        "severity": incident.severity,
        "state": incident.phase,
        "tenant": incident.tenant,
        "branch": one_line(member.branch) if member is not None else None,
        "branches": [one_line(each) for _, each in scene.branches[:MAX_LISTED]],
        "branch_count": len(scene.branches),
        "link": one_line(line.line) if line is not None else None,
        "isp": one_line(line.isp) if line is not None and line.isp else None,
        "cause": incident.cause,
        "confidence": incident.confidence,
        "started_at": _utc(incident.started_s),
        "started_at_local": scene.local(incident.started_s).isoformat(timespec="seconds"),
        "resolved_at": None if incident.resolved_s is None else _utc(incident.resolved_s),
        "actions": _actions(scene),
        "evidence": [
            {"code": each.code, "at": _utc(each.at_s), **{name: one_line(word) for name, word in each.words.items()}}
            for each in incident.evidence[:MAX_LISTED]
        ],
        "next_step": sections.next_step(scene),
        "deadline": None if at_s is None else _utc(at_s),
        "simulated": scene.simulated,
        "incident_url": f"{scene.base_url}/incident/{quote(incident.id, safe='')}",
        "dashboard_url": None if branch is None else f"{scene.base_url}/branch/{_path(*branch)}",
        "runbook_url": f"{scene.base_url}/runbooks/{incident.alert_class}",
    }


def _actions(scene: Scene) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {
            "at": _utc(act.at_ns / 1e9),
            "branch": one_line(branch[1]),
            "from": act.from_path,
            "to": act.to_path,
            "kind": act.kind,
            "outcome": act.outcome,
            "reason": one_line(act.reason),
        }
        for branch in scene.branches[:MAX_LISTED]
        if branch in scene.fleet
        for act in scene.fleet[branch].heard.acts
        if act.at_ns / 1e9 >= scene.incident.started_s - sections.BEFORE_S
    ]
    return found[:MAX_LISTED]


def _path(tenant: str, branch: str) -> str:
    return f"{quote(tenant, safe='')}/{quote(branch, safe='')}"


def _utc(at_s: float) -> str:
    return moment(at_s, dt.UTC).isoformat(timespec="seconds")
