"""The branch's settings file, shared by agent, actor and canary. `docs/configuration.md` is checked against it."""

import ipaddress
from enum import StrEnum
from typing import Literal

from branchline.settings import Settings
from branchline.units import Duration, Size
from failover.profiles import Profile
from wire.errors import TopicError
from wire.messages import Role
from wire.topics import Address, check_name


def _is_ip(text: str, version: int, key: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{key}: {text!r} is not an IPv{version} address") from None
    if ipaddress.ip_address(text).version != version:
        raise ValueError(f"{key}: {text!r} is not an IPv{version} address")


class Position(StrEnum):
    """Where the agent stands (DESIGN.md section 3). `router` owns the WAN interfaces."""

    ROUTER = "router"


class AgentSettings(Settings, frozen=True):
    """`[agent]`: who this is and where it keeps its state."""

    tenant: str
    branch: str
    name: str
    position: Position = Position.ROUTER
    master: Literal["agent", "device"] = "agent"
    state_dir: str = "/var/lib/branchline"
    run_dir: str = "/run/branchline"

    def __post_init__(self) -> None:
        for key in ("tenant", "branch", "name"):
            try:
                check_name(getattr(self, key))
            except TopicError as error:
                raise ValueError(f"{key}: {error}") from None

    @property
    def address(self) -> Address:
        """The agent's place in the topics."""
        return Address(self.tenant, self.branch, self.name)


class BrokerSettings(Settings, frozen=True):
    """`[broker]`: the MQTT broker. Without this table the agent works alone and keeps its records."""

    host: str
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    password_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive_wire: Duration = Duration(20)
    keepalive_cell: Duration = Duration(120)


class AnchorSettings(Settings, frozen=True):
    """`[[anchor]]`: a probe target beyond the ISP, never only beside the collector."""

    name: str
    ipv4: str = ""
    ipv6: str = ""

    def __post_init__(self) -> None:
        if not self.ipv4 and not self.ipv6:
            raise ValueError(f"ipv4: anchor {self.name!r} has neither ipv4 nor ipv6; give it an address")
        if self.ipv4:
            _is_ip(self.ipv4, 4, "ipv4")
        if self.ipv6:
            _is_ip(self.ipv6, 6, "ipv6")


class PathSettings(Settings, frozen=True):
    """`[[path]]`: one line that can carry the branch's traffic, in order of rank (1 is best)."""

    name: str
    interface: str
    rank: int
    role: Role = Role.WIRE
    isp: str = ""
    metered: bool = False
    mtu: int = 1500
    dns: tuple[str, ...] = ()
    gateway_ipv4: str = ""  # empty: taken from the main table's default route over this interface
    gateway_ipv6: str = ""
    ipv6_prefix: str = ""  # the LAN prefix this ISP delegates; deprecated while the path is not in use
    shares_fate_with: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for resolver in self.dns:
            try:
                ipaddress.ip_address(resolver)
            except ValueError:
                raise ValueError(f"dns: {resolver!r} is not an IP address") from None
        if self.gateway_ipv4:
            _is_ip(self.gateway_ipv4, 4, "gateway_ipv4")
        if self.gateway_ipv6:
            _is_ip(self.gateway_ipv6, 6, "gateway_ipv6")
        if self.ipv6_prefix:
            try:
                ipaddress.IPv6Network(self.ipv6_prefix)
            except ValueError:
                raise ValueError(
                    f"ipv6_prefix: {self.ipv6_prefix!r} is not an IPv6 prefix such as 2001:db8:1::/64"
                ) from None
        if not 1280 <= self.mtu <= 9216:
            raise ValueError(f"mtu: {self.mtu} is not between 1280 and 9216")
        if not 0 < len(self.interface) <= 15:
            raise ValueError(f"interface: {self.interface!r} is not an interface name (1 to 15 characters)")


class ProbingSettings(Settings, frozen=True):
    """`[probing]`: how hard to probe (DESIGN.md sections 5 and 6)."""

    profile: Profile = Profile.STANDARD
    window: Duration = Duration(10)


class ProofSettings(Settings, frozen=True):
    """`[proof]`: what must work before a path is believed (DESIGN.md principle 3)."""

    dns_name: str
    tls_host: str
    tls_port: int = 443
    tls_ca_file: str = ""
    tls_server_name: str = ""  # empty: tls_host


class CanarySettings(Settings, frozen=True):
    """`[canary]`: a namespace on the LAN side whose packets are forwarded and translated like a user's."""

    ipv4: str = (
        "198.18.188.0/28"  # from RFC 2544: a range no LAN uses; .1 router, .2 as users go, .3 and up one per path
    )


class ActorSettings(Settings, frozen=True):
    """`[actor]`: the small privileged process that moves traffic."""

    actuator: str = "dry_run"
    lan_interface: str = ""
    resolv_file: str = "/run/branchline/resolv.conf"
    agent_user: str = "branchline"


class SpoolSettings(Settings, frozen=True):
    """`[spool]`: records wait on disk until the collector has them."""

    max_size: Size = Size(256_000_000)
    commit_every: Duration = Duration(10)


class BranchSettings(Settings, frozen=True):
    """The whole file."""

    agent: AgentSettings
    path: tuple[PathSettings, ...]
    anchor: tuple[AnchorSettings, ...]
    broker: BrokerSettings | None = None
    probing: ProbingSettings = ProbingSettings()
    proof: ProofSettings | None = None
    canary: CanarySettings | None = None
    actor: ActorSettings = ActorSettings()
    spool: SpoolSettings = SpoolSettings()
