"""A fleet as the collector would have heard it: 255 branches in French regions, their lines, power and moves."""

from collector.board import Board, BranchNow
from collector.heard import ActHeard, BranchHeard, PathHeard, PowerHeard, SensorHeard
from collector.inventory.model import BranchEntry, Hours, Inventory, LineEntry, PowerEntry, Referent
from collector.inventory.places import Places
from wire.messages import ActKind, ActOutcome, BranchState, LinkState, PowerSource, Role, SensorKind, SensorState

TENANT = "acme"
REGIONS = {
    "Auvergne-Rhône-Alpes": ("Lyon", "Grenoble", "Annecy", "Valence", "Saint-Étienne"),
    "Bourgogne-Franche-Comté": ("Dijon", "Besançon", "Auxerre"),
    "Bretagne": ("Rennes", "Brest", "Quimper", "Lorient", "Vannes"),
    "Centre-Val de Loire": ("Tours", "Orléans", "Blois"),
    "Grand Est": ("Strasbourg", "Reims", "Metz", "Nancy"),
    "Hauts-de-France": ("Lille", "Amiens", "Arras", "Calais"),
    "Normandie": ("Rouen", "Caen", "Le Havre", "Cherbourg"),
    "Nouvelle-Aquitaine": ("Bordeaux", "Limoges", "Pau", "Poitiers"),
    "Occitanie": ("Toulouse", "Montpellier", "Nîmes", "Alès", "Sommières"),
    "Pays de la Loire": ("Nantes", "Angers", "Le Mans", "Saint-Nazaire"),
    "Provence-Alpes-Côte d'Azur": ("Marseille", "Nice", "Toulon", "Avignon"),
    "Île-de-France": ("Paris", "Créteil", "Versailles", "Saint-Denis"),
}
QUARTERS = ("Centre", "Gare", "Beaujoire", "Les Halles", "Port", "Préfecture", "Nord", "Sud", "Hôpital", "Université")
ISPS = ("Orange", "SFR", "Bouygues", "Free Pro")


def entry(number: int) -> BranchEntry:
    """One branch of the inventory."""
    regions = list(REGIONS)
    region = regions[number % len(regions)]
    towns = REGIONS[region]
    town = towns[number // len(regions) % len(towns)]
    quarter = QUARTERS[number // (len(regions) * len(towns)) % len(QUARTERS)]
    return BranchEntry(
        name=f"b{number:03}",
        title=f"{town} {quarter}",
        region=region,
        address=f"{number + 1} rue de la Gare, {town}",
        simulated=number != 0,
        critical=number % 50 == 0,
        referent=Referent(name="Camille Martin", phone="+33 2 40 00 00 00", note="side door"),
        hours=(Hours(day="mon", open="08:30", close="18:00", people=12),),
        power=PowerEntry(ups="APC SMT750", grid_area="north"),
        line=(
            LineEntry(name="fibre", isp=ISPS[number % 4], access="ftto", contract=f"FR-{number:05}", gtr_h=4.0),
            LineEntry(name="vdsl", isp=ISPS[(number + 1) % 4], access="vdsl"),
            LineEntry(name="5g", isp="Orange", role=Role.CELL, access="5g"),
        ),
    )


def fleet_places(count: int) -> Places:
    """The inventory of `count` branches."""
    return Places([Inventory(tenant=TENANT, branch=tuple(entry(number) for number in range(count)))])


def branch_now(number: int, state: BranchState, now_s: float, since_s: float | None = None) -> BranchNow:
    """One branch in that state, with lines to match."""
    at_ns = int(now_s * 1e9)
    since_s = now_s - 3600 if since_s is None else since_s
    wires = LinkState.DOWN if state in {BranchState.ON_5G, BranchState.ISOLATED} else LinkState.UP
    second = LinkState.DOWN if state is BranchState.DEGRADED else wires
    cell = LinkState.DOWN if state is BranchState.ISOLATED else LinkState.UP
    since_ns = int(since_s * 1e9)
    listed = entry(number).line
    paths = {line.name: _path(line, link, since_ns) for line, link in zip(listed, (wires, second, cell), strict=True)}
    moved = state in {BranchState.ON_5G, BranchState.ISOLATED}
    heard = BranchHeard(
        heard_s=now_s,
        epoch="e1",
        connection=1,
        online=True,
        at_ns=at_ns,
        active="5g" if moved else "fibre",
        reported=state,
        paths=paths,
        version="0.1.0",
        power={"ups": PowerHeard(PowerSource.BATTERY if moved else PowerSource.MAINS, at_ns, since_ns, 83.0, 2460.0)},
        sensors={"cellar": SensorHeard(SensorKind.FLOOD, SensorState.OK, at_ns, since_ns)},
        acts=(
            ActHeard(since_ns, "m1", ActKind.EMERGENCY, ActOutcome.COMMITTED, "fibre", "5g", "fibre is silent", 12.0),
        )
        if moved
        else (),
    )
    return BranchNow((TENANT, f"b{number:03}", f"a{number:03}"), state, since_s, heard)


def show(board: Board, branches: list[BranchNow], now_s: float, *, hearing: bool = True) -> None:
    """As `Watch` does after a review."""
    board.show(branches, (), now_s, hearing=hearing)


def _path(line: LineEntry, state: LinkState, since_ns: int) -> PathHeard:
    if state is LinkState.DOWN:
        return PathHeard(state, line.role, line.isp, since_ns, "no anchor answered for 510 ms", None, 100.0)
    return PathHeard(state, line.role, line.isp, since_ns, "", 46.0 if line.role is Role.CELL else 12.5, 0.0)
