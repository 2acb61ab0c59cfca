"""Inventories for tests: any that the model allows, and one worked by hand."""

import datetime as dt

from hypothesis import strategies as st

from collector.inventory.model import (
    BranchEntry,
    Freeze,
    Hours,
    Inventory,
    LineEntry,
    PowerEntry,
    Referent,
    Sim,
)
from wire.messages import Role

NANTES = BranchEntry(
    name="nantes-2",
    title="Nantes Beaujoire",
    region="Pays de la Loire",
    latitude_deg=47.2561,
    longitude_deg=-1.5243,
    flood_zone="loire-aval",
    critical=True,
    referent=Referent(name="Anne Durand", phone="+33 2 40 00 00 00", note="porte de gauche"),
    hours=(Hours(day="mon", open="08:30", close="18:00", people=12),),
    freeze=(Freeze(first="2026-12-20", last="2027-01-03", why="Noël"),),
    power=PowerEntry(ups="APC SMT750", grid_area="nantes-est"),
    line=(
        LineEntry(name="wan1", isp="Orange", access="ftto", contract="FR-1", support_phone="3901", gtr_h=4.0),
        LineEntry(name="cell", isp="Bouygues", role=Role.CELL, access="5g", sim=Sim(plan="50 Go", cap_gb=50.0)),
    ),
)

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)
_printable = st.characters(exclude_categories=("C", "Z"), include_characters=' \\"') | st.sampled_from(
    "=+-@<>'#[]{}\\\""
)
texts = st.text(_printable, max_size=200).filter(str.isprintable)
labels = st.text(_printable, max_size=63).filter(str.isprintable)
clocks = st.times().map(lambda time: f"{time:%H:%M}")
days = st.dates().map(dt.date.isoformat)
phones = st.from_regex(r"\+[1-9][0-9]{1,3} [0-9]{5,10}", fullmatch=True)
numbers = st.floats(0, 1000, allow_nan=False)

referents = st.builds(Referent, name=texts.filter(str.strip), phone=phones, note=texts)
_hours = st.builds(
    lambda times, people, day: Hours(day=day, open=times[0], close=times[1], people=people),
    st.lists(clocks, min_size=2, max_size=2, unique=True),
    st.integers(0, 9999),
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
)
weeks = st.lists(_hours, max_size=7, unique_by=lambda hours: hours.day).map(tuple)
freezes = st.tuples(days, days, texts).map(lambda each: Freeze(first=min(each[:2]), last=max(each[:2]), why=each[2]))
sims = st.builds(Sim, iccid=texts, plan=texts, cap_gb=numbers, cell=texts)
lines = st.builds(
    LineEntry,
    name=names,
    isp=labels.filter(str.strip),
    contract=texts,
    support_phone=st.sampled_from(["", "3900", "+33 1 23 45 67 89", "0800 10 10 10"]),
    gtr_h=numbers,
    duct=texts,
) | st.builds(LineEntry, name=names, isp=labels.filter(str.strip), role=st.just(Role.CELL), sim=sims)
places = st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180))
branches = st.builds(
    lambda place, **rest: BranchEntry(latitude_deg=place and place[0], longitude_deg=place and place[1], **rest),
    places,
    name=names,
    title=texts,
    region=labels,
    address=texts,
    timezone=st.sampled_from(["Europe/Paris", "UTC", "America/Guadeloupe"]),
    flood_zone=texts,
    critical=st.booleans(),
    simulated=st.booleans(),
    referent=st.none() | referents,
    hours=weeks,
    freeze=st.lists(freezes, max_size=2).map(tuple),
    power=st.builds(PowerEntry, ups=texts, grid_area=texts),
    line=st.lists(lines, max_size=3, unique_by=lambda line: line.name).map(tuple),
)
inventories = st.builds(
    Inventory, tenant=names, branch=st.lists(branches, max_size=3, unique_by=lambda branch: branch.name).map(tuple)
)
