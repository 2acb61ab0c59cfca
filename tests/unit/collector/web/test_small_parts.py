"""Languages, times, charts, attempts, passwords, words, addresses to go on to."""

import string
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from collector.web import chart
from collector.web.attempts import LIMITS, MAX_KEYS, WINDOW_S, Attempts
from collector.web.languages import choose
from collector.web.pages import local_path
from collector.web.passwords import hash_password, is_right, weakness
from collector.web.settings import WebSettings
from collector.web.stamps import age, stamp, zone_of
from collector.words import LANGUAGES
from collector.words.page_words import WORDS

NOW_S = 1_790_000_000.0
PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, "de, en;q=0.5, fr;q=0.6", "fr"),
        (None, "de", "en"),
        (None, "fr;q=0, en;q=0.1", "en"),
        (None, "fr;q=x", "en"),
        ("fr", "en", "fr"),
        ("xx", "fr", "fr"),
        (None, "", "en"),
    ],
)
def test_language(cookie: str | None, accept: str, language: str) -> None:
    assert choose(cookie, accept, "en") == language


def test_languages_have_the_same_words_and_the_same_places_in_them() -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert set(WORDS) == set(LANGUAGES)
    for code, text in WORDS["en"].items():
        for language in LANGUAGES:
            assert places(WORDS[language][code]) == places(text), (language, code)
    assert all(words.keys() == WORDS["en"].keys() for words in WORDS.values())


def test_times() -> None:
    assert stamp(NOW_S, NOW_S, PARIS, "en") == "16:13"
    assert stamp(NOW_S - 86400, NOW_S, PARIS, "fr") == "20 sept. 16:13"
    assert stamp(NOW_S - 366 * 86400, NOW_S, UTC, "en", seconds=True) == "20 Sep 2025 14:13:20"
    assert stamp(9e18, NOW_S, PARIS, "en"), "an agent's clock may say anything"
    assert [age(each, "fr") for each in (-5, 59, 61, 7500, 4 * 86400)] == ["0 s", "59 s", "1 min", "2 h 05", "4 j"]
    assert zone_of("Nowhere/../etc") is UTC


def test_charts() -> None:
    assert [chart.nice(each) for each in (0.0, 0.3, 1.0, 11.0, 20.0, 21.0, float("nan"))] == [
        1.0,
        0.5,
        1.0,
        20.0,
        20.0,
        50.0,
        1.0,
    ]
    x, y = chart.time_scale(0, 100), chart.value_scale(10)
    path = chart.line([0, 10, 20, 30], [1.0, None, 2.0, 3.0], x, y)
    assert path.count("M") == 2, "a missing value breaks the line"
    assert path.count("L") == 1
    assert chart.bars([0], [None], x, 10) == chart.bars([0], [0.0], x, 10) == ""
    assert x.place(1e9) == chart.WIDTH - chart.RIGHT
    assert chart.Scale(5, 5, 0, 10).place(5) == 0


def test_attempts_by_address_and_user() -> None:
    attempts = Attempts()
    for _ in range(LIMITS["both"]):
        assert attempts.wait_s("10.0.0.1", "camille", 0.0) == 0
        attempts.failed("10.0.0.1", "camille", 0.0)
    assert attempts.wait_s("10.0.0.1", "camille", 1.0) == WINDOW_S - 1
    assert attempts.wait_s("10.0.0.2", "camille", 1.0) == 0, "elsewhere the user can still log in"
    assert attempts.wait_s("10.0.0.1", "camille", WINDOW_S) == 0
    for number in range(LIMITS["address"]):
        attempts.failed("10.0.0.3", f"u{number}", 0.0)
    assert attempts.wait_s("10.0.0.3", "another", 1.0) > 0
    attempts.succeeded("10.0.0.1", "camille")
    assert attempts.wait_s("10.0.0.1", "camille", 1.0) == 0


def test_attempts_are_bounded() -> None:
    attempts = Attempts()
    for number in range(MAX_KEYS):
        attempts.failed(f"a{number}", "u", 0.0)
    assert len(attempts._failures) <= MAX_KEYS


def test_passwords() -> None:
    kept = hash_password("correct horse")
    assert is_right(kept, "correct horse")
    assert not is_right(kept, "wrong horse")
    assert not is_right(None, "nobody has this password"), "not even the one that stands for nobody's"
    assert not is_right("not a hash", "correct horse")
    assert weakness("short")
    assert weakness("x" * 501)
    assert not weakness("long enough")


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "", "/a\nb", "x"],
)
def test_going_on_never_leaves_the_site(wanted: str) -> None:
    assert local_path(wanted) == "/"


def test_going_on() -> None:
    assert local_path("/branch/acme/b1?hours=24") == "/branch/acme/b1?hours=24"


@pytest.mark.parametrize(
    ("listen", "public_url", "free"),
    [
        ("127.0.0.1:8480", "", True),
        ("[::1]:8480", "", True),
        ("127.0.0.1:8480", "http://localhost:8480", True),
        ("127.0.0.1:8480", "https://noc.example", False),
        ("0.0.0.0:8480", "", False),
        ("0.0.0.0:8480", "http://localhost", False),
    ],
)
def test_who_need_not_log_in(listen: str, public_url: str, free: bool) -> None:  # noqa: FBT001 - a table's column
    assert WebSettings(listen=listen, public_url=public_url).asks_nobody is free


def test_a_time_zone_nobody_has() -> None:
    with pytest.raises(ValueError, match="timezone: 'Mars/Base' is not a time zone"):
        WebSettings(timezone="Mars/Base")


def test_who_logs_in_often_is_not_kept_out() -> None:
    attempts = Attempts()
    for _ in range(2 * LIMITS["user"]):
        assert attempts.wait_s("10.0.0.1", "camille", 0.0) == 0
        attempts.failed("10.0.0.1", "camille", 0.0)
        attempts.succeeded("10.0.0.1", "camille")
