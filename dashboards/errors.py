"""What a user is told, in one sentence."""


class DashboardsError(Exception):
    """Something cannot be done; the text says what, where and what to do."""
