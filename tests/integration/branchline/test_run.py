"""`./run` on machines that lack something: one sentence, and nothing half made that the next call would trust."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUN = ROOT / "run"


def _run(*words: str, venv: Path, **environment: str) -> tuple[int, str]:
    """Exit code and what it said."""
    # not the index nor the folders of this machine, so that "no network" is what the script meets
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    done = subprocess.run(
        ["bash", str(RUN), *words],
        env=inherited | {"BRANCHLINE_VENV": str(venv)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def _path_with(folder: Path, python: str | None) -> str:
    """A PATH with the base system's programs, and `python` (a script) as the only Python."""
    folder.mkdir()
    for program in Path("/usr/bin").iterdir():
        if not program.name.startswith(("python", "pypy")):
            (folder / program.name).symlink_to(program)
    if python is not None:
        program = folder / "python3"
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
    return str(folder)


def test_without_python(tmp_path: Path) -> None:
    path = _path_with(tmp_path / "bin", None)
    assert _run("demo", venv=tmp_path / "venv", PATH=path) == (
        1,
        "run: no Python 3.11 or newer on PATH; install one: apt install python3 python3-venv\n",
    )


def test_a_stand_in_and_an_old_python_count_as_none(tmp_path: Path) -> None:
    path = _path_with(tmp_path / "bin", "echo 'not installed' >&2; exit 127")
    code, said = _run("demo", venv=tmp_path / "venv", PATH=path)
    assert (code, "no Python 3.11 or newer" in said) == (1, True)


def test_without_the_venv_module(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    script = f'case "$*" in *ensurepip*) exit 1 ;; *realpath*) echo "$0" ;; *) exec {sys.executable} "$@" ;; esac'
    code, said = _run("demo", venv=tmp_path / "venv", PATH=_path_with(folder, script))
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert (code, said) == (
        1,
        f"run: this Python cannot make virtual environments; install the missing part: apt install {package}\n",
    )


def test_without_network_and_again(tmp_path: Path) -> None:
    """The half-made environment of the first call is not trusted by the second."""
    venv = tmp_path / "venv"
    for _ in range(2):
        code, said = _run("demo", venv=venv, PIP_INDEX_URL="https://127.0.0.1:9/simple")
        assert code == 1
        assert said.splitlines()[-1] == (
            "run: no network: the package index does not answer; "
            "connect this machine (or set HTTPS_PROXY) and call again"
        )
        assert "making" in said
        assert not list(venv.glob("lock.*"))


@pytest.mark.parametrize("before", [False, True])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, *, before: bool) -> None:
    venv = tmp_path / "photos"
    venv.mkdir()
    if before:
        (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (venv / "one.jpg").write_text("x")
    code, said = _run("demo", venv=venv)
    assert (code, said) == (
        1,
        f"run: {venv} exists and was not made by ./run; remove it, or set BRANCHLINE_VENV to another folder\n",
    )
    assert (venv / "one.jpg").exists()


def test_a_place_that_cannot_be_written() -> None:
    assert _run("demo", venv=Path("/proc/branchline")) == (
        1,
        "run: cannot write /proc/branchline.busy; set BRANCHLINE_VENV to a folder you may write\n",
    )


def test_an_unknown_bench_is_named(tmp_path: Path) -> None:
    assert _run("bench", "nothing", venv=tmp_path / "venv") == (
        2,
        "run: there is no bench called nothing; ./run bench lists them\n",
    )
