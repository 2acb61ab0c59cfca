"""Errors of the incident desk."""


class UnknownIncidentError(Exception):
    """No incident has this id; the text is the one sentence to show."""
