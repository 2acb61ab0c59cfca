"""systemd's own verdict on the units: no complaint, and how exposed each one is."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.collector.servers import ROOT
from tests.needs import needs_program

pytestmark = needs_program("systemd-analyze")
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MOST = {"actor": 4.0, "canary-create": 5.0}  # of 10; one moves routes, the other makes a namespace, once, as root
MOST_OF_OTHERS = 2.5


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with a program that exists: `verify` looks for it, and /opt/branchline is not on this machine."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(re.sub(r"/opt/branchline/bin/[a-z-]+", "/bin/true", unit.read_text()))
    return tmp_path


def test_systemd_has_no_complaint(installed: Path) -> None:
    files = [str(file) for file in installed.iterdir()]
    done = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", *files), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", [unit.name for unit in UNITS])
def test_how_exposed_a_unit_is(installed: Path, name: str) -> None:
    command = ("systemd-analyze", "security", "--offline=yes", "--no-pager", str(installed / name))
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    print(f"{name}: {found[1]}")  # noqa: T201 - shown by pytest -rP
    assert float(found[1]) <= MOST.get(name.removeprefix("branchline-").removesuffix(".service"), MOST_OF_OTHERS)
