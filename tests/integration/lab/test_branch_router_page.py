"""`docs/branch-router.md`: its removal is run in the lab and leaves a router that works without us."""

import re
import subprocess
from pathlib import Path

from lab.house import House
from lab.house_settings import HouseOptions
from lab.network import Network
from tests.needs import needs_program, needs_root

PAGE = Path(__file__).resolve().parents[3] / "docs" / "branch-router.md"
ELSEWHERE = ("ip netns", "rm -rf")  # these name the machine's own canary and folders


def removal() -> str:
    """The shell lines below `## Remove`, those for the router's own namespace."""
    section = PAGE.read_text().split("\n## Remove\n")[1]
    lines = [line.removeprefix("    ") for line in section.splitlines() if re.match(r" {4}", line)]
    return "\n".join(line for line in lines if not line.startswith(ELSEWHERE))


def shell(network: Network, text: str) -> str:
    with network.spaces.inside("rtr"):
        return subprocess.run(["bash", "-c", text], check=True, capture_output=True, text=True, timeout=30).stdout


@needs_root
@needs_program("nft")
@needs_program("mosquitto")
@needs_program("influxd")
@needs_program("dnsmasq")
def test_removal_leaves_nothing_and_traffic_goes_on() -> None:
    with Network(7) as network:
        house = House(network, HouseOptions())
        house.start_headquarters()
        house.prepare_branch()
        house.create_database()
        house.start_agent()
        house.wait_until_steady()
        assert "1880" in shell(network, "ip rule; ip -6 rule")
        for name in ("agent", "actor"):
            network.supervisor.stop(name)
        shell(network, removal())
        left = shell(
            network, "ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; nft list tables"
        )
        assert not re.search(r"(table|lookup) 188|^188\d\d:|branchline", left, re.MULTILINE)
        assert "default via" in shell(network, "ip route")
