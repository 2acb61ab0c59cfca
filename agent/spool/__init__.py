"""Records wait here, on disk, until the collector has them (DESIGN.md section 4)."""

from agent.spool.spool import Spool
from agent.spool.stats import LaneStats, SpoolStats

__all__ = ["LaneStats", "Spool", "SpoolStats"]
