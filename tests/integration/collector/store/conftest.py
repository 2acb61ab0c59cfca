"""Servers for the tests of this folder."""

from tests.integration.collector.conftest import influx, influx_server, metrics

__all__ = ["influx", "influx_server", "metrics"]
