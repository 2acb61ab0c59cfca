"""The page as an ASGI application."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from collector.web.headers import SafeHeaders
from collector.web.live import Live
from collector.web.pages import Frame, Pages
from collector.web.parts import WebParts
from collector.web.renderer import Renderer
from collector.web.settings import WebSettings
from collector.web.statics import Statics


def make_app(parts: WebParts) -> Starlette:
    """The application. Its `state.live` has to run beside the server; `serve` does so."""
    settings = parts.settings.web or WebSettings()
    statics = Statics()
    renderer = Renderer(statics, parts.clock, settings.timezone)
    live = Live(parts, renderer)
    pages = Pages(parts, Frame(renderer, settings), live, settings)
    app = Starlette(
        routes=[
            Route("/", pages.wall),
            Route("/events", pages.events),
            Route("/language/{language}", pages.language),
            Route("/static/{version}/{name}", statics.serve),
        ],
        middleware=[Middleware(SafeHeaders, secure=settings.url.startswith("https://"))],
    )
    app.state.live = live
    return app
