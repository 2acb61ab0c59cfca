"""What docs/alerting.md shows is what the program takes and sends."""

import re
from pathlib import Path

import pytest

from branchline.settings import parse
from collector.config import CollectorSettings
from collector.notify.model import NoticeEvent
from collector.notify.notifiers import NOTIFIERS
from collector.notify.page_text import compose
from tests.unit.collector.notify.incidents import START_S, incident, places

PAGE = (Path(__file__).parents[4] / "docs" / "alerting.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)
HEAD = '[collector]\nname = "c1"\n[broker]\nhost = "b"\n'


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_are_correct(example: str) -> None:
    assert parse(HEAD + example, CollectorSettings, "alerting.md").notify


def test_each_kind_has_an_example() -> None:
    assert set(re.findall(r'kind = "(\w+)"', "".join(EXAMPLES))) == set(NOTIFIERS)


def test_every_field_it_names_is_sent() -> None:
    sentence = PAGE.partition("A POST of one JSON object:")[2].partition("A `digest`")[0]
    named = set(re.findall(r"`(\w+)`", sentence)) - {"subject", "body", "url", *map(str, NoticeEvent), "digest"}
    text = compose(NoticeEvent.TRIGGER, incident(), places=places(), language="en", base_url="", now_s=START_S)
    assert named <= set(text.fields)
    assert len(named) > 15
