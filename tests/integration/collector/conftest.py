"""Servers for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.collector.servers import (
    InfluxDB,
    Server,
    free_port,
    influxd,
    mosquitto,
    serve,
    victoria,
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """A running mosquitto."""
    yield from serve(mosquitto(tmp_path, free_port()))


@pytest.fixture
def influx_server(tmp_path: Path) -> Iterator[Server]:
    """A running InfluxDB 1.6."""
    yield from serve(influxd(tmp_path, free_port()))


@pytest.fixture
def influx(influx_server: Server) -> InfluxDB:
    """InfluxDB 1.6 with the database `bl`."""
    assert influx_server.port is not None
    database = InfluxDB(influx_server.port)
    database.create("bl")
    return database


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Server]:
    """A running VictoriaMetrics."""
    yield from serve(victoria(tmp_path, free_port()))
