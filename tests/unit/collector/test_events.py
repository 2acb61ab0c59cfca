"""Log lines: one event, one line, for people or for machines."""

import json
import logging

import pytest

from collector.events import LOG, JsonFormatter, TextFormatter, tell


def _record(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    caplog.clear()
    with caplog.at_level(logging.INFO, LOG.name):
        tell(logging.WARNING, "branch.state", "changed\nhere", branch="acme/b 1", state="ON_5G", level="mine")
    return caplog.records[0]


def test_text(caplog: pytest.LogCaptureFixture) -> None:
    stamp, _, rest = TextFormatter().format(_record(caplog)).partition(" ")
    assert stamp.endswith("Z")
    assert rest == "WARNING branch.state branch='acme/b 1' state=ON_5G level=mine | changed here"


def test_json_is_one_object_and_no_field_hides_ours(caplog: pytest.LogCaptureFixture) -> None:
    line = JsonFormatter().format(_record(caplog))
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("at").endswith("Z")
    assert told == {
        "level": "WARNING",
        "event": "branch.state",
        "sentence": "changed here",
        "branch": "acme/b 1",
        "state": "ON_5G",
    }
