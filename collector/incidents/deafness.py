"""Since when the collector hears the fleet, and the group that says it does not. Pure but for what it remembers."""

from collections.abc import Mapping

from collector.incidents.case import Group
from collector.incidents.evidence import EvidenceCode, evidence
from collector.incidents.keys import PIPELINE
from collector.incidents.model import AlertClass, Cause


class Deafness:
    """Deaf until it is told otherwise: a collector that starts and never hears its broker is blind too."""

    def __init__(self, now_s: float, blind_after_s: float) -> None:
        self.hearing_since_s: float | None = None
        self._deaf_since_s = now_s
        self._blind_after_s = blind_after_s

    def judge(
        self, now_s: float, ongoing: Mapping[str, float], *, hearing: bool, deaf_since_s: float | None = None
    ) -> list[Group]:
        """One group when it was deaf for long enough, or is still deaf after a restart; else none.

        `deaf_since_s` is since when, where somebody knows it better than by this look.
        """
        if hearing:
            self.hearing_since_s = now_s if self.hearing_since_s is None else self.hearing_since_s
            return []
        if self.hearing_since_s is not None:
            self.hearing_since_s = None
            self._deaf_since_s = now_s if deaf_since_s is None else min(now_s, deaf_since_s)
        if now_s - self._deaf_since_s < self._blind_after_s and PIPELINE not in ongoing:
            return []
        since_s = ongoing.get(PIPELINE, self._deaf_since_s)
        told = (evidence(EvidenceCode.COLLECTOR_DEAF, since_s),)
        return [Group(PIPELINE, "", Cause.UNKNOWN, 1.0, AlertClass.PIPELINE_BLIND, (), told, since_s)]
