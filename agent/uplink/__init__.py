"""The agent's line to the collector: MQTT over whichever path carries the branch now (docs/design.md section 4)."""

from agent.uplink.status import LaneStatus, UplinkStatus
from agent.uplink.uplink import Uplink

__all__ = ["LaneStatus", "Uplink", "UplinkStatus"]
