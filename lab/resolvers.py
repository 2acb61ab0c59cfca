"""Command lines of the lab's name servers (dnsmasq): each carrier's own, and the branch's forwarder. Pure."""

from lab.topology import APP, PROOF_NAME, SITES, ZONE, Carrier


def carrier_resolver(carrier: Carrier, folder: str) -> tuple[str, ...]:
    """The carrier's own resolver: every name below the lab's zone exists, the proof's is at two sites."""
    hosts = [f"--host-record={PROOF_NAME},{site.ipv4},{site.ipv6}" for site in SITES[:2]]
    return (
        *_dnsmasq(folder, carrier.name),
        "--no-resolv",
        f"--listen-address={carrier.gateway4},{carrier.gateway6}",
        *hosts,
        f"--address=/{ZONE}/{APP.ipv4}",
        f"--address=/{ZONE}/{APP.ipv6}",
    )


def branch_forwarder(resolv_file: str, folder: str) -> tuple[str, ...]:
    """The branch's forwarder and router advertisements: the prefixes are those `lan0` has, with their lifetimes."""
    return (
        *_dnsmasq(folder, "rtr"),
        f"--resolv-file={resolv_file}",
        "--interface=lan0",
        "--enable-ra",
        "--dhcp-range=::,constructor:lan0,ra-only",
        f"--dhcp-leasefile={folder}/rtr.leases",
    )


def _dnsmasq(folder: str, role: str) -> tuple[str, ...]:
    log = f"--log-facility={folder}/dnsmasq-{role}.log"
    return ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", log, *_PLAIN)


_PLAIN = ("--no-hosts", "--bind-interfaces", "--no-negcache", "--port=53")
