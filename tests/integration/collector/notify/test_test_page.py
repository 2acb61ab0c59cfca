"""The test page: what it sends, prints and returns."""

import asyncio
import json
from pathlib import Path

import pytest

from branchline.settings import parse
from collector.config import CollectorSettings
from collector.notify import cli
from tests.integration.collector.notify.rig import served
from tests.integration.collector.servers import free_port

HEAD = '[collector]\nname = "c1"\n[broker]\nhost = "b"\n'


def _settings(*urls: str) -> CollectorSettings:
    receivers = "".join(
        f'[[notify]]\nname = "hook{number}"\nkind = "webhook"\nurl = "{url}"\nlanguage = "fr"\n'
        for number, url in enumerate(urls, 1)
    )
    return parse(HEAD + receivers, CollectorSettings, "x")


async def _main(settings: CollectorSettings, to: str | None, *, as_json: bool) -> int:
    return await asyncio.to_thread(cli.main, settings, to=to, as_json=as_json)


async def test_one_line_for_each_receiver(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async with served() as web:
        settings = _settings(web.url, f"http://127.0.0.1:{free_port()}/")
        assert await _main(settings, "hook1", as_json=False) == 0
        assert capsys.readouterr().out.split() == ["hook1", "took", "it"]
        assert await _main(settings, None, as_json=True) == 1
        rows = json.loads(capsys.readouterr().out)
        assert [(row["receiver"], row["delivered"]) for row in rows] == [("hook1", True), ("hook2", False)]
        assert str(web.posts[0].document["subject"]).startswith("[P1][ESSAI] ")
        assert web.posts[0].document["class"] == "test"


async def test_a_name_that_nobody_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert await _main(_settings("http://127.0.0.1/"), "pager", as_json=False) == 2
    assert capsys.readouterr().err == "no receiver is called 'pager'; choose one of: hook1\n"
    assert await _main(_settings(), None, as_json=False) == 2
    assert capsys.readouterr().err == "no receiver; add a table [[notify]]\n"
