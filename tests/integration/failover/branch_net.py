"""A branch in network namespaces: a router with three uplinks, three providers, a PC. Names are unique to each run.

Each provider answers for the same world, 192.0.2.1 and 2001:db8:ffff::1, with an UDP echo that says who answered and
from which address it was asked, and drops what does not come from its own customer.
"""

import ctypes
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from failover.actuators.settings import ActuatorSettings, PathPlan

WORLD, WORLD_IPV6 = "192.0.2.1", "2001:db8:ffff::1"
PATHS = ("isp1", "isp2", "cell")
ECHO = """
import select, socket, sys
name, ipv4, ipv6 = sys.argv[1:]
ears = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)]
ears[0].bind((ipv4, 7))
ears[1].bind((ipv6, 7))
print("ready", flush=True)
while True:
    for ear in select.select(ears, [], [])[0]:
        data, peer = ear.recvfrom(2048)
        try:
            ear.sendto((name + " " + peer[0]).encode(), peer)
        except OSError:
            pass
"""
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_count = itertools.count()


def run(*words: str, text: str | None = None) -> str:
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


@contextmanager
def inside(name: str) -> Iterator[None]:
    """This thread is in the namespace; sockets opened meanwhile stay there."""
    with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{name}").open() as there:
        assert _libc.setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert _libc.setns(home.fileno(), _CLONE_NEWNET) == 0


def wait_for(what: Callable[[], object], within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.02)


