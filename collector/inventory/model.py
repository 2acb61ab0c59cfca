"""One tenant's inventory, typed and checked; `file.py` reads and writes the TOML file that holds it."""

from typing import Literal

from branchline.settings import Settings
from collector.inventory import rules
from wire.messages import Role

LINES_AT_MOST = 64  # as many as one digest tells of (wire/messages.py)


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

    def __post_init__(self) -> None:
        rules.filled(self.name, "name")
        rules.text(self.name, "name")
        rules.phone(self.phone, "phone")
        rules.text(self.note, "note")


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

    def __post_init__(self) -> None:
        rules.clock(self.open, "open")
        rules.clock(self.close, "close")
        rules.between(self.people, 0, 100_000, "people")
        if self.open == self.close:
            raise ValueError(f'close: {self.close} is also when it opens; for a whole day write "00:00" to "23:59"')


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

    def __post_init__(self) -> None:
        rules.day(self.first, "first")
        rules.day(self.last, "last")
        rules.text(self.why, "why")
        if self.last < self.first:
            raise ValueError(f"last: {self.last} is before {self.first}; correct one of the two")


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

    def __post_init__(self) -> None:
        for key in ("iccid", "plan", "cell"):
            rules.text(getattr(self, key), key)
        rules.between(self.cap_gb, 0, 1_000_000, "cap_gb")


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

    def __post_init__(self) -> None:
        rules.name(self.name, "name")
        rules.label(self.isp, "isp", needed=True)
        for key in ("contract", "duct"):
            rules.text(getattr(self, key), key)
        rules.short_phone(self.support_phone, "support_phone")
        rules.between(self.gtr_h, 0, 10_000, "gtr_h")
        if self.role is Role.WIRE and self.sim != Sim():
            raise ValueError("sim: a wired line has no SIM; make its role cell, or leave the SIM out")


class PowerEntry(Settings, frozen=True):
    """Electricity of a branch.

    Attributes:
        ups: what keeps the router alive, such as "APC SMT750"; empty: nothing
        grid_area: branches with the same word go dark together
    """

    ups: str = ""
    grid_area: str = ""

    def __post_init__(self) -> None:
        for key in ("ups", "grid_area"):
            rules.text(getattr(self, key), key)


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

    def __post_init__(self) -> None:
        rules.name(self.name, "name")
        rules.label(self.region, "region")
        for key in ("title", "address", "flood_zone"):
            rules.text(getattr(self, key), key)
        for key, other, most in (("latitude_deg", "longitude_deg", 90), ("longitude_deg", "latitude_deg", 180)):
            if (value := getattr(self, key)) is not None:
                rules.between(value, -most, most, key)
            elif getattr(self, other) is not None:
                raise ValueError(f"{key}: missing beside {other}; give both or neither")
        rules.timezone(self.timezone, "timezone")
        if len(self.line) > LINES_AT_MOST:
            raise ValueError(f"line: {len(self.line)} lines; a branch has at most {LINES_AT_MOST}")
        rules.unique((each.name for each in self.line), "line", "name", "give each line of the branch its own name")
        rules.unique((each.day for each in self.hours), "hours", "day", "write each weekday once")

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

    def __post_init__(self) -> None:
        rules.name(self.tenant, "tenant")
        rules.unique((each.name for each in self.branch), "branch", "name", "give each branch its own name")
