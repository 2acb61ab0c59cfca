"""A command whose package is not installed."""

import stranger_not_installed  # type: ignore[import-not-found]  # noqa: F401
