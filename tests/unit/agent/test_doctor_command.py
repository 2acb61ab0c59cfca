"""The command: its page, its report, its exit codes, its bench."""

import json
from pathlib import Path

import pytest

from agent.config import BranchSettings
from agent.doctor import checks, report
from agent.doctor.bench import judging, machine, memory, run
from agent.doctor.bench.quantiles import quantiles
from agent.doctor.cli import main
from agent.doctor.finding import Finding, Mark, fail, well
from agent.doctor.site import AgentUser, Missing, Site
from branchline.settings import load

DOCS = Path(__file__).parents[3] / "docs"


def _site() -> Site:
    nobody = Missing("not asked")
    settings = load(DOCS / "examples/agent.toml", BranchSettings)
    return Site(Path("x"), "", settings, nobody, nobody, nobody, AgentUser("u", None, (0,), None))


def test_the_page_lists_each_check_and_no_other() -> None:
    table = "| check | makes sure that |\n|---|---|\n"
    table += "".join(f"| `{name}` | {check.what} |\n" for name, check in checks.CHECKS.items())
    assert table + "\n" in (DOCS / "doctor.md").read_text()


def test_the_page_explains_each_sign() -> None:
    page = (DOCS / "doctor.md").read_text()
    for mark, sign in report.SIGNS.items():
        assert f"| `{sign}` | `{mark}` |" in page


def test_names_fit_their_column() -> None:
    assert max(map(len, checks.CHECKS)) <= 13


def test_lines() -> None:
    assert report.lines("gateway", well("fibre", "IPv4 via 192.0.2.1")) == [
        "+ ok    gateway        fibre: IPv4 via 192.0.2.1"
    ]
    assert report.lines("actor", fail("", "gone", "start it")) == ["X FAIL  actor          gone", "        start it"]


def test_the_document() -> None:
    found = [("a", well("", "fine")), ("b", Finding(Mark.SKIP, "p", "not now"))]
    document = json.loads(report.document(found))
    assert document["well"] is True
    assert document["counts"] == {"ok": 1, "warn": 0, "FAIL": 0, "skip": 1}
    assert document["findings"][1] == {"check": "b", "about": "p", "mark": "skip", "said": "not now", "remedy": ""}
    assert json.loads(report.document([("a", fail("", "bad", "mend it"))]))["well"] is False


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_site: Site) -> list[Finding]:
        raise KeyError("uplink")

    monkeypatch.setitem(checks.CHECKS, "agent", checks.Check("", broken))
    (finding,) = checks.examine("agent", _site())
    assert (finding.mark, finding.said) == (Mark.FAIL, "could not be checked")


def test_bad_settings_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[agent]\ntenant = "t"\nbranch = "b"\nnme = "a"\n')
    for words in ([], ["--bench"]):
        assert main(["--config", str(file), *words]) == 2
        out, err = capsys.readouterr()
        assert (out, err) == ("", f"{file} line 4: agent.nme is not a known key; did you mean name?\n")
    assert main(["--config", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


def test_quantiles_are_nearest_ranks() -> None:
    assert quantiles([]) is None
    assert quantiles([3.0]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0, "max": 3.0}
    assert quantiles([float(number) for number in range(1, 101)]) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}


def test_models() -> None:
    pi = "Raspberry Pi 3 Model B Plus Rev 1.3\0"
    assert machine.model(pi, "") == "Raspberry Pi 3 Model B Plus Rev 1.3"
    assert (
        machine.model("", "processor : 0\nmodel name\t: AMD EPYC\n\nprocessor : 1\nmodel name\t: AMD EPYC\n")
        == "AMD EPYC"
    )
    assert machine.model("", "") == "unknown"


def test_memory_and_time_of_a_process(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "smaps_rollup").write_text("00400000-7fff ---p 0 00:00 0 [rollup]\nRss: 9000 kB\nPss:  2048 kB\n")
    (tmp_path / "7" / "stat").write_text("7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 5 6 7")
    assert memory.pss_mib(7, tmp_path) == 2.0
    assert memory.cpu_s(7, tmp_path) == pytest.approx(2.0)
    assert (memory.pss_mib(8, tmp_path), memory.cpu_s(8, tmp_path)) == (None, None)


def test_the_bench_measures_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(judging, "FOR_S", 0.01)
    monkeypatch.setattr("agent.doctor.bench.disk.TIMES", 3)
    document = run.run(tmp_path, tmp_path / "run", probe_s=0.1)
    assert document["disk"]["is_state_dir"]
    assert document["disk"]["fdatasync_ms"]["max"] > 0
    assert document["disk"]["spool_commit_ms"]["max"] > 0
    assert document["judging"]["replies_per_s"] > 100
    assert document["processes"] == {}
    assert list(tmp_path.iterdir()) == []
    assert "decide()" in run.draw(document)
    assert capsys.readouterr().err.startswith("bench: probing loopback")
