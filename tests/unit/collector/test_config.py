from pathlib import Path

import pytest

from branchline.settings import parse
from collector.cli import main
from collector.config import CollectorSettings, StoreSettings
from collector.store import STORES

BAD = Path(__file__).parents[2] / "bad_settings" / "collector_unknown_store.toml"
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


@pytest.mark.parametrize("command", ["run", "branches"])
def test_a_bad_file_gets_the_sentence_that_check_config_gives(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--config", str(BAD)]) == 2
    assert (
        capsys.readouterr().err
        == BAD.read_text().partition("\n")[0].removeprefix("# ").replace("FILE", str(BAD)) + "\n"
    )


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            'password_file = "{0}/none"',
            "{0}/none: password_file in [broker] cannot be read (No such file or directory)",
        ),
        (
            'ca_file = "{0}/none"',
            "ca_file, cert_file or key_file in [broker] cannot be used (No such file or directory)",
        ),
    ],
)
def test_a_file_that_the_settings_name_and_that_is_not_there_is_a_mistake_in_the_settings(
    more: str,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("collector.cli.start_logging", lambda form: None)  # it is for the whole process
    file = tmp_path / "collector.toml"
    text = GOOD.replace("parts = [0, 5]", f'data_dir = "{tmp_path}/data"')
    user = 'username = "c"\n' if "password" in more else ""
    file.write_text(text.replace('host = "broker"\n', f'host = "broker"\n{user}{more.format(tmp_path)}\n'))
    assert main(["run", "--config", str(file)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(sentence.format(tmp_path))


def test_kinds_of_the_settings_are_the_stores() -> None:
    url = "http://db:8086"
    kinds = [
        StoreSettings(),
        StoreSettings("influx1", url=url, database="d"),
        StoreSettings("influx2", url=url, bucket="b"),
    ]
    assert [each.kind for each in kinds] == list(STORES)


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
