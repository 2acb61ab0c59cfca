"""Names of measurements, tags and fields in the database: the collector writes them, dashboards read them.

A name never changes its type: fields ending in `_ms`, `_s` or `_pct` are floats, all other numbers integers. States are
the numbers of `LinkState` and `BranchState`; outcomes those of `OUTCOME_CODES`. A tag and a field never share a name
(InfluxDB 3 refuses it).
"""

from enum import StrEnum

from wire.messages import ActOutcome


class Measurement(StrEnum):
    """What one point is about."""

    LINK = "link"  # ten seconds of one path and family
    LINK_STATE = "link_state"  # a path changed state
    ACT = "act"  # traffic was moved, one point for each report of the move
    BRANCH_STATE = "branch_state"  # the agent's own word (`reported`) and the collector's judgement (`state`)
    DIGEST = "digest"  # one path of the minute's digest: all a metered path sends
    FLIGHT = "flight"  # one probe of a flight record
    PIPELINE = "pipeline"  # the collector's own counters, and gaps an agent reported


class Tag(StrEnum):
    """Indexed and bounded: names from inventory and settings, never free text."""

    TENANT = "tenant"
    BRANCH = "branch"
    AGENT = "agent"
    LINK = "link"
    FROM_LINK = "from_link"
    ROLE = "role"
    ISP = "isp"
    FAMILY = "family"
    KIND = "kind"
    ANCHOR = "anchor"
    LANE = "lane"
    COLLECTOR = "collector"


class LinkField(StrEnum):
    """Fields of `link`."""

    DURATION_S = "duration_s"
    STATE = "state"
    SENT = "sent"
    RECEIVED = "received"
    LATE = "late"
    DUPLICATES = "duplicates"
    ICMP_ERRORS = "icmp_errors"
    LOCAL_ERRORS = "local_errors"
    LOSS_PCT = "loss_pct"
    RTT_MIN_MS = "rtt_min_ms"
    RTT_MEDIAN_MS = "rtt_median_ms"
    RTT_P95_MS = "rtt_p95_ms"
    RTT_MAX_MS = "rtt_max_ms"
    RTT_JITTER_MS = "rtt_jitter_ms"
    SILENT_ANCHORS = "silent_anchors"


class LinkStateField(StrEnum):
    """Fields of `link_state`."""

    OLD = "old"
    NEW = "new"
    REASON = "reason"
    SILENCE_MS = "silence_ms"


class ActField(StrEnum):
    """Fields of `act`."""

    OUTCOME = "outcome"
    ID = "id"
    REASON = "reason"
    ROUTE_MS = "route_ms"


class BranchStateField(StrEnum):
    """Fields of `branch_state`."""

    STATE = "state"
    REPORTED = "reported"


class DigestField(StrEnum):
    """Fields of `digest`."""

    STATE = "state"
    RTT_MS = "rtt_ms"
    LOSS_PCT = "loss_pct"
    BYTES_USED = "bytes_used"


class FlightField(StrEnum):
    """Fields of `flight`."""

    RTT_MS = "rtt_ms"
    LOST = "lost"


class PipelineField(StrEnum):
    """Fields of `pipeline`. Counters count from the start of the collector process."""

    MESSAGES = "messages"
    RECORDS = "records"
    DUPLICATES = "duplicate_records"
    SKIPPED = "skipped_records"
    DEAD_LETTERS = "dead_letters"
    DEAD_LETTERS_DROPPED = "dead_letters_dropped"
    DROPPED_QOS0 = "dropped_qos0"
    ACKS = "acks"
    COMMITS = "commits"
    CONNECTS = "connects"
    LINES_WRITTEN = "lines_written"
    LINES_REJECTED = "lines_rejected"
    STORE_RETRIES = "store_retries"
    DAMAGED = "damaged_segments"
    JOURNAL_BYTES = "journal_bytes"
    JOURNAL_LAG_BYTES = "journal_lag_bytes"
    HELD = "held_by_journal"
    GAP_COUNT = "gap_count"
    GAP_FIRST_SEQ = "gap_first_seq"
    GAP_LAST_SEQ = "gap_last_seq"
    GAP_REASON = "gap_reason"


OUTCOME_CODES = {
    ActOutcome.APPLIED: 1,
    ActOutcome.COMMITTED: 2,
    ActOutcome.ROLLED_BACK: 3,
    ActOutcome.FAILED: 4,
}
"""Numbers of `act.outcome`. They never change."""
