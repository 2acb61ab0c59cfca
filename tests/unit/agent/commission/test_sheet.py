"""The sheet fits one page of A4 in both languages, whatever happened; the languages say the same things."""

import string
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.commission import site
from agent.commission.record import Outcome, Record, Result
from agent.commission.sheet import COLUMNS, draw
from agent.commission.steps import Step, plan
from agent.commission.words import LANGUAGES, WORDS, say
from tests.unit.agent.commission.branch_values import record, settings

A4_LINES = 66  # at six lines an inch, less the margins
AT = "2026-11-22T10:12:13+01:00"


def full(steps: tuple[Step, ...], outcome: Outcome, *, dry_run: bool = False) -> Record:
    values: dict[str, str | float] = {"path": "5g", "took_s": 1.4, "state": "ON_5G"}
    results = tuple(
        Result(step.key, Outcome.NOT_CONFIGURED, step.absent, AT, "Ana")
        if step.absent
        else Result(step.key, outcome, "moved", AT, "Ana", values)
        for step in steps
    )
    return replace(record(dry_run=dry_run), results=results, ended=AT)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wires", [("fibre", "dsl"), tuple(f"line-with-a-long-name-{n}" for n in range(8))])
def test_one_page(language: str, wires: tuple[str, ...]) -> None:
    steps = plan(settings(wires))
    for made in (record(), full(steps, Outcome.PASS), full(steps, Outcome.FAIL)):
        lines = draw(made, steps, language).splitlines()
        assert max(map(len, lines)) <= COLUMNS
        assert len(lines) <= A4_LINES


def test_the_verdict() -> None:
    steps = plan(settings())
    assert "ACCEPTED: every step passed." in draw(full(steps, Outcome.PASS), steps, "en")
    dry = draw(full(steps, Outcome.PASS, dry_run=True), steps, "en")
    assert "AS A DRY RUN: no traffic was really moved" in dry
    assert "\nACCEPTED" not in dry
    assert "NOT ACCEPTED: 8 failed, 0 skipped, 0 not done." in draw(full(steps, Outcome.FAIL), steps, "en")
    assert "NON REÇU : 0 en échec, 0 passées, 10 pas faites." in draw(record(), steps, "fr")


def test_the_languages_have_the_same_codes_and_values() -> None:
    def shape(language: str) -> dict[str, set[str | None]]:
        return {
            code: {name for _, name, _, _ in string.Formatter().parse(text)} - {None}
            for code, text in WORDS[language].items()
        }

    assert set(WORDS) == set(LANGUAGES)
    assert shape("en") == shape("fr")
    assert say("fr", "name_pull", paths="fibre") == "débrancher fibre"


def test_the_serial_number(tmp_path: Path) -> None:
    board, identity = tmp_path / "serial-number", tmp_path / "machine-id"
    identity.write_text("0123456789abcdef\n")
    assert site.serial((board,), identity) == "machine-id 0123456789abcdef"
    board.write_bytes(b"10000000deadbeef\0")
    assert site.serial((board,), identity) == "serial 10000000deadbeef"
    assert site.serial((tmp_path / "none",), tmp_path / "none") == "machine-id unknown"
