"""Incidents, inventories and boards for the tests of messages."""

import sqlite3
from collections.abc import Iterable

import msgspec

from collector.board import Board, BranchNow
from collector.heard import ActHeard, BranchHeard, PathHeard, PowerHeard
from collector.incidents import book
from collector.incidents.model import AlertClass, Cause, Evidence, Incident, Member, Phase, Severity
from collector.inventory.model import BranchEntry, Hours, Inventory, LineEntry, PowerEntry, Referent, Sim
from collector.inventory.places import Places
from collector.notify.model import NoticeEvent
from wire.messages import ActKind, ActOutcome, BranchState, LinkState, PowerSource, Role

START_S = 1_795_313_528.0  # Sunday 2026-11-22 02:12:08 UTC, 03:12:08 in Paris
SCHEMA = book.SCHEMA


def incident(number: int = 1, **changes: object) -> Incident:
    """A branch that lives on 5G since its fibre died."""
    base = Incident(
        id=f"20261122-031208-{number:04x}",
        key=f"branch/acme/nantes-{number}",
        tenant="acme",
        cause=Cause.ACCESS_LINE,
        confidence=0.8,
        alert_class=AlertClass.ON_5G,
        severity=Severity.WORK,
        phase=Phase.OPEN,
        started_s=START_S,
        opened_s=START_S + 3,
        changed_s=START_S + 48,
        members=(Member("acme", f"nantes-{number}", "fibre", "DOWN", "Orange", START_S),),
        evidence=(Evidence("other_line_works", START_S, {"branch": "x", "line": "fibre", "other": "5g"}),),
    )
    return msgspec.structs.replace(base, **changes)


def page(number: int = 1, **changes: object) -> Incident:
    """A branch that is cut off."""
    given: dict[str, object] = {
        "alert_class": AlertClass.ISOLATED,
        "severity": Severity.PAGE,
        "cause": Cause.UNKNOWN,
        "members": (Member("acme", f"nantes-{number}", "", "ISOLATED", "", START_S),),
        "evidence": (),
    }
    return incident(number, **(given | changes))


def places(**changes: object) -> Places:
    """One branch with everything an inventory can say."""
    branch = BranchEntry(
        name="nantes-1",
        title="Nantes Beaujoire",
        region="Pays de la Loire",
        referent=Referent("Anne Martin", "+33 2 40 00 00 00", "back door after 18:00"),
        hours=tuple(Hours(day=day, open="08:30", close="17:30", people=12) for day in ("mon", "tue")),
        power=PowerEntry(ups="APC SMT750", grid_area="Nantes-Est"),
        line=(
            LineEntry(
                name="fibre",
                isp="Orange",
                access="ftth",
                contract="FR-4711",
                support_phone="+33 800 11 22 33",
                gtr_h=4,
            ),
            LineEntry(name="5g", isp="SFR", role=Role.CELL, access="5g", sim=Sim(plan="Pro 50", cap_gb=50)),
        ),
    )
    return Places([Inventory(tenant="acme", branch=(msgspec.structs.replace(branch, **changes),))])


def board(state: BranchState = BranchState.ON_5G, *, source: PowerSource = PowerSource.MAINS) -> Board:
    """nantes-1 as the collector sees it."""
    at_ns = int(START_S * 1e9)
    heard = BranchHeard(
        heard_s=START_S + 40,
        online=True,
        at_ns=at_ns,
        active="5g",
        reported=state,
        paths={
            "fibre": PathHeard(LinkState.DOWN, Role.WIRE, "Orange", at_ns, "500 ms silent", None, 100.0, ("a1", "a2")),
            "5g": PathHeard(LinkState.UP, Role.CELL, "SFR", at_ns, "", 48.2, 0.0),
        },
        power={"ups": PowerHeard(source, at_ns, at_ns, 81.0, 1380.0)},
        acts=(
            ActHeard(
                at_ns + 620_000_000,
                "m1",
                ActKind.EMERGENCY,
                ActOutcome.COMMITTED,
                "fibre",
                "5g",
                "fibre is silent",
                12.0,
            ),
        ),
    )
    shown = Board()
    shown.show([BranchNow(("acme", "nantes-1", "rtr1"), state, START_S, heard)], (), START_S, hearing=True)
    return shown


def put(
    connection: sqlite3.Connection, told: Iterable[tuple[NoticeEvent, Incident]], at_s: float = START_S + 48
) -> None:
    """What the incident desk does in its transaction."""
    notices = [(event, at_s, each) for event, each in told]
    book.save(connection, [each for _, _, each in notices], [], notices)
