"""The lab's map: who is where, with which address, and the commands that draw it. Pure: text in, text out.

    pc -- rtr -- wan1 -- isp1 ==+
               |-- wan2 -- isp2 ==+== core -- hq, site1, site2, site3, app      (== is the relay, with delay)
               `-- wwan0 - cell ==+

Addresses are documentation prefixes (RFC 5737, RFC 3849); the 5G carrier hands out shared ones (RFC 6598) and
translates a second time.
"""

from dataclasses import dataclass

from wire.messages import Role

LAN4 = "192.168.50"
CELL_POOL = "192.0.2.128/28"
CELL_NAT = "192.0.2.129"
ZONE = "lab.test"
PROOF_NAME = f"proof.{ZONE}"
TLS_PORT = 443
ECHO_PORT = 7


@dataclass(frozen=True, slots=True)
class Carrier:
    """One line's carrier. `access4`/`access6` are the first parts of its access network's addresses."""

    name: str
    path: str
    interface: str
    role: Role
    number: int
    access4: str
    metric: int
    mtu: int
    rtt_ms: float

    @property
    def gateway4(self) -> str:
        """The carrier's end of the access line."""
        return f"{self.access4}.1"

    @property
    def router4(self) -> str:
        """The branch router's end of the access line."""
        return f"{self.access4}.{self.number}0"

    @property
    def gateway6(self) -> str:
        """The carrier's end of the access line, IPv6."""
        return f"2001:db8:{self.number}::1"

    @property
    def router6(self) -> str:
        """The branch router's end of the access line, IPv6."""
        return f"2001:db8:{self.number}::10"

    @property
    def prefix6(self) -> str:
        """All IPv6 of this carrier's customers."""
        return f"2001:db8:{self.number}::/48"

    @property
    def lan6(self) -> str:
        """First part of the /64 delegated for the branch's LAN."""
        return f"2001:db8:{self.number}:1::"


