"""Databases. Adding one = one new file and one line in `STORES`."""

from collections.abc import Callable
from pathlib import Path

from collector.config import StoreSettings
from collector.secret_files import secret
from collector.store.base import Store
from collector.store.influx1 import Influx1
from collector.store.influx2 import Influx2
from collector.store.sqlite import Sqlite

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
