"""The lab's own network, without the product: distance, filters, translation, and the measure across a cut."""

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import cuts, namespaces, topology
from lab.measure import longest_silence_ms, user_figures
from lab.network import Network
from lab.pc import is_answer, question
from lab.samples import DNS, NEW4, NEW6, TCP, Sample, SampleFile
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("dnsmasq"), needs_program("conntrack")]


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(seed=1) as built:
        yield built


def _least_ms(samples: list[Sample], stream: str) -> float:
    """The shortest round trip: what the lab adds when the machine has time for it."""
    return min((s.back_ns - s.sent_ns) / 1e6 for s in samples if s.stream == stream and s.back_ns is not None)


def _in(network: Network, role: str, *command: str) -> subprocess.CompletedProcess[str]:
    with network.spaces.inside(role):
        return subprocess.run(command, capture_output=True, text=True, check=False)


def _move_to(network: Network, number: int) -> None:
    """What the actor will do, in its simplest form: routes, resolver, prefix, translated flows."""
    carrier = topology.CARRIERS[number]
    network.resolv_file.write_text(f"nameserver {carrier.gateway4}\n")
    with network.spaces.inside("rtr"):
        namespaces.batch(
            f"route add default via {carrier.gateway4} dev {carrier.interface} metric 1\n"
            f"route add default via {carrier.gateway6} dev {carrier.interface} metric 1\n"
            f"addr change {topology.CARRIERS[0].lan6}1/64 dev lan0 preferred_lft 0\n"
            f"addr change {carrier.lan6}1/64 dev lan0 preferred_lft forever\n"
        )
        subprocess.run(("conntrack", "-F"), capture_output=True, check=True)


def test_distance_is_as_drawn(network: Network) -> None:
    file = SampleFile(network.start_pc())
    network.supervisor.wait_for(lambda: len(file.update()) > 600, 10, "600 samples of the PC")
    assert all(s.back_ns is not None for s in file.samples)
    for stream in (NEW4, NEW6, TCP):
        assert 20.0 <= _least_ms(file.samples, stream) < 22.0, stream
    assert _least_ms(file.samples, DNS) < 5.0
    network.impair("isp1", rtt_ms=40.0)
    after_ns = time.monotonic_ns()
    assert network.supervisor.wait_for(lambda: sum(s.sent_ns > after_ns for s in file.update()) > 100, 5)
    assert 40.0 <= _least_ms([s for s in file.samples if s.sent_ns > after_ns], NEW4) < 42.0


def test_loss_and_duplicates_are_made(network: Network) -> None:
    network.impair("isp1", loss=0.2, duplicates=0.5)
    file = SampleFile(network.start_pc())
    # The first second may pass before the relay has heard of it.
    network.supervisor.wait_for(lambda: sum(s.stream == NEW4 for s in file.update()) > 500, 15, "500 packets")
    fate = [s.back_ns is not None for s in file.samples if s.stream == NEW4][200:500]
    assert 0.50 < sum(fate) / len(fate) < 0.78  # both directions: 0.8 * 0.8
    done = _in(network, "pc", "ping", "-c", "20", "-i", "0.01", "-W", "1", topology.SITES[0].ipv4)
    assert "DUP!" in done.stdout


@pytest.mark.parametrize("number", [1, 2], ids=["second wire", "5G"])
def test_a_move_by_hand_is_measured(network: Network, number: int) -> None:
    file = SampleFile(network.start_pc())
    network.supervisor.wait_for(lambda: len(file.update()) > 200, 10, "200 samples of the PC")
    with cuts.Armed(*(cuts.silent(network.spaces, topology.CARRIERS[n].name) for n in range(number))) as armed:
        cut = armed.fire()
    network.supervisor.wait_for(lambda: time.monotonic() > cut.cut_ns / 1e9 + 0.25, 1)
    _move_to(network, number)
    moved_ms = (time.monotonic_ns() - cut.cut_ns) / 1e6
    recovered = network.supervisor.wait_for(lambda: user_figures(file.update(), cut).complete(), 8)
    assert recovered, user_figures(file.samples, cut)
    network.supervisor.stop("pc")
    figures = user_figures(file.update(), cut)
    assert figures.first_packet_ms is not None
    assert 200 <= figures.first_packet_ms < moved_ms + 100
    assert 15 <= figures.packets_lost < 80
    # Lost packets and the silence of the new-flow stream tell the same story.
    silence_ms = longest_silence_ms(file.samples, NEW4, file.samples[0].sent_ns + 50_000_000)
    assert silence_ms == pytest.approx(figures.packets_lost * 10, rel=0.25)


def test_carriers_drop_foreign_sources_and_foreign_customers(network: Network) -> None:
    first, second = topology.CARRIERS[:2]
    with network.spaces.inside("rtr"):
        namespaces.nft("flush ruleset\n")
    assert _in(network, "rtr", "ping", "-c1", "-W1", "-I", first.router4, topology.APP.ipv4).returncode == 0
    assert _in(network, "pc", "ping", "-c1", "-W1", topology.APP.ipv4).returncode == 1  # not translated any more
    with network.spaces.inside("rtr"):
        namespaces.batch(f"route add {second.gateway4}/32 via {first.gateway4} metric 1\n")
    for source, carrier, served in (("rtr", first, True), ("rtr", second, False)):
        with network.spaces.inside(source), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            sock.bind((first.router4, 0))
            sock.sendto(question(7, "a.lab.test"), (carrier.gateway4, 53))
            if served:
                assert is_answer(sock.recv(512), 7)
            else:
                with pytest.raises(TimeoutError):
                    sock.recv(512)


def test_5g_translates_twice_and_carries_1420(network: Network) -> None:
    cell = topology.CARRIERS[2]
    ping = ("ping", "-c1", "-W1", "-M", "do", "-I", cell.interface, topology.APP.ipv4)
    assert _in(network, "rtr", *ping, "-s", str(1420 - 28)).returncode == 0
    assert _in(network, "rtr", *ping, "-s", str(1421 - 28)).returncode != 0
    with network.spaces.inside("rtr"), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, cell.interface.encode())
        sock.settimeout(2)
        sock.connect((topology.APP.ipv4, topology.ECHO_PORT))
        sock.sendall(struct.pack("!QQ", 1, 2))
        assert len(sock.recv(64)) == 24
        peers = _in(network, "app", "ss", "-tnH", "state", "established").stdout
    assert topology.CELL_NAT in peers
    assert cell.router4 not in peers


def test_nothing_is_left_behind() -> None:
    with Network() as network:
        prefix, folder = network.spaces.prefix, network.folder
        ids = [p.popen.pid for p in network.supervisor.processes.values() if p.popen]
    assert not list(Path("/run/netns").glob(f"{prefix}-*"))
    assert not folder.exists()
    for pid in ids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_crashed_lab_is_cleared_by_the_next() -> None:
    script = "import os\nfrom lab.network import Network\nprint(Network().__enter__().spaces.prefix)\nos._exit(9)\n"
    done = subprocess.run(
        (sys.executable, "-c", script), capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    prefix = done.stdout.split()[-1]
    assert list(Path("/run/netns").glob(f"{prefix}-*"))
    with Network():
        assert not list(Path("/run/netns").glob(f"{prefix}-*"))
        assert not (namespaces.BASE / prefix).exists()
