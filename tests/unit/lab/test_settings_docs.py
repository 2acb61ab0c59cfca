"""`docs/configuration.md` is what the code says."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.config import BranchSettings
from collector.config import CollectorSettings
from failover.actuators import ACTUATORS
from lab import settings_docs

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / "configuration.md").read_text() == settings_docs.page(), "run: ./run docs"


@pytest.mark.parametrize("whole", [BranchSettings, CollectorSettings])
def test_each_key_is_described_and_no_other(whole: Any) -> None:
    for table in msgspec.structs.fields(whole):
        struct, _ = settings_docs._struct(table.type)
        text, keys = settings_docs.described(struct)
        assert text.startswith("`[")
        assert list(keys) == list(struct.__struct_fields__)


def test_the_actuators_are_those_of_the_map() -> None:
    for name in ACTUATORS:
        assert f'`"{name}"`' in settings_docs.page()
