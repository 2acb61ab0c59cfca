"""`branchline collector test-page`: see whether messages arrive."""

import asyncio
import sys
import time

import msgspec

from branchline.settings import SettingsError
from collector.config import CollectorSettings
from collector.notify.base import Delivered, Later, Result
from collector.notify.test_page import send_test_page


def main(settings: CollectorSettings, *, to: str | None, as_json: bool) -> int:
    """Send and print a line for each receiver. Exit codes: 0 all took it, 1 one did not, 2 wrong settings or name."""
    try:
        results = asyncio.run(send_test_page(settings, to=to, now_s=time.time()))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if as_json:
        document = [
            {"receiver": name, "delivered": isinstance(result, Delivered), "detail": _detail(result)}
            for name, result in results
        ]
        print(msgspec.json.encode(document).decode())
    else:
        for name, result in results:
            print(f"{name:20} {_sentence(result)}")
    return 0 if all(isinstance(result, Delivered) for _, result in results) else 1


def _detail(result: Result) -> str:
    return result.note if isinstance(result, Delivered) else result.reason


def _sentence(result: Result) -> str:
    if isinstance(result, Delivered):
        return f"took it ({result.note})" if result.note else "took it"
    what = "did not take it now, a real message would be tried again" if isinstance(result, Later) else "refuses it"
    return f"{what}: {result.reason}"
