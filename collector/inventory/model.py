"""One tenant's inventory, typed. Values only; `file.py` reads and checks the TOML file that holds it."""

from typing import Literal

from branchline.settings import Settings
from wire.messages import Role


class Referent(Settings, frozen=True):
    """The person at the branch whom the on-call engineer can ring.

    Attributes:
        name: who it is
        phone: international form, such as +33 2 40 00 00 00
        note: when to ring, which door to ask for
    """

    name: str
    phone: str
    note: str = ""


class Hours(Settings, frozen=True):
    """Opening hours of one weekday.

    Attributes:
        day: of the week
        open: local time, such as 08:30
        close: local time; earlier than `open` means the next morning
        people: head-count at work
    """

    day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    open: str
    close: str
    people: int = 0


class Freeze(Settings, frozen=True):
    """Days on which nothing may be changed by choice.

    Attributes:
        first: day, such as 2026-12-20
        last: day, included
        why: shown beside the branch
    """

    first: str
    last: str
    why: str


class Sim(Settings, frozen=True):
    """The SIM of a cellular line.

    Attributes:
        iccid: printed on the card
        plan: its contract
        cap_gb: data in a month before it is throttled or dear; 0: no cap
        cell: radio cell or site it usually uses
    """

    iccid: str = ""
    plan: str = ""
    cap_gb: float = 0.0
    cell: str = ""


class LineEntry(Settings, frozen=True):
    """One line of a branch.

    Attributes:
        name: the path's name in the agent's settings
        role: wire or cell
        isp: who sells it
        access: how it comes into the house
        contract: the ISP's reference, for the ticket
        support_phone: of the ISP
        gtr_h: contractual hours to restore, 0: none
        duct: lines with the same word share a duct or pole
        sim: for cellular lines
    """

    name: str
    isp: str
    role: Role = Role.WIRE
    access: Literal["ftto", "ftth", "vdsl", "sdsl", "cable", "microwave", "satellite", "4g", "5g", "other"] = "other"
    contract: str = ""
    support_phone: str = ""
    gtr_h: float = 0.0
    duct: str = ""
    sim: Sim = Sim()


class PowerEntry(Settings, frozen=True):
    """Electricity of a branch.

    Attributes:
        ups: what keeps the router alive, such as "APC SMT750"; empty: nothing
        grid_area: branches with the same word go dark together
    """

    ups: str = ""
    grid_area: str = ""


class BranchEntry(Settings, frozen=True):
    """One branch.

    Attributes:
        name: the branch in topics and settings, such as nantes-2
        title: for people, such as "Nantes Beaujoire"
        region: dashboards filter by it
        latitude_deg: WGS 84
        longitude_deg: WGS 84
        address: street and town
        timezone: IANA name
        flood_zone: river section; branches with the same word flood together
        critical: a branch whose trouble wakes people sooner
        simulated: not a real branch; page and messages say so
        referent: whom to ring
        hours: opening hours, one for each weekday it is open
        freeze: days without changes by choice
        power: electricity
        line: its lines, best first
    """

    name: str
    title: str = ""
    region: str = ""
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    address: str = ""
    timezone: str = "Europe/Paris"
    flood_zone: str = ""
    critical: bool = False
    simulated: bool = False
    referent: Referent | None = None
    hours: tuple[Hours, ...] = ()
    freeze: tuple[Freeze, ...] = ()
    power: PowerEntry = PowerEntry()
    line: tuple[LineEntry, ...] = ()

    @property
    def label(self) -> str:
        """How people name it."""
        return self.title or self.name

    def line_of(self, name: str) -> LineEntry | None:
        """One of its lines."""
        return next((each for each in self.line if each.name == name), None)


class Inventory(Settings, frozen=True):
    """One tenant's file.

    Attributes:
        tenant: as in topics
        branch: every branch
    """

    tenant: str
    branch: tuple[BranchEntry, ...] = ()
