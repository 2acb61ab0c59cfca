"""The files of `deploy/` as values."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
UNITS = {file.name: file.read_text() for file in sorted((DEPLOY / "systemd").glob("*.service"))}
_NAMES = ("install-branch", "install-centre", "raspberry-pi", "commission", "branch-router", "broker")
PAGES = [ROOT / "docs" / f"{name}.md" for name in _NAMES]


def values(unit: str, key: str) -> list[str]:
    """Each value of a key, in order."""
    return re.findall(rf"^{key}=(.*)$", UNITS[unit], re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """Every call of ours in a text, by its words: those of a shell, with line ends continued."""
    call = r"(?<![\w/.-])(?:/opt/branchline/bin/)?(branchline(?:-agent)? [a-z][^`\n|)]*)"
    calls = re.findall(call, text.replace("\\\n", " "))
    return [re.split(r"\s{2,}", call)[0].split() for call in calls]
