"""apprise for real, by its json:// to a real HTTP server."""

from pathlib import Path

import pytest
from aiohttp import web

from branchline.settings import SettingsError
from collector.notify.model import NoticeEvent
from collector.notify.notifiers import make_notifiers
from collector.notify.settings import NotifySettings
from tests.integration.collector.notify.rig import Rig, served
from tests.unit.collector.notify.incidents import page

# apprise tries a module that Python 3.13 has no more
pytestmark = pytest.mark.filterwarnings("ignore:.imghdr. is deprecated:DeprecationWarning")


def _settings(tmp_path: Path, text: str, mode: int = 0o600) -> NotifySettings:
    file = tmp_path / "urls"
    file.write_text(text)
    file.chmod(mode)
    return NotifySettings(name="chat", kind="apprise", url_file=str(file))


async def test_each_url_gets_it_once_although_one_fails_at_first(tmp_path: Path) -> None:
    async with served() as well, served() as ill:
        ill.answer = lambda _: web.Response(status=204 if len(ill.posts) else 500)
        urls = "\n".join(f"json://127.0.0.1:{each.port}/hook" for each in (well, ill))
        rig = Rig(tmp_path / "r.db", _settings(tmp_path, f"# our chat\n{urls}\n"))
        async with rig.running():
            await rig.tell((NoticeEvent.TRIGGER, page()))
            assert "500" in (await rig.until_tried()).error
            await rig.until("delivered")
    assert (len(well.posts), len(ill.posts)) == (1, 2)
    assert str(well.posts[0].document["title"]).startswith("[P1][ISOLATED] Nantes Beaujoire")
    assert well.posts[0].document["type"] == "failure"
    assert f"/incident/{page().id}" in str(well.posts[0].document["message"])


async def test_a_bad_line_is_named_and_not_shown(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "json://127.0.0.1/\nno-such://token:s3cret@x\n")
    with pytest.raises(SettingsError) as raised:
        make_notifiers((settings,), "c1")
    assert "urls line 2: url_file of [[notify]] chat" in str(raised.value)
    assert "s3cret" not in str(raised.value)


async def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can be read by everybody"):
        make_notifiers((_settings(tmp_path, "json://127.0.0.1/", 0o644),), "c1")
