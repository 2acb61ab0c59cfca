"""Errors of the uplink."""


class TransportError(Exception):
    """No session with the broker, or not any more. The text is the one sentence to show."""
