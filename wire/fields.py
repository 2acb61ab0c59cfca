"""Names of measurements, tags and fields in the database: the collector writes them, dashboards read them.

A name never changes its type: fields ending in `_ms`, `_s`, `_pct`, `_v`, `_deg` and `value` are floats, all other
numbers integers. States are the numbers of `LinkState` and `BranchState`; other codes stand at the end of this file.
A tag and a field never share a name (InfluxDB 3 refuses it).
"""

from enum import StrEnum

from wire.messages import ActOutcome, PowerSource, SensorState


class Measurement(StrEnum):
    """What one point is about."""

    LINK = "link"  # ten seconds of one path and family
    LINK_STATE = "link_state"  # a path changed state
    ACT = "act"  # traffic was moved, one point for each report of the move
    BRANCH_STATE = "branch_state"  # the agent's own word (`reported`) and the collector's judgement (`state`)
    DIGEST = "digest"  # one path of the minute's digest: all a metered path sends
    FLIGHT = "flight"  # one probe of a flight record
    POWER = "power"  # one reading of a UPS or mains relay
    ENVIRONMENT = "environment"  # one reading of a sensor
    LINK_1H = "link_1h"  # an hour of one path and family, made from `link` by the collector
    INCIDENT = "incident"  # one point for each step in an incident's life, tag `cause`
    FLEET = "fleet"  # the wall's counts of the whole tenant, every ten seconds
    FLEET_ISP = "fleet_isp"  # the same by ISP and region
    DELIVERY = "delivery"  # one message to one receiver: how it ended
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
    REGION = "region"
    DEVICE = "device"
    SENSOR = "sensor"
    CAUSE = "cause"
    RECEIVER = "receiver"


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
    """Fields of `branch_state`. The collector's own points carry `region` and, where known, the branch's place."""

    STATE = "state"
    REPORTED = "reported"
    WORST_LINK = "worst_link"  # LinkState, the worst of its paths: DOWN before DEGRADED before UNKNOWN before UP
    ON_METERED = "on_metered"  # 1 while traffic is on a cellular path
    LATITUDE_DEG = "latitude_deg"
    LONGITUDE_DEG = "longitude_deg"


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


class PowerField(StrEnum):
    """Fields of `power`."""

    SOURCE = "source"
    CHARGE_PCT = "charge_pct"
    RUNTIME_S = "runtime_s"
    LOAD_PCT = "load_pct"
    INPUT_V = "input_v"


class EnvironmentField(StrEnum):
    """Fields of `environment`."""

    STATE = "state"
    VALUE = "value"


class LinkHourField(StrEnum):
    """Fields of `link_1h`, tagged like `link`. `up_s`... are the seconds of windows that ended in that state."""

    SENT = "sent"
    RECEIVED = "received"
    LOSS_PCT = "loss_pct"
    RTT_MIN_MS = "rtt_min_ms"
    RTT_MEDIAN_MS = "rtt_median_ms"  # median of the windows' medians
    RTT_P95_MS = "rtt_p95_ms"  # 95th percentile of the windows' 95th percentiles
    RTT_MAX_MS = "rtt_max_ms"
    RTT_JITTER_MS = "rtt_jitter_ms"  # mean
    MEASURED_S = "measured_s"
    UP_S = "up_s"  # UP and SUSPECT
    DEGRADED_S = "degraded_s"
    DOWN_S = "down_s"


class IncidentField(StrEnum):
    """Fields of `incident`."""

    ID = "id"
    STEP = "step"  # INCIDENT_STEPS
    TITLE = "title"
    BRANCHES = "branches"
    LINKS = "links"
    PAGES = "pages"  # 1 when it wakes somebody
    DURATION_S = "duration_s"
    UNTIL_MS = "until_ms"  # its end, ms since 1970, written onto the point of its opening when it is resolved


class FleetField(StrEnum):
    """Fields of `fleet`."""

    BRANCHES_OK = "branches_ok"
    BRANCHES_DEGRADED = "branches_degraded"
    BRANCHES_ON_5G = "branches_on_5g"
    BRANCHES_ISOLATED = "branches_isolated"
    BRANCHES_UNKNOWN = "branches_unknown"
    LINKS_UP = "links_up"
    LINKS_DEGRADED = "links_degraded"
    LINKS_DOWN = "links_down"
    LINKS_UNKNOWN = "links_unknown"
    ON_BATTERY = "on_battery"
    WATER_ALARMS = "water_alarms"
    INCIDENTS_OPEN = "incidents_open"
    CARRIER_INCIDENTS_OPEN = "carrier_incidents_open"
    AGENTS_SILENT = "agents_silent"


class FleetIspField(StrEnum):
    """Fields of `fleet_isp`, tags `isp` and `region`."""

    LINKS_UP = "links_up"
    LINKS_DEGRADED = "links_degraded"
    LINKS_DOWN = "links_down"
    LINKS_UNKNOWN = "links_unknown"
    RTT_MEDIAN_MS = "rtt_median_ms"
    LOSS_PCT = "loss_pct"  # mean of the lines


class DeliveryField(StrEnum):
    """Fields of `delivery`."""

    DELIVERED = "delivered"  # 1 taken by the receiver, 0 given up
    ATTEMPTS = "attempts"
    TOOK_S = "took_s"
    INCIDENT_ID = "incident_id"


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

POWER_CODES = {
    PowerSource.UNKNOWN: 0,
    PowerSource.MAINS: 1,
    PowerSource.BATTERY: 2,
    PowerSource.BYPASS: 3,
    PowerSource.NONE: 4,
    PowerSource.OTHER: 5,
}
"""Numbers of `power.source`. They never change."""

SENSOR_CODES = {
    SensorState.UNKNOWN: 0,
    SensorState.OK: 1,
    SensorState.ALARM: 2,
    SensorState.DISCONNECTED: 3,
}
"""Numbers of `environment.state`. They never change."""

INCIDENT_STEPS = {"opened": 1, "changed": 2, "acknowledged": 3, "resolved": 4}
"""Numbers of `incident.step`. They never change."""
