"""What an incident is. Values only.

Texts for people are not stored: evidence and timeline hold a code and its words, and `collector.words` makes sentences
of them in the reader's language.
"""

from enum import StrEnum

import msgspec


class Cause(StrEnum):
    """Why (docs/design.md section 3). `unknown` is an answer."""

    POWER = "power"
    FLOOD = "flood"
    ISP = "isp"
    ACCESS_LINE = "access_line"
    ANCHOR = "anchor"
    EQUIPMENT = "equipment"
    CELL = "cell"
    SIM = "sim"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


class AlertClass(StrEnum):
    """What it means for users, worst first. Each has a runbook of the same name in `collector/runbooks/`."""

    PIPELINE_BLIND = "pipeline_blind"  # the monitoring itself does not hear or cannot write
    ISOLATED = "isolated"  # a branch has no working path
    FAILOVER_FAILED = "failover_failed"  # traffic was to move and no path was proved
    CARRIER = "carrier"  # one ISP's lines at many branches
    UNSTABLE = "unstable"  # it comes and goes; one incident for the whole episode
    ON_5G = "on_5g"  # users work, over a metered path
    LINE_DOWN = "line_down"  # users work; redundancy is lost
    POWER_LOST = "power_lost"  # users work, on battery
    WATER = "water"  # water where it should not be, lines still work
    ANCHORS = "anchors"  # probe targets are silent, lines are not judged by them
    TEST = "test"  # a test page


class Severity(StrEnum):
    """Who is told: `page` wakes somebody, `work` waits for working hours, `log` is only shown."""

    PAGE = "page"
    WORK = "work"
    LOG = "log"


SEVERITIES = {
    AlertClass.PIPELINE_BLIND: Severity.PAGE,
    AlertClass.ISOLATED: Severity.PAGE,
    AlertClass.FAILOVER_FAILED: Severity.PAGE,
    AlertClass.CARRIER: Severity.PAGE,
    AlertClass.UNSTABLE: Severity.WORK,
    AlertClass.ON_5G: Severity.WORK,
    AlertClass.LINE_DOWN: Severity.WORK,
    AlertClass.POWER_LOST: Severity.WORK,
    AlertClass.WATER: Severity.WORK,
    AlertClass.ANCHORS: Severity.WORK,
    AlertClass.TEST: Severity.PAGE,
}
"""A successful failover does not page (docs/design.md section 8)."""


class Phase(StrEnum):
    """Where an incident is in its life."""

    MERGING = "merging"  # open and shown; what belongs to it is still gathered, nobody was told
    OPEN = "open"
    RECOVERING = "recovering"  # nothing is wrong any more; waits whether it stays so
    RESOLVED = "resolved"


class Member(msgspec.Struct, frozen=True):
    """One branch, or one line of it, that an incident is about. Times are Unix seconds; `until_s` None: still."""

    tenant: str
    branch: str
    line: str  # "": the branch itself
    state: str  # LinkState, BranchState or trouble (FAILOVER_FAILED, ON_BATTERY, WATER, ANCHOR_SILENT, DEAF) by name
    isp: str
    since_s: float
    until_s: float | None = None


class Evidence(msgspec.Struct, frozen=True):
    """One reason to believe the cause: a code of `collector.words` and the words that go into its sentence."""

    code: str
    at_s: float
    words: dict[str, str] = {}


class EntryKind(StrEnum):
    """What a line of the timeline tells."""

    OPENED = "opened"
    JOINED = "joined"  # another branch or line
    LEFT = "left"  # one recovered
    CHANGED = "changed"  # cause or class became another
    ACT = "act"  # an agent moved traffic
    RELAPSED = "relapsed"
    ACKNOWLEDGED = "acknowledged"
    COMMENT = "comment"
    DELIVERY = "delivery"  # a message went out, or did not
    RECOVERING = "recovering"
    RESOLVED = "resolved"


class Entry(msgspec.Struct, frozen=True):
    """One line of an incident's timeline. `by` is a person, else empty; `text` is free text of that person."""

    at_s: float
    kind: EntryKind
    words: dict[str, str] = {}
    by: str = ""
    text: str = ""


class Acknowledgement(msgspec.Struct, frozen=True):
    """Who has it, and until when: one that never ends would mute for ever."""

    by: str
    at_s: float
    until_s: float
    comment: str = ""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One cause at work. `key` says which cause where, such as `isp/acme/Orange`; `id` is unique in time.

    Attributes:
        id: short and speakable, such as `20261122-031250-4f2a`
        confidence: 0 to 1, of the cause
        started_s: when its first member broke, by the agent's clock; `opened_s` when the collector saw it
        relapses: how often it came back before it was resolved
        alert_class: the worst it was; it does not get better while the incident lasts
        told_s: when people were first told; None: not yet
        members_beyond: how many more are in trouble than the members that are kept
    """

    id: str
    key: str
    tenant: str
    cause: Cause
    confidence: float
    alert_class: AlertClass
    severity: Severity
    phase: Phase
    started_s: float
    opened_s: float
    changed_s: float
    resolved_s: float | None = None
    recovering_s: float | None = None
    relapses: int = 0
    members: tuple[Member, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    acknowledgement: Acknowledgement | None = None
    told_s: float | None = None
    members_beyond: int = 0

    @property
    def branches(self) -> tuple[tuple[str, str], ...]:
        """(tenant, branch) of every member, each once, in order."""
        return tuple(dict.fromkeys((each.tenant, each.branch) for each in self.members))

    @property
    def now(self) -> tuple[Member, ...]:
        """Members that are still in trouble."""
        return tuple(each for each in self.members if each.until_s is None)
