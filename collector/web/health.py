"""For machines: `/healthz`, `/readyz`, `/metrics`."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from collector.web.parts import WebParts


class Health:
    """Answers of the collector about itself."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def ready(self, _request: Request) -> Response:
        """It hears its broker and can write; else 503 and why not."""
        why_not = self._parts.ready()
        return PlainTextResponse(f"{why_not or 'ready'}\n", 503 if why_not else 200)

    async def metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        if self._parts.metrics is None:
            return PlainTextResponse("no metrics are kept\n", 404)
        return Response(self._parts.metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})
