"""`[incidents]`: how symptoms become incidents."""

from branchline.settings import Settings
from branchline.units import Duration


class IncidentSettings(Settings, frozen=True):
    """`[incidents]`: how symptoms become incidents, and when people are told.

    Attributes:
        merge: gather what belongs together so long before telling people; a page is due 90 s after the event
        clear_after: everything must stay well so long before an incident is resolved; doubled with each relapse
        carrier_branches: from so many branches on, lines of one ISP that fail together are its outage
        carrier_share: and at least this share of the ISP's lines in the same region
        blind_after: the collector cannot hear its broker or write its journal for so long: a page
        acknowledge_for: an acknowledgement ends after so long unless renewed
    """

    merge: Duration = Duration(45)
    clear_after: Duration = Duration(120)
    carrier_branches: int = 5
    carrier_share: float = 0.3
    blind_after: Duration = Duration(60)
    acknowledge_for: Duration = Duration(4 * 3600)

    def __post_init__(self) -> None:
        if not 0 <= self.merge <= 80:
            raise ValueError("merge: must be between 0s and 80s, since a page is due 90 s after the event")
        if not 1 <= self.clear_after <= 3600:
            raise ValueError("clear_after: must be between 1s and 1h")
        if self.carrier_branches < 2:
            raise ValueError("carrier_branches: must be at least 2")
        if not 0 < self.carrier_share <= 1:
            raise ValueError("carrier_share: must be above 0 and at most 1")
        if not 5 <= self.blind_after <= 3600:
            raise ValueError("blind_after: must be between 5s and 1h")
        if not 60 <= self.acknowledge_for <= 7 * 86400:
            raise ValueError("acknowledge_for: must be between 1min and 7d")
