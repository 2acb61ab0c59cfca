"""Settings of a branch for tests of the agent: two wires and 5G, three anchors, two families."""

from agent.config import BranchSettings
from branchline import settings

TEXT = """
[agent]
tenant = "acme"
branch = "lyon-3"
name = "rtr1"
state_dir = "/nonexistent/state"
run_dir = "/nonexistent/run"

[[path]]
name = "fibre"
interface = "wan0"
rank = 2
isp = "A"
dns = ["192.0.2.53"]

[[path]]
name = "dsl"
interface = "wan1"
rank = 1
isp = "B"

[[path]]
name = "5g"
interface = "wwan0"
rank = 3
role = "cell"

[[anchor]]
name = "paris"
ipv4 = "203.0.113.11"
ipv6 = "2001:db8:11::1"

[[anchor]]
name = "frankfurt"
ipv4 = "203.0.113.12"

[[anchor]]
name = "milan"
ipv6 = "2001:db8:13::1"
paths = ["dsl"]
"""


def branch_settings(text: str = TEXT) -> BranchSettings:
    return settings.parse(text, BranchSettings, "agent.toml")
