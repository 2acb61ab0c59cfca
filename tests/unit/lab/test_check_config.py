"""`branchline check-config`: one sentence for each mistake, exact to the letter."""

import json
from pathlib import Path

import pytest

from agent.config import BranchSettings
from branchline import settings
from lab import check_config

ROOT = Path(__file__).parents[3]
BAD = sorted((ROOT / "tests" / "bad_settings").glob("*.toml"))
EXAMPLES = ROOT / "docs" / "examples"

GOOD = """
[agent]
tenant = "acme"
branch = "lyon-3"
name = "rtr1"

[[path]]
name = "isp1"
interface = "eth1"
rank = 1

[[anchor]]
name = "paris"
ipv4 = "192.0.2.1"
"""


def _good(tmp_path: Path, more: str = "") -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(GOOD + more)
    return file


@pytest.mark.parametrize("file", BAD, ids=lambda file: str(file.stem))
def test_a_bad_file_gets_exactly_its_sentence(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence stands in the file's first line, a comment."""
    expected = file.read_bytes().partition(b"\n")[0].decode().strip().removeprefix("# ").replace("FILE", str(file), 1)
    assert check_config.main([str(file)]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", expected + "\n")


def test_the_folder_of_bad_files_is_there() -> None:
    assert len(BAD) > 80


@pytest.mark.parametrize(
    ("name", "summary"),
    [("agent", "agent acme/lyon-3/rtr1, 3 paths, 3 anchors"), ("collector", "collector hq1, store influx1")],
)
def test_the_examples_of_the_documentation_are_correct(
    name: str, summary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = EXAMPLES / f"{name}.toml"
    assert check_config.main(["--no-files", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: correct ({summary})\n", "")


def test_an_inventory_has_a_command_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    file = EXAMPLES / "inventory.toml"
    assert check_config.main([str(file)]) == 2
    assert capsys.readouterr().err == f"{file}: is an inventory; check it with `branchline inventory check {file}`\n"


def test_one_of_each_is_singular(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _good(tmp_path)
    assert check_config.main([str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: correct (agent acme/lyon-3/rtr1, 1 path, 1 anchor)\n"


def test_json_when_correct(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _good(tmp_path)
    assert check_config.main(["--json", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "correct": True,
        "kind": "agent",
        "summary": "agent acme/lyon-3/rtr1, 1 path, 1 anchor",
        "digest": settings.digest(GOOD),
    }


def test_json_when_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "absent.toml"
    assert check_config.main(["--json", str(file)]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "correct": False,
        "error": f"{file}: cannot be read (No such file or directory); check the path and its permissions",
    }


def test_a_cellular_path_is_metered(tmp_path: Path) -> None:
    file = _good(tmp_path, '\n[[path]]\nname = "5g"\ninterface = "wwan0"\nrank = 2\nrole = "cell"\nmetered = false\n')
    wire, cell = settings.load(file, BranchSettings).path
    assert (wire.metered, cell.metered) == (False, True)


@pytest.mark.parametrize(
    ("mode", "content", "fault"),
    [
        (0o600, "secret\n", ""),
        (0o640, "secret\n", ""),
        (0o644, "secret\n", "can be read by everybody; run: chmod o-rwx {}"),
        (0o602, "secret\n", "can be read by everybody; run: chmod o-rwx {}"),
        (0o600, "", "is empty; write it again"),
    ],
)
def test_a_secret_is_nobody_else_s(tmp_path: Path, mode: int, content: str, fault: str) -> None:
    secret = tmp_path / "password"
    secret.write_text(content)
    secret.chmod(mode)
    file = _good(tmp_path, f'\n[broker]\nhost = "broker.example.com"\npassword_file = "{secret}"\n')
    try:
        check_config.check(file)
    except settings.SettingsError as error:
        said = str(error)
    else:
        said = ""
    wanted = f'{file} line 18: broker.password_file: "{secret}" {fault.format(secret)}'
    assert said == (wanted if fault else "")
    assert check_config.check(file, files=False)


def test_a_certificate_may_be_read_by_everybody_but_must_be_a_file(tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("certificate\n")
    certificate.chmod(0o644)
    file = _good(tmp_path, f'\n[broker]\nhost = "b"\nca_file = "{certificate}"\n')
    assert check_config.check(file)
    file = _good(tmp_path, f'\n[broker]\nhost = "b"\nca_file = "{tmp_path}"\n')
    with pytest.raises(settings.SettingsError, match="is not a file; name the file itself"):
        check_config.check(file)


def test_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        check_config.main([])
    assert caught.value.code == 2
    assert "usage: branchline check-config" in capsys.readouterr().err
