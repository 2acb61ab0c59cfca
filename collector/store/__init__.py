"""Databases. Adding one = a writer and a reader in new files, and one line each in `STORES` and `HISTORIES`."""

from collections.abc import Callable
from pathlib import Path

import aiohttp

from collector.config import StoreSettings
from collector.secret_files import secret
from collector.store.base import Store
from collector.store.history import History
from collector.store.influx1 import Influx1
from collector.store.influx2 import Influx2
from collector.store.influx2_history import Influx2History
from collector.store.influx_history import InfluxHistory
from collector.store.sqlite import Sqlite
from collector.store.sqlite_history import SqliteHistory

SQLITE_FILE = "history.db"


def sqlite_file(settings: StoreSettings, data_dir: Path) -> Path:
    """Where the embedded store keeps its points."""
    return Path(settings.file) if settings.file else data_dir / SQLITE_FILE


def _sqlite(settings: StoreSettings, data_dir: Path) -> Store:
    return Sqlite(sqlite_file(settings, data_dir))


def _influx1(settings: StoreSettings, _data_dir: Path) -> Store:
    password = secret(settings.password_file, "password_file in [store]")
    return Influx1(
        url=settings.url,
        database=settings.database,
        username=settings.username,
        password=password,
        timeout_s=settings.timeout,
    )


def _influx2(settings: StoreSettings, _data_dir: Path) -> Store:
    token = secret(settings.token_file, "token_file in [store]")
    return Influx2(url=settings.url, bucket=settings.bucket, org=settings.org, token=token, timeout_s=settings.timeout)


STORES: dict[str, Callable[[StoreSettings, Path], Store]] = {
    "sqlite": _sqlite,
    "influx1": _influx1,
    "influx2": _influx2,
}


def _read_sqlite(settings: StoreSettings, data_dir: Path) -> History:
    return SqliteHistory(sqlite_file(settings, data_dir), timeout_s=settings.timeout)


def _read_influx1(settings: StoreSettings, _data_dir: Path) -> History:
    password = secret(settings.password_file, "password_file in [store]")
    auth = aiohttp.BasicAuth(settings.username, password) if settings.username else None
    return InfluxHistory(url=settings.url, database=settings.database, auth=auth, timeout_s=settings.timeout)


def _read_influx2(settings: StoreSettings, _data_dir: Path) -> History:
    token = secret(settings.token_file, "token_file in [store]")
    return Influx2History(url=settings.url, bucket=settings.bucket, token=token, timeout_s=settings.timeout)


HISTORIES: dict[str, Callable[[StoreSettings, Path], History]] = {
    "sqlite": _read_sqlite,
    "influx1": _read_influx1,
    "influx2": _read_influx2,
}


def history_of(settings: StoreSettings, data_dir: Path) -> History:
    """The reader of the store these settings name; nothing is asked yet.

    Raises:
        SettingsError: a secret cannot be read.
    """
    return HISTORIES[settings.kind](settings, data_dir)
