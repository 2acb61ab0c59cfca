"""The branch's settings file, shared by agent, actor and canary. `docs/configuration.md` is made from it."""

import ipaddress
import re
from enum import StrEnum
from typing import Literal

import msgspec

from agent.config_rules import check
from agent.page.settings import PageSettings
from branchline.settings import Settings
from branchline.units import Duration, Size
from failover.profiles import Profile
from wire.errors import TopicError
from wire.messages import Role
from wire.topics import Address, check_name


def _is_ip(text: str, version: int, key: str) -> None:
    example = "192.0.2.1" if version == 4 else "2001:db8::1"
    try:
        ipaddress.IPv4Address(text) if version == 4 else ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError(f'{key}: "{text}" is not an IPv{version} address; write one such as {example}') from None


def _is_name(text: str, key: str) -> None:
    try:
        check_name(text)
    except TopicError as error:
        raise ValueError(f"{key}: {error}") from None


def _is_absolute(text: str, key: str) -> None:
    if not text.startswith("/"):
        raise ValueError(f'{key}: "{text}" is not an absolute path; write it from / on')


def _between(value: float, low: float, high: float, key: str) -> None:
    if not low <= value <= high:
        shown = [part.written() if isinstance(part, Duration | Size) else f"{part}" for part in (value, low, high)]
        raise ValueError(f"{key}: {shown[0]} is not between {shown[1]} and {shown[2]}")


def _is_port(value: int, key: str) -> None:
    _between(value, 1, 65535, key)


class Position(StrEnum):
    """Where the agent stands (docs/design.md section 3). `router` owns the WAN interfaces."""

    ROUTER = "router"


class AgentSettings(Settings, frozen=True):
    """`[agent]`: who this is and where it keeps its state.

    Attributes:
        tenant: the customer; with branch and name it makes the MQTT topics
        branch: the branch; `tenant/branch` is the MQTT user name
        name: this agent; the MQTT client id
        position: where the agent stands; `router` owns the WAN interfaces
        master: who moves traffic, this agent or the device's own failover; never both
        state_dir: what must survive a restart: spool, holds, override
        run_dir: sockets of agent and actor
    """

    tenant: str
    branch: str
    name: str
    position: Position = Position.ROUTER
    master: Literal["agent", "device"] = "agent"
    state_dir: str = "/var/lib/branchline"
    run_dir: str = "/run/branchline"

    def __post_init__(self) -> None:
        for key in ("tenant", "branch", "name"):
            _is_name(getattr(self, key), key)
        for key in ("state_dir", "run_dir"):
            _is_absolute(getattr(self, key), key)
        if len(self.run_dir) > 80:  # unix(7): a socket's whole path has at most 107 bytes
            raise ValueError(
                "run_dir: longer than 80 characters; the sockets in it could not be made, choose a shorter one"
            )

    @property
    def address(self) -> Address:
        """The agent's place in the topics."""
        return Address(self.tenant, self.branch, self.name)


class BrokerSettings(Settings, frozen=True):
    """`[broker]`: the MQTT broker. Without this table the agent works alone and keeps its records.

    Attributes:
        host: name or address of the broker
        port: TCP port; 8883 is usual with TLS
        protocol: MQTT version; some brokers speak only 3.1.1
        password_file: holds the password on one line; readable by nobody else
        ca_file: trust this authority; switches TLS on
        cert_file: this agent's certificate, with key_file
        key_file: its key; readable by nobody else
        keepalive_wire: MQTT keepalive on a wire
        keepalive_cell: MQTT keepalive on a metered path
    """

    host: str
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    password_file: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive_wire: Duration = Duration(20)
    keepalive_cell: Duration = Duration(120)

    def __post_init__(self) -> None:
        if not self.host:
            raise ValueError("host: empty; write the broker's name or address")
        _is_port(self.port, "port")
        for key in ("keepalive_wire", "keepalive_cell"):
            _between(getattr(self, key), Duration(1), Duration(3600), key)
        for key in ("password_file", "ca_file", "cert_file", "key_file"):
            if getattr(self, key):
                _is_absolute(getattr(self, key), key)
        if self.cert_file and not self.key_file:
            raise ValueError("key_file: missing; cert_file needs its key")
        if self.key_file and not self.cert_file:
            raise ValueError("cert_file: missing; key_file needs its certificate")
        if self.cert_file and not self.ca_file:
            raise ValueError("ca_file: missing; cert_file is only used with TLS, which ca_file switches on")


