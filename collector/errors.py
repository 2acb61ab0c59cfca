"""Errors of the collector, one class for each thing a caller can do about them."""


class CollectorError(Exception):
    """The collector cannot run; the text is the one sentence to show. Exit code 1."""


class JournalFullError(OSError):
    """The journal is at its configured limit: stop acknowledging until the database has taken some of it."""
