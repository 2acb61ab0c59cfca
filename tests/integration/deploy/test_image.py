"""The image's recipe fits the tree it is made from."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "deploy" / "compose"


def test_the_image_is_made_of_locked_versions_and_runs_as_nobody_special() -> None:
    text = (COMPOSE / "Dockerfile").read_text()
    assert "--require-hashes --no-deps -r /build/run.txt" in text
    assert text.index("USER branchline-collector") < text.index("ENTRYPOINT")
    lines = (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [line[1:] for line in lines if line.startswith("!")]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    assert set(re.findall(r'"(\w+)"', packages[1])) <= set(copied)
