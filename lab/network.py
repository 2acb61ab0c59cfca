"""The network of one lab, up and verified: namespaces, cables, resolvers, relay, far ends, forwarder."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Self

from lab import certificates, namespaces, resolvers, topology
from lab.namespaces import Namespaces
from lab.processes import Supervisor
from lab.relay import Impairment, order


class Network:
    """A context manager; afterwards nothing is left but, with `keep_files`, the folder of logs."""

    def __init__(self, seed: int = 0, *, keep_files: bool = False) -> None:
        self._seed = seed
        self.spaces = Namespaces(topology.ROLES, keep_files=keep_files)
        self.supervisor = Supervisor(self.spaces)

    @property
    def folder(self) -> Path:
        """Where this lab keeps settings, logs and records."""
        return self.spaces.folder

    @property
    def resolv_file(self) -> Path:
        """The resolvers the branch's forwarder asks: the agent's actor writes it."""
        return self.folder / "resolv.conf"

    def __enter__(self) -> Self:
        self.spaces.__enter__()
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.supervisor.stop_all()
        finally:
            self.spaces.__exit__()

    def _build(self) -> None:
        name = {role: self.spaces.name(role) for role in topology.ROLES}
        for role in topology.ROLES:
            with self.spaces.inside(role):
                namespaces.sysctl(topology.EARLY_SYSCTLS)
        namespaces.batch(topology.links(name))
        for role in topology.ROLES:
            if role != "pc":
                self._configure(role)
        self._start_relay()
        self._start_far()
        self.resolv_file.write_text(f"nameserver {topology.CARRIERS[0].gateway4}\n")
        for carrier in topology.CARRIERS:
            command = resolvers.carrier_resolver(carrier, str(self.folder))
            self.supervisor.start(f"resolver-{carrier.name}", carrier.name, command)
        command = resolvers.branch_forwarder(str(self.resolv_file), str(self.folder))
        self.supervisor.start("forwarder", "rtr", command)
        own = [self.supervisor.processes[name] for name in ("relay", "far")]
        self.supervisor.wait_for(lambda: all(p.said(b"ready") for p in own), 10, "the start of relay and far ends")
        # The PC comes last: a router solicitation that nobody hears is repeated only after 4 s (RFC 4861 section 10).
        forwarder_log = self.folder / "dnsmasq-rtr.log"
        self.supervisor.wait_for(lambda: "using nameserver" in _text(forwarder_log), 10, "the start of the forwarder")
        self._configure("pc")
        self.supervisor.wait_for(self._advertised, 10, "a router advertisement reaching the PC")

    def _configure(self, role: str) -> None:
        with self.spaces.inside(role):
            namespaces.sysctl(topology.sysctls(role))
            namespaces.batch(topology.addresses(role))
            if rules := topology.rules(role):
                namespaces.nft(rules)

    def _start_relay(self) -> None:
        carriers = {c.name: asdict(Impairment(rtt_ms=c.rtt_ms)) for c in topology.CARRIERS}
        plan = {"prefix": self.spaces.prefix, "carriers": carriers, "control": str(self._control), "seed": self._seed}
        self.supervisor.start_own("relay", "core", "lab.relay", json.dumps(plan))

    def _start_far(self) -> None:
        self.certificates = certificates.make(self.folder)
        name = self.spaces.name
        plan = {
            "echo": name(topology.APP.name),
            "tls": [name(place.name) for place in (topology.APP, *topology.SITES[:2])],
            "ports": {"echo": topology.ECHO_PORT, "tls": topology.TLS_PORT},
            "certificate": str(self.certificates.certificate),
            "key": str(self.certificates.key),
        }
        self.supervisor.start_own("far", topology.APP.name, "lab.far", json.dumps(plan))

    @property
    def _control(self) -> Path:
        return self.folder / "relay.control"

    def _advertised(self) -> bool:
        with self.spaces.inside("pc"):
            table = Path("/proc/thread-self/net/if_inet6").read_text()
        prefix = f"20010db8000{topology.CARRIERS[0].number}0001"
        return any(line.startswith(prefix) for line in table.splitlines())

    def impair(self, carrier: str, **values: float) -> None:
        """Change loss, jitter_ms, duplicates or rtt_ms of one carrier, live."""
        order(self._control, carrier, **values)

    def start_pc(self) -> Path:
        """Start the PC's streams; returns the file they are written to."""
        out = self.folder / "pc.samples"
        targets = {
            "echo4": topology.APP.ipv4,
            "echo6": topology.APP.ipv6,
            "echo_port": str(topology.ECHO_PORT),
            "forwarder": f"{topology.LAN4}.1",
            "zone": topology.ZONE,
        }
        self.supervisor.start_own("pc", "pc", "lab.pc", json.dumps({"targets": targets, "out": str(out)}))
        return out


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except FileNotFoundError:
        return ""
