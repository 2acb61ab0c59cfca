"""Records wait here, on disk, until the collector has them (docs/design.md section 4)."""

from agent.spool.spool import Spool
from agent.spool.stats import Extent, LaneStats, SpoolStats

__all__ = ["Extent", "LaneStats", "Spool", "SpoolStats"]
