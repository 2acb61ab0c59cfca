"""The conversation at the terminal: prompts, a line of progress, a person's lines while something is waited for."""

import select
import sys
import time
from collections.abc import Callable
from typing import Protocol

COLUMNS = 79


class StoppedError(Exception):
    """The person stops here, or the terminal is gone."""


class Talk(Protocol):
    """What the walk needs of whoever is at the terminal."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""

    def heard(self, within_s: float) -> str | None:
        """A line the person typed meanwhile; None: none. Raises StoppedError when nobody is there any more."""

    def ask(self, question: str) -> str | None:
        """The answer, as one line; None: nobody is there to answer. Raises StoppedError as `heard`."""


class Terminal:
    """A person at a terminal."""

    def __init__(self) -> None:
        self._shown = ""

    def say(self, text: str) -> None:
        """One line that stays."""
        self._wipe()
        print(text, flush=True)  # noqa: T201 - the conversation

    def progress(self, text: str) -> None:
        """A line that the next one replaces."""
        text = text[:COLUMNS]
        if text == self._shown:
            return
        sys.stdout.write("\r" + text.ljust(len(self._shown)))
        sys.stdout.flush()
        self._shown = text

    def heard(self, within_s: float) -> str | None:
        """A line typed within so many seconds."""
        if not select.select([sys.stdin], [], [], within_s)[0]:
            return None
        return self._line()

    def ask(self, question: str) -> str | None:
        """The answer to a question."""
        self._wipe()
        sys.stdout.write(question)
        sys.stdout.flush()
        return self._line()

    def _line(self) -> str:
        line = sys.stdin.readline()
        if not line:
            raise StoppedError
        self._shown = ""
        return line.strip()

    def _wipe(self) -> None:
        if self._shown:
            sys.stdout.write("\r" + " " * len(self._shown) + "\r")
            self._shown = ""


class Unattended:
    """`--yes`: nobody is asked. A line of progress is printed when it says something new."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def say(self, text: str) -> None:
        """One line."""
        print(text, flush=True)  # noqa: T201 - the conversation

    def progress(self, text: str) -> None:
        """Nothing: nobody watches."""

    def heard(self, within_s: float) -> str | None:
        """Nobody types."""
        self._sleep(within_s)
        return None

    def ask(self, question: str) -> str | None:  # noqa: ARG002 - the question of the protocol
        """Nobody answers."""
        return None
