"""Probe kinds by their name in settings: adding one is a new file and one line here."""

from agent.probes.prober import Prober
from agent.probes.results import Outcome, Result, Target

__all__ = ["PROBES", "Outcome", "Prober", "Result", "Target"]

PROBES = {
    "icmp": Prober,
}