class AnchorSettings(Settings, frozen=True):
    """`[[anchor]]`: a probe target beyond the ISP, never only beside the collector.

    At least three in one IP family on each path where traffic is moved: with fewer, the death of an anchor looks like
    the death of a line. One is enough for `actuator = "dry_run"`.

    Attributes:
        name: stands in reports
        ipv4: probed over every path that has IPv4; at least one of the two addresses
        ipv6: probed over every path that has IPv6
        paths: probed over these paths only; empty: over every path
    """

    name: str
    ipv4: str = ""
    ipv6: str = ""
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _is_name(self.name, "name")
        if not self.ipv4 and not self.ipv6:
            raise ValueError(f'ipv4: anchor "{self.name}" has neither ipv4 nor ipv6; give it an address')
        if self.ipv4:
            _is_ip(self.ipv4, 4, "ipv4")
        if self.ipv6:
            _is_ip(self.ipv6, 6, "ipv6")


class PathSettings(Settings, frozen=True):
    """`[[path]]`: one line that can carry the branch's traffic.

    Attributes:
        name: stands in reports, topics and the database
        interface: the kernel's name of its network interface
        rank: 1 is best; no two alike
        role: a wire or a cellular line
        isp: who provides it; for the cause of an outage
        metered: whether its data costs money; always true for role "cell"
        mtu: bytes the whole path carries in one packet
        dns: resolvers of this ISP, used while the path is in use
        gateway_ipv4: empty: that of the main table's default route over this interface
        gateway_ipv6: empty: that of the main table's default route over this interface
        ipv6_prefix: LAN prefix this ISP delegates; deprecated while the path is not in use
        shares_fate_with: other paths in the same duct or on the same grid
    """

    name: str
    interface: str
    rank: int
    role: Role = Role.WIRE
    isp: str = ""
    metered: bool = False
    mtu: int = 1500
    dns: tuple[str, ...] = ()
    gateway_ipv4: str = ""
    gateway_ipv6: str = ""
    ipv6_prefix: str = ""
    shares_fate_with: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _is_name(self.name, "name")
        if not 0 < len(self.interface) <= 15 or set(self.interface) & set("/: \t") or self.interface in {".", ".."}:
            raise ValueError(
                f'interface: "{self.interface}" is not an interface name (1 to 15 characters, no / : or space); '
                f"`ip link` lists them"
            )
        _between(self.rank, 1, 1000, "rank")
        if len(self.isp) > 63:
            raise ValueError("isp: longer than 63 characters; shorten it")
        if self.role is Role.CELL:
            msgspec.structs.force_setattr(self, "metered", True)  # a cap is found out too late
        for resolver in self.dns:
            try:
                ipaddress.ip_address(resolver)
            except ValueError:
                raise ValueError(f'dns: "{resolver}" is not an IP address; write one such as 192.0.2.53') from None
        if self.gateway_ipv4:
            _is_ip(self.gateway_ipv4, 4, "gateway_ipv4")
        if self.gateway_ipv6:
            _is_ip(self.gateway_ipv6, 6, "gateway_ipv6")
        if self.ipv6_prefix:
            try:
                ipaddress.IPv6Network(self.ipv6_prefix)
            except ValueError:
                raise ValueError(
                    f'ipv6_prefix: "{self.ipv6_prefix}" is not an IPv6 prefix such as 2001:db8:1::/64'
                ) from None
        _between(self.mtu, 1280, 9216, "mtu")


class ProbingSettings(Settings, frozen=True):
    """`[probing]`: how hard to probe (docs/design.md sections 5 and 6).

    Attributes:
        profile: silence counts as DOWN after 500 ms (standard) or 280 ms (fast, wires only, twice the probes)
        window: length of one sample
    """

    profile: Profile = Profile.STANDARD
    window: Duration = Duration(10)

    def __post_init__(self) -> None:
        _between(self.window, Duration(0.1), Duration(300), "window")


