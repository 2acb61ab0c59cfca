"""How an incident begins. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2s

from collector.incidents.case import Group
from collector.incidents.model import SEVERITIES, Incident, Phase


def open_incident(group: Group, taken: Iterable[str], now_s: float) -> Incident:
    """A new incident of a group; `taken` are ids that are in use."""
    started_s = min(group.started_s, now_s)
    return Incident(
        id=_id(group.key, now_s, taken),
        key=group.key,
        tenant=group.tenant,
        cause=group.cause,
        confidence=group.confidence,
        alert_class=group.alert_class,
        severity=SEVERITIES[group.alert_class],
        phase=Phase.MERGING,
        started_s=started_s,
        opened_s=now_s,
        changed_s=now_s,
        members=group.members,
        evidence=group.evidence,
    )


def _id(key: str, now_s: float, taken: Iterable[str]) -> str:
    stamp = f"{datetime.fromtimestamp(now_s, UTC):%Y%m%d-%H%M%S}"
    for salt in range(1_000_000):
        made = f"{stamp}-{blake2s(f'{key} {now_s} {salt}'.encode(), digest_size=2).hexdigest()}"
        if made not in taken:
            return made
    raise RuntimeError(f"no incident id is left in the second {stamp}")
