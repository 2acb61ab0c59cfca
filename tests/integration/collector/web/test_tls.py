"""The page with a certificate of its own."""

import asyncio
import subprocess
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette

from collector.errors import CollectorError
from collector.web.serve import serve
from collector.web.settings import WebSettings
from tests.integration.collector.web.fleet import fleet_places
from tests.integration.collector.web.site import site
from tests.needs import needs_program


def certificate(directory: Path) -> tuple[str, str]:
    """A self-signed certificate and its key."""
    cert, key = directory / "web.pem", directory / "web.key"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run([*words.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    return str(cert), str(key)


@needs_program("openssl")
async def test_https_with_its_headers(tmp_path: Path) -> None:
    cert, key = await asyncio.to_thread(certificate, tmp_path)
    web = WebSettings(listen="127.0.0.1:0", cert_file=cert, key_file=key)
    async with (
        site(tmp_path, fleet_places(1), web=web, alive=False) as running,
        aiohttp.ClientSession() as client,
        client.get(f"https://localhost:{running.port}/", ssl=False) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "web.pem").write_text("no certificate")
    for cert in (str(tmp_path / "web.pem"), str(tmp_path / "missing.pem")):
        web = WebSettings(listen="127.0.0.1:0", cert_file=cert, key_file=cert)
        with pytest.raises(CollectorError, match=r"\[web\] cert_file: .* cannot be used"):
            await serve(web, Starlette())
