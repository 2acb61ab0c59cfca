import math

import pytest

from branchline.settings import SettingsError, parse
from collector.config import CollectorSettings
from collector.notify.base import Delivered, Later, Refused
from collector.notify.http_answers import asked_wait_s, read_answer
from collector.notify.notifiers import NOTIFIERS
from collector.notify.settings import _KEYS

HEAD = '[collector]\nname = "c1"\n[broker]\nhost = "b"\n[[notify]]\nname = "noc"\n'


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_taken(status: int) -> None:
    assert read_answer(status, "", None, 0.0) == Delivered()


@pytest.mark.parametrize("status", [400, 405, 413, 422])
def test_never(status: int) -> None:
    assert read_answer(status, " no\nsuch ", None, 0.0) == Refused(f"HTTP {status} no such")


@pytest.mark.parametrize(
    ("status", "wait_s"), [(401, 60.0), (403, 60.0), (404, 60.0), (301, 60.0), (500, None), (408, None)]
)
def test_later(status: int, wait_s: float | None) -> None:
    assert read_answer(status, "", None, 0.0) == Later(f"HTTP {status}", wait_s)


def test_retry_after() -> None:
    assert asked_wait_s("7", 0.0) == 7.0
    assert asked_wait_s("-7", 0.0) == 0.0
    assert asked_wait_s("1e9", 0.0) == 3600.0
    assert asked_wait_s("Sun, 22 Nov 2026 02:13:08 GMT", 1_795_313_528.0) == 60.0
    for nonsense in ("", None, "soon", "nan", "inf"):
        assert asked_wait_s(nonsense, 0.0) is None
    assert read_answer(429, "", "3", 0.0) == Later("HTTP 429", 3.0)
    assert math.isfinite(asked_wait_s("3.5", 0.0) or 0.0)


def test_kinds_of_the_settings_are_the_notifiers() -> None:
    assert set(_KEYS) == set(NOTIFIERS)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('kind = "alertmanager"\nurl = "http://a"\nper_minute = 5', "per_minute"),
        ('kind = "apprise"\nurl_file = "/u"\nca_file = "/c"', "ca_file"),
        ('kind = "webhook"\nurl = "http://a"\nport = 25', "port"),
    ],
)
def test_a_key_of_another_kind_is_refused_by_name(more: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=rf"notify\[1\]\.{sentence}: kind \"\w+\" does not use it; remove it"):
        parse(HEAD + more, CollectorSettings, "x")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('name = "a b"', "name"),
        ("severities = []", "severities: the list is empty"),
        ('url = "ftp://a"', "does not start with http"),
        ('timeout = "1h"', "timeout: must be between"),
        ("per_minute = 1", "per_minute: must be between"),
        ('give_up_after = "1s"', "give_up_after: must be between"),
    ],
)
def test_rules(more: str, sentence: str) -> None:
    text = HEAD + 'kind = "webhook"\nurl = "http://a"\n'
    key = more.partition(" =")[0]
    kept = "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} =") or line == 'name = "c1"')
    with pytest.raises(SettingsError, match=sentence):
        parse(f"{kept}\n{more}\n", CollectorSettings, "x")


def test_ports_of_mail() -> None:
    text = HEAD + 'kind = "smtp"\nhost = "m"\nsender = "a@b.example"\nto = ["c@b.example"]\nsecurity = "{}"\n'
    found = [
        parse(text.format(each), CollectorSettings, "x").notify[0].mail_port for each in ("starttls", "tls", "none")
    ]
    assert found == [587, 465, 25]
