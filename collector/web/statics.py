"""Our own style sheet and script, addressed by their content: browsers keep them for ever and never get an old one."""

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_NAMES = ("page.css", "page.js", "icon.svg")


class Statics:
    """The files, read once."""

    def __init__(self) -> None:
        folder = files("collector.web") / "static"
        self._files = {name: (folder / name).read_bytes() for name in _NAMES}
        self._versions = {name: hashlib.sha256(body).hexdigest()[:16] for name, body in self._files.items()}

    def url(self, name: str) -> str:
        """Where a file is."""
        return f"/static/{self._versions[name]}/{name}"

    async def serve(self, request: Request) -> Response:
        """`/static/<version>/<name>`."""
        name = request.path_params["name"]
        if name not in self._files or request.path_params["version"] != self._versions[name]:
            return Response("no such file\n", 404, media_type="text/plain")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], headers=headers, media_type=_TYPES[name.rpartition(".")[2]])