CARRIERS = (
    Carrier("isp1", "wan1", "wan1", Role.WIRE, 1, "198.51.100", 100, 1500, 20.0),
    Carrier("isp2", "wan2", "wan2", Role.WIRE, 2, "203.0.113", 200, 1500, 20.0),
    Carrier("cell", "cell5g", "wwan0", Role.CELL, 3, "100.64.0", 700, 1420, 60.0),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere on the Internet, in its own namespace beside the core."""

    name: str
    number: int

    @property
    def ipv4(self) -> str:
        """Its address."""
        return f"192.0.2.{4 * self.number + 2}"

    @property
    def core4(self) -> str:
        """The core's end of its line."""
        return f"192.0.2.{4 * self.number + 1}"

    @property
    def ipv6(self) -> str:
        """Its IPv6 address."""
        return f"2001:db8:f:{self.number}::2"

    @property
    def core6(self) -> str:
        """The core's end of its line, IPv6."""
        return f"2001:db8:f:{self.number}::1"


HQ, APP = Place("hq", 0), Place("app", 1)
SITES = (Place("site1", 2), Place("site2", 3), Place("site3", 4))
PLACES = (HQ, APP, *SITES)
ROLES = ("core", "rtr", "pc", "canary", *(p.name for p in PLACES), *(c.name for c in CARRIERS))


def links(name: dict[str, str]) -> str:
    """`ip -batch` lines for all cables; `name` maps roles to namespaces."""
    out = [_veth(name["rtr"], "lan0", name["pc"], "eth0")]
    out += [_veth(name["core"], f"to-{p.name}", name[p.name], "eth0") for p in PLACES]
    out += [_veth(name["rtr"], c.interface, name[c.name], "cust") for c in CARRIERS]
    return "".join(out)


def _veth(left: str, left_name: str, right: str, right_name: str) -> str:
    return f"link add {left_name} netns {left} type veth peer name {right_name} netns {right}\n"


def addresses(role: str) -> str:
    """`ip -batch` lines that configure the namespace of `role`."""
    out = ["link set lo up"]
    if role == "core":
        for place in PLACES:
            out += [f"addr add {place.core4}/30 dev to-{place.name}"]
            out += [f"addr add {place.core6}/64 dev to-{place.name} nodad", f"link set to-{place.name} up"]
        for carrier in CARRIERS:
            pool = CELL_POOL if carrier.role is Role.CELL else f"{carrier.access4}.0/24"
            out += [f"tuntap add dev to-{carrier.name} mode tun", f"link set to-{carrier.name} up"]
            out += [f"addr add 10.255.{carrier.number}.1 peer 10.255.{carrier.number}.2 dev to-{carrier.name}"]
            out += [f"route add {pool} dev to-{carrier.name}", f"route add {carrier.prefix6} dev to-{carrier.name}"]
    elif role == "pc":
        out += [f"addr add {LAN4}.10/24 dev eth0", "link set eth0 up", f"route add default via {LAN4}.1"]
    elif role == "rtr":
        out += _router()
    for place in PLACES:
        if role == place.name:
            out += [f"addr add {place.ipv4}/30 dev eth0", f"addr add {place.ipv6}/64 dev eth0 nodad"]
            out += ["link set eth0 up", f"route add default via {place.core4}", f"route add default via {place.core6}"]
    for carrier in CARRIERS:
        if role == carrier.name:
            out += _carrier(carrier)
    return "\n".join(out) + "\n"


def _carrier(carrier: Carrier) -> list[str]:
    return [
        f"addr add {carrier.gateway4}/24 dev cust",
        f"addr add {carrier.gateway6}/64 dev cust nodad",
        f"link set cust mtu {carrier.mtu} up",
        "tuntap add dev core mode tun",
        "link set core up",
        f"addr add 10.255.{carrier.number}.2 peer 10.255.{carrier.number}.1 dev core",
        "route add default dev core",
        "route add ::/0 dev core",
        f"route add {carrier.lan6}/64 via {carrier.router6}",
    ]


def _router() -> list[str]:
    out = [f"addr add {LAN4}.1/24 dev lan0"]
    for carrier in CARRIERS:
        out += [f"addr add {carrier.router4}/24 dev {carrier.interface} noprefixroute"]
        out += [f"addr add {carrier.router6}/64 dev {carrier.interface} nodad"]
        out += [f"link set {carrier.interface} mtu {carrier.mtu} up"]
        # The metrics are what a DHCP client leaves: the best wire first, the modem last.
        out += [f"route add {carrier.access4}.0/24 dev {carrier.interface} src {carrier.router4}"]
        out += [f"route add default via {carrier.gateway4} dev {carrier.interface} metric {carrier.metric}"]
        out += [f"route add default via {carrier.gateway6} dev {carrier.interface} metric {carrier.metric}"]
    out += ["link set lan0 up"]
    for carrier in CARRIERS:
        # Two preferred prefixes would let the PC choose the source the resting ISP drops.
        preferred = "" if carrier is CARRIERS[0] else " preferred_lft 0"
        out += [f"addr add {carrier.lan6}1/64 dev lan0 nodad{preferred}"]
    return out


def rules(role: str) -> str:
    """The nft rules of `role`, empty if it has none."""
    if role == "rtr":
        wan1, others = CARRIERS[0], ", ".join(f'"{c.interface}"' for c in CARRIERS[1:])
        return (
            "table ip nat {\n chain out { type nat hook postrouting priority srcnat;\n"
            f'  oifname "{wan1.interface}" snat to {wan1.router4}\n  oifname {{ {others} }} masquerade\n }}\n}}\n'
        )
    for carrier in CARRIERS:
        if role == carrier.name:
            return _carrier_rules(carrier)
    return ""


def _carrier_rules(carrier: Carrier) -> str:
    own4, own6 = f"{carrier.access4}.0/24", carrier.prefix6
    text = (
        "table inet carrier {\n"
        " chain forward { type filter hook forward priority 0;\n"
        f'  iifname "cust" meta nfproto ipv4 ip saddr != {own4} drop\n'
        f'  iifname "cust" meta nfproto ipv6 ip6 saddr != {own6} drop\n }}\n'
        " chain input { type filter hook input priority 0;\n"
        f"  meta nfproto ipv4 meta l4proto {{ tcp, udp }} th dport 53 ip saddr != {own4} drop\n"
        f"  meta nfproto ipv6 meta l4proto {{ tcp, udp }} th dport 53 ip6 saddr != {own6} drop\n }}\n}}\n"
    )
    if carrier.role is Role.CELL:
        text += (
            "table ip cgnat {\n chain out { type nat hook postrouting priority srcnat;\n"
            f'  oifname "core" ip saddr {own4} snat to {CELL_NAT}\n }}\n}}\n'
        )
    return text


# Before the cables: no check for duplicate addresses. While lan0's own is checked, router advertisements leave from a
# global address, and every host ignores them (RFC 4861 section 6.1.2); that would cost each run a second or more.
EARLY_SYSCTLS = {"ipv6/conf/all/accept_dad": "0", "ipv6/conf/default/accept_dad": "0"}


def sysctls(role: str) -> dict[str, str]:
    """Sysctls below `net/`, to be written after the cables exist and before they carry addresses."""
    out = {"ipv4/conf/all/rp_filter": "0"}
    if role in {"core", "rtr"} or any(role == c.name for c in CARRIERS):
        out |= {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}
    if role == "rtr":
        out |= {f"ipv4/conf/{c.interface}/rp_filter": "2" for c in CARRIERS}
        out |= {"ipv4/ping_group_range": "0 2147483647"}
    if role == "pc":
        out |= {"ipv4/ping_group_range": "0 2147483647", "ipv6/conf/eth0/router_solicitation_delay": "0"}
    if any(role == place.name for place in PLACES):
        # Three anchors answering each line 10 times a second are within what a host may answer one peer.
        out |= {"ipv4/icmp_ratelimit": "0", "ipv6/icmp/ratelimit": "0"}
    return out
