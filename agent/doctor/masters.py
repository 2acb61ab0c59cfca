"""Two masters: whoever else moves this router's default route fights with the actor."""

import configparser
import socket
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, fail, skip, warn, well
from agent.doctor.processes import ProcessSeen, neighbours
from agent.doctor.site import Missing, Site
from failover.actuators.protocol import Snapshot

if TYPE_CHECKING:
    from agent.doctor.network import DefaultRoute, NetworkSeen

MAIN_TABLE = 254

# Program -> (who that is, how to end it). Each moves or removes default routes by its own judgement of the lines.
DAEMONS = {
    "mwan3track": ("mwan3", "/etc/init.d/mwan3 stop; /etc/init.d/mwan3 disable"),
    "mwan3rtmon": ("mwan3", "/etc/init.d/mwan3 stop; /etc/init.d/mwan3 disable"),
    "omr-tracker": ("OpenMPTCProuter", "/etc/init.d/omr-tracker stop; /etc/init.d/omr-tracker disable"),
    "keepalived": ("keepalived", "systemctl disable --now keepalived"),
    "lsm": ("Shorewall's link status monitor", "systemctl disable --now lsm"),
}
# rtm_protocol of daemons that withdraw a default route when they think a line is dead (/etc/iproute2/rt_protos).
ROUTING_DAEMONS = {
    11: "FRR",
    12: "BIRD",
    18: "keepalived",
    42: "Babel",
    186: "BGP",
    187: "IS-IS",
    188: "OSPF",
    189: "RIP",
}
_NM_PENALTY = 20_000  # what NetworkManager adds to the metric of a connection it finds without connectivity
_NM_FILES = ("/usr/lib/NetworkManager/conf.d", "/run/NetworkManager/conf.d", "/etc/NetworkManager/conf.d")


def daemons(site: Site) -> list[Finding]:
    """Programs known to move default routes, and NetworkManager when it does."""
    running = list(neighbours())
    metrics = [] if isinstance(site.network, Missing) else [route.metric for route in _main(site.network)]
    checks_connectivity = any(process.name == "NetworkManager" for process in running) and connectivity(_nm_files())
    owners = [] if isinstance(site.network, Missing) else _owners(site.network)
    found = [
        *judge_daemons(running),
        *judge_network_manager(checks=checks_connectivity, penalty=any(m >= _NM_PENALTY for m in metrics)),
        *owners,
    ]
    if not site.moves_traffic:
        return [tolerated(finding, site.settings.agent.master) for finding in found] or [well("", "none runs")]
    return found or [well("", "none runs")]


def judge_daemons(running: Iterable[ProcessSeen]) -> list[Finding]:
    """One finding for each known master among the processes."""
    seen: dict[str, tuple[int, str]] = {}
    for process in running:
        if process.name in DAEMONS:
            who, end = DAEMONS[process.name]
            seen.setdefault(who, (process.pid, end))
    return [
        fail(
            who,
            f"runs as process {pid}",
            f"{who} (process {pid}) moves the default route as well, and two masters undo each other; "
            f'end it: `{end}`, or set agent.master = "device" and actor.actuator = "dry_run"',
        )
        for who, (pid, end) in seen.items()
    ]


def judge_network_manager(*, checks: bool, penalty: bool) -> list[Finding]:
    """`checks`: it is set to test connectivity; `penalty`: a default route carries what it adds when that fails."""
    if not checks and not penalty:
        return []
    why = "has pushed a default route behind the others" if penalty else "tests connectivity and re-orders the lines"
    remedy = (
        f"NetworkManager {why} (it adds {_NM_PENALTY} to their metric), a second master; write `[connectivity]` and "
        f"`enabled=false` into /etc/NetworkManager/conf.d/90-branchline.conf and run `systemctl reload NetworkManager`"
    )
    return [fail("NetworkManager", "re-orders default routes", remedy)]


def _owners(network: "NetworkSeen") -> list[Finding]:
    owners = {route.protocol: route for route in _main(network) if route.protocol in ROUTING_DAEMONS}
    return [
        fail(
            ROUTING_DAEMONS[number],
            f"put main's default route over {route.interface}",
            f"{ROUTING_DAEMONS[number]} (route protocol {number}) puts main's default route over {route.interface} and "
            f"takes it away by its own judgement; let it announce no default route to this router",
        )
        for number, route in owners.items()
    ]


def tolerated(finding: Finding, master: str) -> Finding:
    """The same finding where the actor moves nothing yet, or where the device is meant to be master."""
    if master == "device":
        return well(finding.about, f'{finding.said}; agent.master is "device", so that is as intended')
    return warn(finding.about, finding.said, f'{finding.remedy} before the actuator is "linux"')


def connectivity(files: Iterable[Path]) -> bool:
    """Whether NetworkManager's settings (later files win) make it test connectivity."""
    merged = configparser.ConfigParser(interpolation=None, strict=False)
    for file in files:
        try:
            merged.read_string(file.read_text())
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
    words = {
        key: merged.get("connectivity", key, fallback="").strip().lower() for key in ("enabled", "uri", "interval")
    }
    return bool(words["uri"]) and words["enabled"] not in {"false", "no", "0"} and words["interval"] != "0"


def _nm_files() -> list[Path]:
    by_name = {file.name: file for folder in _NM_FILES for file in sorted(Path(folder).glob("*.conf"))}
    early = [file for _, file in sorted(by_name.items()) if "/etc/" not in str(file)]
    late = [file for _, file in sorted(by_name.items()) if "/etc/" in str(file)]
    return [*early, Path("/etc/NetworkManager/NetworkManager.conf"), *late]


def equal_metrics(site: Site) -> list[Finding]:
    """Default routes in main among which the kernel would choose by chance."""
    if isinstance(site.network, Missing):
        return [skip("", site.network.why)]
    return judge_metrics(_main(site.network)) or [well("", "each default route in main has its own metric")]


def judge_metrics(routes: "Iterable[DefaultRoute]") -> list[Finding]:
    """One finding for each family and metric that occurs more than once."""
    routes = list(routes)
    count = Counter((route.family, route.metric) for route in routes)
    found = []
    for (family, metric), number in count.items():
        if number == 1:
            continue
        over = [route.interface for route in routes if (route.family, route.metric) == (family, metric)]
        name = "IPv4" if family == socket.AF_INET else "IPv6"
        remedy = (
            f"main has {number} {name} default routes with metric {metric} (over {', '.join(over)}), so the kernel "
            f"chooses by their order and packets change lines by chance; give each uplink its own metric"
        )
        found.append(fail(name, f"metric {metric} over {', '.join(over)}", remedy))
    return found


def mended(site: Site) -> list[Finding]:
    """What the actor had to put back since it started."""
    if not isinstance(site.actor, Snapshot):
        return [skip("", "the actor does not answer")]
    return [judge_mended(site.actor.mended)]


def judge_mended(count: int) -> Finding:
    """A few repairs come with a flapping line; the journal names each."""
    if count == 0:
        return well("", "nothing had to be put back")
    remedy = (
        f"the actor had to put {count} rules or routes back since it started; if no line came or went, another program "
        f"removes them: `journalctl -u branchline-actor | grep mended` names them"
    )
    return warn("", f"{count} things put back", remedy)


def _main(network: "NetworkSeen") -> "list[DefaultRoute]":
    return [route for route in network.defaults if route.table == MAIN_TABLE and route.interface]