@dataclass
class BranchNet:
    """The namespaces by role, and the settings that describe the router to the actuator."""

    tag: str
    folder: Path
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def router(self) -> str:
        return f"{self.tag}-r"

    @property
    def pc(self) -> str:
        return f"{self.tag}-pc"

    def provider(self, path: str) -> str:
        return f"{self.tag}-{path}"

    @property
    def resolv_file(self) -> Path:
        return self.folder / "resolv.conf"

    def settings(self) -> ActuatorSettings:
        return ActuatorSettings(
            paths=tuple(
                PathPlan(
                    name,
                    f"wan{place}",
                    dns=(f"10.{place}.0.1",),
                    ipv6_prefix=f"2001:db8:{place + 1}::/64",
                    mtu=1420 if name == "cell" else 1500,
                    canary_ipv4=f"198.18.188.{3 + place}",
                )
                for place, name in enumerate(PATHS)
            ),
            lan_interface="lan0",
            resolv_file=str(self.resolv_file),
            canary_network="198.18.188.0/28",
        )

    def ip(self, *words: str) -> str:
        """`ip` in the router."""
        return run("ip", "-n", self.router, *words)

    def spawn(self, namespace: str, *words: str, ready: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

        def end() -> None:
            process.kill()
            process.wait()
            assert process.stdout
            process.stdout.close()

        self.stack.callback(end)
        if ready:
            assert process.stdout
            said = ""
            while ready not in said:
                line = process.stdout.readline()
                assert line, f"{words}: ended: {said}"
                said += line
        return process

    def socket_in(self, namespace: str, *, ipv6: bool = False, source: str = "") -> socket.socket:
        with inside(namespace):
            made = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
        made.settimeout(0.5)
        if source:
            made.bind((source, 0))
        self.stack.callback(made.close)
        return made

    def ask(self, asking: socket.socket, world: str = WORLD, tries: int = 1) -> str:
        """Who answers a datagram to the world, and from which address it saw us; empty: nobody."""
        for _ in range(tries):
            try:
                asking.sendto(b"?", (world, 7))
                return asking.recv(200).decode()
            except OSError:
                continue
        return ""

    def ask_new(self, *, ipv6: bool = False, source: str = "", tries: int = 2) -> str:
        """`ask` with a flow of its own, from the PC."""
        return self.ask(self.socket_in(self.pc, ipv6=ipv6, source=source), WORLD_IPV6 if ipv6 else WORLD, tries)


@contextmanager
def branch_net(folder: Path) -> Iterator[BranchNet]:
    """Make the branch; everything is gone afterwards."""
    net = BranchNet(f"bt{os.getpid()}x{next(_count)}", folder)
    with net.stack:
        for name in (net.router, net.pc, *map(net.provider, PATHS)):
            run("ip", "netns", "add", name)
            net.stack.callback(run, "ip", "netns", "delete", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
            run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0")
        for sysctl in (
            "ipv4.ip_forward=1",
            "ipv6.conf.all.forwarding=1",
            "ipv4.conf.all.rp_filter=0",
            "ipv4.conf.default.rp_filter=0",
            "ipv4.ping_group_range=0 2147483647",
        ):
            run("ip", "netns", "exec", net.router, "sysctl", "-qw", f"net.{sysctl}")
        _lan(net)
        for place, name in enumerate(PATHS):
            _uplink(net, place, name)
        # static translation on the first line, as a provider with a fixed address wants it; elsewhere masquerade
        run(
            "ip",
            "netns",
            "exec",
            net.router,
            "nft",
            "-f",
            "-",
            text="""
            table ip nat { chain out { type nat hook postrouting priority srcnat;
              oifname wan0 snat to 10.0.0.2
              oifname { wan1, wan2 } masquerade; }; }""",
        )
        yield net


def _lan(net: BranchNet) -> None:
    run("ip", "-n", net.router, "link", "add", "lan0", "type", "veth", "peer", "name", "eth0", "netns", net.pc)
    net.ip("address", "add", "192.168.77.1/24", "dev", "lan0")
    net.ip("link", "set", "lan0", "up")
    run("ip", "-n", net.pc, "address", "add", "192.168.77.10/24", "dev", "eth0")
    run("ip", "-n", net.pc, "link", "set", "eth0", "up")
    run("ip", "-n", net.pc, "route", "add", "default", "via", "192.168.77.1")
    for place in range(len(PATHS)):
        net.ip("address", "add", f"2001:db8:{place + 1}::1/64", "dev", "lan0")
        run("ip", "-n", net.pc, "address", "add", f"2001:db8:{place + 1}::10/64", "dev", "eth0")
    run("ip", "-n", net.pc, "route", "add", "default", "via", "2001:db8:1::1")


def _uplink(net: BranchNet, place: int, name: str) -> None:
    there = net.provider(name)
    run("ip", "-n", net.router, "link", "add", f"wan{place}", "type", "veth", "peer", "name", "cust", "netns", there)
    net.ip("address", "add", f"10.{place}.0.2/24", "dev", f"wan{place}")
    net.ip("address", "add", f"2001:db8:f{place}::2/64", "dev", f"wan{place}")
    net.ip("link", "set", f"wan{place}", "up")
    for address in (f"10.{place}.0.1/24", f"2001:db8:f{place}::1/64"):
        run("ip", "-n", there, "address", "add", address, "dev", "cust")
    for address in (f"{WORLD}/32", f"{WORLD_IPV6}/128"):
        run("ip", "-n", there, "address", "add", address, "dev", "lo")
    run("ip", "-n", there, "link", "set", "cust", "up")
    run("ip", "-n", there, "route", "add", f"2001:db8:{place + 1}::/64", "via", f"2001:db8:f{place}::2")
    run(
        "ip",
        "netns",
        "exec",
        there,
        "nft",
        "-f",
        "-",
        text=f"""
        table inet edge {{ chain in {{ type filter hook prerouting priority raw;
          iifname cust ip saddr != 10.{place}.0.0/24 drop
          iifname cust ip6 saddr != {{ 2001:db8:f{place}::/64, 2001:db8:{place + 1}::/64, fe80::/10 }} drop; }}; }}""",
    )
    net.spawn(there, sys.executable, "-c", ECHO, name, WORLD, WORLD_IPV6, ready="ready")
    net.ip("route", "add", "default", "via", f"10.{place}.0.1", "dev", f"wan{place}", "metric", str(100 + place))
    net.ip(
        "-6",
        "route",
        "add",
        "default",
        "via",
        f"2001:db8:f{place}::1",
        "dev",
        f"wan{place}",
        "metric",
        str(100 + place),
    )


def have_nft() -> bool:
    return shutil.which("nft") is not None
