from pathlib import Path

import pytest

from branchline.settings import SettingsError, load, parse
from collector.cli import main
from collector.config import CollectorSettings
from collector.store import STORES

BAD = Path(__file__).parent / "bad"
GOOD = """
[collector]
name = "c1"
parts = [0, 5]
[broker]
host = "broker"
[store]
kind = "influx1"
url = "http://db:8086"
database = "branchline"
"""


def test_good() -> None:
    settings = parse(GOOD, CollectorSettings, "x")
    assert settings.collector.owned_parts == {0, 5}
    assert len(parse(GOOD.replace("parts = [0, 5]\n", ""), CollectorSettings, "x").collector.owned_parts) == 64
    assert settings.data_dir == Path("/var/lib/branchline-collector")


@pytest.mark.parametrize("file", sorted(BAD.glob("*.toml")), ids=lambda file: file.stem)
def test_bad(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each bad file ends with its exact sentence in a comment; `FILE` stands for its path."""
    expected = file.read_text().strip().splitlines()[-1].removeprefix("# ").replace("FILE", str(file))
    with pytest.raises(SettingsError) as error:
        load(file, CollectorSettings)
    assert str(error.value) == expected
    assert main(["run", "--config", str(file)]) == 2
    assert capsys.readouterr().err == expected + "\n"


def test_kinds_of_the_settings_are_the_stores() -> None:
    for kind in STORES:
        extra = 'database = "d"' if kind == "influx1" else 'bucket = "b"'
        text = GOOD.replace('kind = "influx1"', f'kind = "{kind}"').replace('database = "branchline"', extra)
        assert parse(text, CollectorSettings, "x").store.kind == kind


def test_help_names_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--help"], ["run", "--help"], ["branches", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0
        assert "exit codes: 0 done, 1 it failed, 2 wrong usage or settings" in capsys.readouterr().out


def test_branches_without_a_collector(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(GOOD.replace("parts = [0, 5]", f'data_dir = "{tmp_path}/none"'))
    assert main(["branches", "--config", str(file)]) == 1
    assert "no such file; has the collector run with this data_dir?" in capsys.readouterr().err
