"""Proofs in the lab's network: resolvers that refuse foreigners, TLS far ends, a canary, a black hole on the way."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from agent import canary
from agent.config import BranchSettings
from agent.proving import PART_S, Prover
from branchline import settings
from branchline.settings import SettingsError
from failover.observations import Proof
from lab import cuts, house_settings, namespaces, topology
from lab.house_settings import HouseOptions
from lab.network import Network
from tests.integration.agent.namespace import run_inside
from tests.needs import needs_program, needs_root

pytestmark = [needs_root, needs_program("nft"), needs_program("dnsmasq"), needs_program("ip")]

Value = TypeVar("Value")
IN_TIME_S = PART_S + 1.0  # on a busy machine
ROOT = Path(__file__).parents[3]


@dataclass
class Site:
    """The lab's network with a canary, and the branch's settings."""

    network: Network
    text: str
    lender: "subprocess.Popen[bytes]"

    def settings(self, *changes: tuple[str, str]) -> BranchSettings:
        text = self.text
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return settings.parse(text, BranchSettings, "agent.toml")

    def on_the_router(self, main: Callable[[], Awaitable[Value]]) -> Value:
        return run_inside(self.network.spaces.name("rtr"), main)

    def prove(self, path: str, *changes: tuple[str, str], move: str = "") -> Proof:
        made = self.settings(*changes)

        async def once() -> Proof:
            began = time.monotonic()
            proof = await Prover(made).prove(path, move)
            assert time.monotonic() - began < IN_TIME_S, proof
            return proof

        return self.on_the_router(once)

    def inside(self, role: str, batch: str) -> None:
        with self.network.spaces.inside(role):
            namespaces.batch(batch)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Network(seed=1) as network:
        folder = network.folder
        (folder / "run").mkdir()
        name = network.spaces.name("canary")
        text = house_settings.agent(HouseOptions(), folder, name, network.certificates)
        made = settings.parse(text, BranchSettings, "agent.toml")
        assert made.canary is not None
        paths = [path.name for path in made.path]
        with network.spaces.inside("rtr"):
            canary.create(made.canary.ipv4, len(paths), namespace=name)
            # What the actor does for the canary's address of each path.
            rules = ""
            for place, carrier in enumerate(topology.CARRIERS):
                source = canary.addresses(made.canary.ipv4, len(paths))[1 + place]
                rules += f"rule add from {source} lookup {300 + place}\n"
                rules += f"route add default via {carrier.gateway4} dev {carrier.interface} table {300 + place}\n"
            namespaces.batch(rules)
        (folder / "agent.toml").write_text(text)
        script = "import sys; from agent.canary import main; sys.exit(main(sys.argv[1:]))"
        command = (sys.executable, "-c", script, "--config", str(folder / "agent.toml"))
        with network.spaces.inside("canary"):
            lender = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (folder / "run" / "canary.sock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield Site(network, text, lender)
        finally:
            lender.kill()
            lender.wait(5)


@pytest.mark.parametrize("carrier", topology.CARRIERS, ids=lambda carrier: carrier.path)
def test_a_good_path_is_proved_forwarded(site: Site, carrier: topology.Carrier) -> None:
    proof = site.prove(carrier.path)
    assert proof == Proof(carrier.path, "", True, True, True, True, True)
    assert proof.holds


def test_with_a_move_the_proof_follows_the_route_in_use(site: Site) -> None:
    """The main table prefers wan1, and that is dead: users would not be served, however well wan2 answers."""
    assert site.prove("wan1", move="m1").holds
    _fire(site, "isp1")
    try:
        proof = site.prove("wan2", move="m1")
        assert (proof.anchors, proof.full_size, proof.tls, proof.holds) == (False, False, False, False)
        assert site.prove("wan2").holds
    finally:
        cuts.revive(site.network.spaces, "isp1")


def test_a_black_hole_for_large_packets_is_found(site: Site) -> None:
    """Somewhere beyond the first hop packets over 1400 bytes vanish, and no router says so."""
    chain = 'chain f {\n type filter hook forward priority -5;\n iifname "cust" meta length > 1400 drop\n }'
    with site.network.spaces.inside("isp2"):
        namespaces.nft(f"table inet hole {{\n {chain}\n}}\n")
    try:
        proof = site.prove("wan2")
        assert (proof.anchors, proof.full_size, proof.dns, proof.tls) == (True, False, True, True)
        assert not proof.holds
        assert proof.detail == "no full size"
        assert site.prove("wan1").holds
    finally:
        with site.network.spaces.inside("isp2"):
            namespaces.nft("delete table inet hole\n")


def test_an_mtu_above_the_interfaces_own_fails_at_once(site: Site) -> None:
    proof = site.prove("cell5g", ("mtu = 1420", "mtu = 1500"))
    assert (proof.anchors, proof.full_size, proof.dns, proof.tls) == (True, False, True, True)


def test_a_resolver_that_refuses_is_found(site: Site) -> None:
    """A resolver serves its ISP's own customers only; this one is wan1's, asked over wan2."""
    foreign = topology.CARRIERS[0].gateway4
    proof = site.prove("wan2", (f'dns = ["{topology.CARRIERS[1].gateway4}"]', f'dns = ["{foreign}"]'))
    assert (proof.anchors, proof.full_size, proof.dns, proof.tls) == (True, True, False, False)


@pytest.mark.parametrize(
    "change",
    [
        (f'tls_host = "{topology.PROOF_NAME}"', f'tls_host = "{topology.PROOF_NAME}"\ntls_server_name = "other.test"'),
        ("tls_port = 443", "tls_port = 444"),
        (f'tls_host = "{topology.PROOF_NAME}"', 'tls_host = "192.0.2.250"'),
    ],
    ids=["another name", "refused port", "nobody there"],
)
def test_tls_with_the_wrong_end_fails(site: Site, change: tuple[str, str]) -> None:
    proof = site.prove("wan1", change)
    assert (proof.anchors, proof.full_size, proof.dns, proof.tls) == (True, True, True, False)
    assert not proof.holds


def test_a_certificate_of_another_authority_fails(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    subject = ("-subj", "/CN=stranger", "-keyout", os.devnull, "-out", str(other))
    command = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *subject)
    subprocess.run(command, check=True, capture_output=True)
    proof = site.prove("wan1", (str(site.network.certificates.authority), str(other)))
    assert (proof.dns, proof.tls) == (True, False)


def test_an_authority_that_cannot_be_read_is_one_sentence(site: Site, tmp_path: Path) -> None:
    for file, why in ((tmp_path / "gone.pem", "No such file"), (ROOT / "LICENSE", "it holds no certificate")):
        made = site.settings((str(site.network.certificates.authority), str(file)))
        with pytest.raises(SettingsError, match=rf"^proof.tls_ca_file: {file} cannot be used \({why}"):
            Prover(made)


@pytest.mark.parametrize("name", ["a..test", f"{'x' * 64}.test", ".test", "b\u00fccher.test"])
def test_a_name_nobody_can_ask_for_fails_and_raises_nothing(site: Site, name: str) -> None:
    dns_name = (f'dns_name = "{topology.PROOF_NAME}"', f'dns_name = "{name}"')
    tls_host = (f'tls_host = "{topology.PROOF_NAME}"', f'tls_host = "{name}"')
    server = (
        f'tls_host = "{topology.PROOF_NAME}"',
        f'tls_host = "{topology.SITES[0].ipv4}"\ntls_server_name = "{name}"',
    )
    assert site.prove("wan1", dns_name, tls_host).tls is False
    assert site.prove("wan1", server).tls is False


def test_a_path_without_resolvers_is_proved_by_the_rest_and_says_so(site: Site) -> None:
    for resolvers in ("[]", '["2001:db8::53"]'):
        proof = site.prove("wan1", (f'dns = ["{topology.CARRIERS[0].gateway4}"]', f"dns = {resolvers}"))
        assert (proof.anchors, proof.full_size, proof.dns, proof.tls, proof.holds) == (True, True, None, None, True)
        assert "no IPv4 resolver of this line is configured" in proof.detail


def test_anchors_of_other_paths_prove_nothing(site: Site) -> None:
    far = "\n".join(f'[[anchor]]\nname = "x{n}"\nipv4 = "192.0.2.{250 + n}"\npaths = ["wan2"]\n' for n in range(3))
    changes = [
        (f'name = "{place.name}"\n', f'name = "{place.name}"\npaths = ["wan1", "cell5g"]\n') for place in topology.SITES
    ]
    proof = site.prove("wan2", *changes, ("[proof]", far + "[proof]"))
    assert (proof.anchors, proof.full_size, proof.dns) == (False, False, True)


def test_anchors_of_ipv6_alone_are_pinged_from_the_router(site: Site) -> None:
    changes = [(f'ipv4 = "{place.ipv4}"\n', "") for place in topology.SITES]
    assert site.prove("wan2", *changes).holds


def test_a_dead_path_fails_in_every_part_and_in_time(site: Site) -> None:
    _fire(site, "isp2")
    try:
        proof = site.prove("wan2")
        assert (proof.anchors, proof.full_size, proof.dns, proof.tls) == (False, False, False, False)
        assert proof.detail == "no anchors, no full size, no dns, no tls"
    finally:
        cuts.revive(site.network.spaces, "isp2")


def test_a_second_opinion_is_the_isps_resolvers(site: Site) -> None:
    made = site.settings()

    async def ask() -> tuple[bool, bool]:
        prover = Prover(made)
        alive = await prover.second_opinion("wan2", 0.4)
        await asyncio.to_thread(_fire, site, "isp2")
        try:
            return alive, await prover.second_opinion("wan2", 0.4)
        finally:
            cuts.revive(site.network.spaces, "isp2")

    assert site.on_the_router(ask) == (True, False)


def _fire(site: Site, carrier: str) -> None:
    with cuts.Armed(cuts.silent(site.network.spaces, carrier)) as armed:
        armed.fire()


def test_without_a_canary_it_starts_on_the_router_and_says_so(site: Site, tmp_path: Path) -> None:
    elsewhere = (f'run_dir = "{site.network.folder / "run"}"', f'run_dir = "{tmp_path}"')
    for move, path in (("", "wan2"), ("m1", "wan1")):
        proof = site.prove(path, elsewhere, move=move)
        assert (proof.anchors, proof.full_size, proof.dns, proof.tls, proof.forwarded) == (True, True, True, True, None)
        assert "the canary lends no sockets" in proof.detail
        assert "start branchline-canary" in proof.detail


def test_a_canary_that_hangs_holds_up_neither_proof_nor_loop(site: Site) -> None:
    made = site.settings()

    async def once() -> tuple[Proof, float]:
        loop = asyncio.get_running_loop()
        worst = 0.0

        async def beat() -> None:
            nonlocal worst
            while True:
                began = loop.time()
                await asyncio.sleep(0.01)
                worst = max(worst, loop.time() - began - 0.01)

        beating = asyncio.create_task(beat())
        proof = await Prover(made).prove("wan1", "")
        beating.cancel()
        return proof, worst

    site.lender.send_signal(19)  # SIGSTOP
    try:
        proof, worst_s = site.on_the_router(once)
    finally:
        site.lender.send_signal(18)  # SIGCONT
    assert proof.holds
    assert proof.forwarded is None
    assert "the canary lends no sockets (timed out)" in proof.detail
    assert worst_s < 0.25


def test_proofs_leave_no_descriptor_and_no_thread_behind(site: Site) -> None:
    good = site.settings()
    bad = site.settings(("tls_port = 443", "tls_port = 444"))
    mute = site.settings((f'tls_host = "{topology.PROOF_NAME}"', 'tls_host = "192.0.2.250"'))

    paths = ("wan1", "wan2", "cell5g")

    async def many() -> tuple[int, int]:
        provers = [Prover(good), Prover(bad)]
        await provers[0].prove("wan1", "")
        await Prover(mute).prove("wan1", "")
        before = descriptors()
        for turn in range(0, 200, 5):
            five = range(turn, turn + 5)
            await asyncio.gather(*(provers[n % 2].prove(paths[n % 3], "m1" if n % 5 == 0 else "") for n in five))
        cancelled = [asyncio.create_task(Prover(mute).prove("wan1", "")) for _ in range(5)]
        for delay_s, task in enumerate(cancelled):
            await asyncio.sleep(0.02 * delay_s)
            task.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
        await asyncio.sleep(0.2)
        return before, descriptors()

    before, after = site.on_the_router(many)
    assert after <= before


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
