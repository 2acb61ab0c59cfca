"""Makes sentences of codes and words. Words come from agents and people: clipped to one line, never templates."""

from collections.abc import Mapping

MAX_WORD_CHARS = 80

Words = Mapping[str, Mapping[str, str]]
"""Templates by language and code."""


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def say(words: Words, language: str, code: str, values: Mapping[str, object] | None = None) -> str:
    """The sentence of `code`, English where the language is not known; the code itself where nobody has words for it.

    A value that is missing shows as `?`: an old record may lack what a newer sentence names.
    """
    template = words.get(language, words["en"]).get(code)
    if template is None:
        return one_line(code)
    return template.format_map(_Known({name: one_line(value) for name, value in (values or {}).items()}))


def one_line(value: object, limit: int = MAX_WORD_CHARS) -> str:
    """Text without control characters and line breaks, at most `limit` characters, an ellipsis where it was cut."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def counted(words: Words, language: str, thing: str, number: int) -> str:
    """`1 branch`, `12 branches`: the codes `<thing>.one` and `<thing>.many`. French counts zero as one."""
    one = number < 2 if language == "fr" else number == 1
    return say(words, language, f"{thing}.{'one' if one else 'many'}", {"n": number})
