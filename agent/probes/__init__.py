"""Probe kinds by their name in settings: adding one is a new file and one line here."""

from agent.probes.prober import Prober

PROBES = {
    "icmp": Prober,
}
