"""Fixed uids and what stands behind them. Links, bookmarks and messages rely on a uid for ever."""

from dataclasses import dataclass

DATASOURCE_UID = "branchline"
"""The data source the provisioning files make, and the one `${ds}` points to unless a viewer chooses another."""

FOLDER_UID = "branchline"
FOLDER_TITLE = "branchline"
PAGE_URL = "http://127.0.0.1:8480"
"""Where the collector's own page is, unless `--page-url` says otherwise."""


@dataclass(frozen=True, slots=True)
class DashboardName:
    """One dashboard: its uid and file name, its title, and whom it serves."""

    uid: str
    title: str
    purpose: str


WALL = DashboardName("noc-wall", "Wall", "The whole fleet on one screen: what is wrong now, where, and who is told")
ISP = DashboardName("noc-isp", "ISPs and regions", "Which ISP is ill, where, and which of its lines are the worst")
BRANCH = DashboardName("branch", "Branch", "One branch: its paths, quality, moves, power and sensors")
FAILOVER = DashboardName(
    "failover-5g", "Failover and 5G", "How well branches move to 5G, how long they stay, what it costs"
)
SLA = DashboardName("sla", "SLA", "Availability, downtime, time to restore and error budget, by ISP and line")
PIPELINE = DashboardName("pipeline", "Pipeline", "Whether the monitoring itself hears, stores and tells")

DASHBOARDS = {each.uid: each for each in (WALL, ISP, BRANCH, FAILOVER, SLA, PIPELINE)}
