"""Can each path be probed whatever the default route? Echoes bound to the path's interface, as the agent sends them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from agent.doctor.finding import Finding, Mark, well
from agent.doctor.rights import as_group, may_ping
from agent.doctor.site import Site
from agent.plan import first_family, targets_of
from agent.probes import Outcome, Prober, Result, Target

ROUNDS, ROUND_S = 3, 0.7
_ANSWERED = {Outcome.REPLY, Outcome.LATE}


def anchors_by_path(site: Site) -> list[Finding]:
    """Which anchors answer over which path."""
    if (why := may_ping(site)) is not None:
        return [why]
    targets = targets_of(site.settings)
    with as_group(site.user.groups[0]):
        results = asyncio.run(_probe(targets))
    return judge(targets, results, first_family(site.settings))


async def _probe(targets: list[Target]) -> list[Result]:
    results: list[Result] = []
    prober = Prober(targets, results.append, lambda _late_s: None)
    per_path = {path: sum(target.path == path for target in targets) for path in {t.path for t in targets}}
    prober.start()
    try:
        for _ in range(ROUNDS):
            answered = {(r.path, r.family, r.anchor) for r in results if r.kind in _ANSWERED}
            open_paths = {t.path for t in targets if (t.path, t.family, t.anchor) not in answered}
            for path in sorted(open_paths):
                prober.burst(path, per_path[path])
            await asyncio.sleep(ROUND_S if open_paths else 0)
        prober.drain()
    finally:
        prober.close()
    return results


def judge(targets: Iterable[Target], results: Iterable[Result], first: int) -> list[Finding]:
    """One finding for each path, one for each anchor that no path reaches. `first`: the IP version that is judged."""
    heard = _Heard.of(results)
    by_path: dict[str, list[Target]] = defaultdict(list)
    by_anchor: dict[tuple[str, int], list[Target]] = defaultdict(list)
    for target in targets:
        by_path[target.path].append(target)
        by_anchor[target.anchor, target.family].append(target)
    dead = {key for key, group in by_anchor.items() if not any(map(heard.answered, group))}
    # With every path silent there is nothing to be said about an anchor.
    alive = {family for _, family, _ in heard.rtts}
    found = [_path(path, group, heard, dead, first) for path, group in by_path.items()]
    if len(by_path) > 1:
        found += [_anchor(anchor, family, first) for anchor, family in sorted(dead) if family in alive]
    return found


@dataclass(frozen=True, slots=True)
class _Heard:
    """Round trips by path, version and anchor, and by path and version why this machine or a router said no."""

    rtts: dict[tuple[str, int, str], float | None]
    why: dict[tuple[str, int], str]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Self:
        heard = cls({}, {})
        for result in results:
            if result.kind in _ANSWERED:
                heard.rtts.setdefault((result.path, result.family, result.anchor), result.rtt_ms)
            elif result.detail:
                heard.why[result.path, result.family] = f" ({result.detail})"
        return heard

    def answered(self, target: Target) -> bool:
        return (target.path, target.family, target.anchor) in self.rtts

    def shown(self, target: Target) -> str:
        rtt_ms = self.rtts[target.path, target.family, target.anchor]
        return target.anchor if rtt_ms is None else f"{target.anchor} {rtt_ms:.1f} ms"


def _path(path: str, group: list[Target], heard: _Heard, dead: set[tuple[str, int]], first: int) -> Finding:
    interface = group[0].interface
    said, findings = [], []
    for family in sorted({target.family for target in group}, key=lambda family: family != first):
        own = [target for target in group if target.family == family]
        why = heard.why.get((path, family), "")
        silent = [target for target in own if not heard.answered(target)]
        if len(silent) == len(own):
            said.append(f"IPv{family} no anchor{why}")
            remedy = (
                f"over {interface} no anchor answers IPv{family} echoes{why}; check the line, its gateway and the "
                f"ISP's filter: `ping -I {interface} {own[0].address}`"
            )
            findings.append((Mark.FAIL if family == first else Mark.WARN, remedy))
            continue
        said.append(f"IPv{family} " + ", ".join(heard.shown(target) for target in own if heard.answered(target)))
        only_here = [target.anchor for target in silent if (target.anchor, family) not in dead]
        if only_here:
            remedy = (
                f"over {interface} {', '.join(only_here)} does not answer IPv{family} echoes, though on other paths it "
                f"does; ask the ISP, or choose anchors that answer on every path"
            )
            findings.append((Mark.WARN, remedy))
    text = "; ".join(said)
    return Finding(findings[0][0], path, text, findings[0][1]) if findings else well(path, text)


def _anchor(anchor: str, family: int, first: int) -> Finding:
    remedy = (
        f"anchor {anchor} answers IPv{family} echoes on no path while others do; start it, let it answer ICMP, or "
        f"replace it: with fewer than three alive, a dead anchor looks like a dead line"
    )
    mark = Mark.FAIL if family == first else Mark.WARN
    return Finding(mark, anchor, f"answers IPv{family} on no path", remedy)
