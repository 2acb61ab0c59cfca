"""Shared by all tests."""

import hypothesis
import pytest

# Two cores shared with real brokers and databases: a slow example is no fault. pytest-timeout guards the whole test.
hypothesis.settings.register_profile("branchline", deadline=None)
hypothesis.settings.load_profile("branchline")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_missing(reason): a part CI must have is missing")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs_missing"):
        pytest.fail(f"CI must have this: {mark.args[0]}")