class FailoverSettings(Settings, frozen=True):
    """`[failover]`: how long a better path must be clean before traffic returns to it.

    Attributes:
        hold: clean for this long first; doubled with each failover from that path in 24 h
        hold_cap: the doubling ends here
    """

    hold: Duration = Duration(300)
    hold_cap: Duration = Duration(4 * 3600)

    def __post_init__(self) -> None:
        _between(self.hold, Duration(0.1), Duration(86400), "hold")
        if self.hold_cap < self.hold:
            raise ValueError(f"hold_cap: {self.hold_cap.written()} is shorter than hold; write at least as long a time")


class ProofSettings(Settings, frozen=True):
    """`[proof]`: what must work before a path is believed (docs/design.md principle 3).

    Attributes:
        dns_name: a name this path's resolvers must answer
        tls_host: a TLS handshake with this host must succeed
        tls_port: its port
        tls_ca_file: trust this authority; empty: those of the system
        tls_server_name: the name its certificate must bear; empty: tls_host
    """

    dns_name: str
    tls_host: str
    tls_port: int = 443
    tls_ca_file: str = ""
    tls_server_name: str = ""

    def __post_init__(self) -> None:
        for key in ("dns_name", "tls_host"):
            if not getattr(self, key):
                raise ValueError(f"{key}: empty; write a name that always answers")
        _is_port(self.tls_port, "tls_port")
        if self.tls_ca_file:
            _is_absolute(self.tls_ca_file, "tls_ca_file")


class CanarySettings(Settings, frozen=True):
    """`[canary]`: a namespace on the LAN side whose packets are forwarded and translated like a user's.

    Attributes:
        ipv4: its network: .1 the router, .2 goes as users go, .3 and up one for each path; the default is from RFC 2544
        namespace: the network namespace it lives in; one for each agent on a machine
    """

    ipv4: str = "198.18.188.0/28"
    namespace: str = "bl-canary"

    def __post_init__(self) -> None:
        try:
            ipaddress.IPv4Network(self.ipv4)
        except ValueError:
            raise ValueError(f'ipv4: "{self.ipv4}" is not an IPv4 network such as 198.18.188.0/28') from None
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", self.namespace):
            raise ValueError(f'namespace: "{self.namespace}" is not a name; use letters, digits, dot, dash, underscore')


class ActorSettings(Settings, frozen=True):
    """`[actor]`: the small privileged process that moves traffic.

    Attributes:
        actuator: how traffic is moved
        lan_interface: the interface towards the users; needed by `linux`
        resolv_file: written with the resolvers of the path in use, for the branch's DNS forwarder
        agent_user: the user the agent runs as; only this one and root may ask the actor
    """

    actuator: str = "dry_run"
    lan_interface: str = ""
    resolv_file: str = "/run/branchline/resolv.conf"
    agent_user: str = "branchline"

    def __post_init__(self) -> None:
        _is_absolute(self.resolv_file, "resolv_file")
        if not self.agent_user:
            raise ValueError("agent_user: empty; write the user the agent runs as")


class SpoolSettings(Settings, frozen=True):
    """`[spool]`: records wait on disk until the collector has them.

    Attributes:
        max_size: above this the oldest are dropped, counted and reported as a gap
        commit_every: a power cut loses at most this much of the samples; events are committed at once
    """

    max_size: Size = Size(256_000_000)
    commit_every: Duration = Duration(10)

    def __post_init__(self) -> None:
        _between(self.max_size, Size(1_000_000), Size(1_000_000_000_000), "max_size")
        _between(self.commit_every, Duration(0.01), Duration(300), "commit_every")


class BranchSettings(Settings, frozen=True):
    """The whole file."""

    agent: AgentSettings
    path: tuple[PathSettings, ...]
    anchor: tuple[AnchorSettings, ...]
    broker: BrokerSettings | None = None
    probing: ProbingSettings = ProbingSettings()
    failover: FailoverSettings = FailoverSettings()
    proof: ProofSettings | None = None
    canary: CanarySettings | None = None
    actor: ActorSettings = ActorSettings()
    spool: SpoolSettings = SpoolSettings()
    page: PageSettings | None = None

    def __post_init__(self) -> None:
        check(self)
