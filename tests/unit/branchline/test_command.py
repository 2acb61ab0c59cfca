"""The `branchline` command and what it promises."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from branchline import __main__ as command
from branchline import __version__

ROOT = Path(__file__).parents[3]


def _run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["branchline", *words])
    code = command.main()
    out, err = capsys.readouterr()
    return code, out, err


def test_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(capsys, monkeypatch, "--version") == (0, f"branchline {__version__}\n", "")


def test_without_a_command_the_usage_is_shown_as_a_mistake(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = _run(capsys, monkeypatch)
    assert (code, out) == (2, "")
    assert err.startswith("usage: branchline COMMAND")


def test_nobody_reads_any_more_and_that_is_no_fault_to_show() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "branchline", "lab", "list"],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            cwd=ROOT,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_terminal_without_the_letter_shows_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    poor = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", poor)
    monkeypatch.setattr(sys, "argv", ["branchline", "--version"])
    assert command.main() == 0
    poor.write("● UP")
    poor.flush()
    assert written.getvalue().endswith(b"? UP")


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_help_lists_each_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    code, out, err = _run(capsys, monkeypatch, *words)
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if len(line) > 80] == []
    for name, (_, what) in command.COMMANDS.items():
        assert f"  {name:13} {what}\n" in out


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = _run(capsys, monkeypatch, "dmeo")
    assert (code, out) == (2, "")
    assert err.startswith("branchline: 'dmeo' is not a command; did you mean demo?\n")


@pytest.mark.parametrize("name", command.COMMANDS)
def test_each_command_has_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Also: each module of the list exists and can be imported without doing anything."""
    monkeypatch.setattr(sys, "argv", ["branchline", name, "--help"])
    try:
        code = command.main()
    except SystemExit as done:
        code = int(done.code or 0)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert f"branchline {name}" in out
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_a_missing_package_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.COMMANDS, "strange", ("tests.unit.branchline.needs_a_stranger", ""))
    code, out, err = _run(capsys, monkeypatch, "strange")
    assert (code, out) == (1, "")
    assert err == (
        "branchline: `strange` needs the package stranger_not_installed; install branchline with its extras: "
        'pip install "branchline[agent,collector,demo]"\n'
    )


def test_only_the_wanted_command_is_imported() -> None:
    program = (
        "import sys; sys.argv = ['branchline', '--version']; import branchline.__main__ as m; m.main(); "
        "print([n for n in sys.modules if n.split('.')[0] in {'agent', 'collector', 'lab', 'failover', 'wire'}])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out == f"branchline {__version__}\n[]\n"


def test_an_output_without_room_is_one_sentence() -> None:
    words = [sys.executable, "-m", "branchline", "--help"]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr == "branchline: the output cannot be written: no space left there\n"


def test_ctrl_c_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", interrupted)
    assert _run(capsys, monkeypatch, "status") == (130, "", "")
