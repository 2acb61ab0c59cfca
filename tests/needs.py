"""What a test needs of the machine. Missing: skip with a plain reason; with BRANCHLINE_NEED_ALL=1 (CI) fail instead."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def _require(met: bool, reason: str) -> pytest.MarkDecorator:  # noqa: FBT001
    if not met and os.environ.get("BRANCHLINE_NEED_ALL") == "1":
        return pytest.mark.needs_missing(reason)
    return pytest.mark.skipif(not met, reason=reason)


needs_root = _require(os.geteuid() == 0, "needs root for network namespaces: sudo ./run test")


def needs_program(name: str) -> pytest.MarkDecorator:
    """The test runs a real program from Debian."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    return _require(shutil.which(name, path=path) is not None, f"needs the program {name}: apt install it")


def missing(reason: str) -> NoReturn:
    """What only shows while a test is made ready: the same rule as the marks."""
    if os.environ.get("BRANCHLINE_NEED_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
