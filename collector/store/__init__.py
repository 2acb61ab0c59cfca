"""Databases. Adding one = one new file and one line in `STORES`."""

from collections.abc import Callable

from collector.config import StoreSettings
from collector.secret_files import secret
from collector.store.base import Store
from collector.store.influx1 import Influx1
from collector.store.influx2 import Influx2


def _influx1(settings: StoreSettings) -> Store:
    password = secret(settings.password_file, "password_file in [store]")
    return Influx1(
        url=settings.url,
        database=settings.database,
        username=settings.username,
        password=password,
        timeout_s=settings.timeout,
    )


def _influx2(settings: StoreSettings) -> Store:
    token = secret(settings.token_file, "token_file in [store]")
    return Influx2(url=settings.url, bucket=settings.bucket, org=settings.org, token=token, timeout_s=settings.timeout)


STORES: dict[str, Callable[[StoreSettings], Store]] = {"influx1": _influx1, "influx2": _influx2}
