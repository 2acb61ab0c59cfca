"""Words of messages in each language, and how values from elsewhere are made harmless inside them."""

from collections.abc import Mapping
from types import MappingProxyType

from collector.words.message_english import ENGLISH
from collector.words.message_french import FRENCH
from collector.words.speak import one_line
from collector.words.speak import say as _say

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({"en": ENGLISH, "fr": FRENCH})
"""Sentences by language and code."""

# A message may end in a mail, a chat, a table: what is markup, a mention or a link in one of them becomes plain.
_PLAIN = str.maketrans(
    {"<": "‹", ">": "›", "`": "'", "[": "(", "]": ")", "*": "·", "|": "¦", "@": "(at)", "\\": "/", "~": "-"}  # noqa: RUF001
)


def plain(value: object, limit: int = 80) -> str:
    """A value of an agent, an inventory or a person, as it may stand in a message.

    One line, no control characters, nothing that a mail or a chat would take for markup, a mention or a link.
    """
    return one_line(str(value)[: 4 * limit].translate(_PLAIN).replace("://", ": //"), limit)


def say(language: str, code: str, **values: object) -> str:
    """The sentence of `code`, each value made harmless."""
    return _say(WORDS, language, code, {name: plain(value) for name, value in values.items()})
