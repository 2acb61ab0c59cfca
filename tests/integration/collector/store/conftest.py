"""Servers for the tests of this folder."""

from tests.integration.collector.conftest import broker, influx, influx_server, metrics

__all__ = ["broker", "influx", "influx_server", "metrics"]
