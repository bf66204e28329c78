"""The web application of one process, as handlers see it: its site, its live endpoint, and what is being answered or
rendered.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from tornado.httputil import HTTPServerRequest
from tornado.web import Application, RequestHandler

from handlers.live import Live
from lib.pagecache import Body, Pending
from models.site import Site


@dataclass(frozen=True)
class Answer:
    """The result of a rendering, for the requests that waited for it."""

    body: Body
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rendering:
    """A page that is being made, and what is to come of it: None where there was nothing to give to others."""

    pending: Pending
    answer: "asyncio.Future[Answer | Exception | None]"


class Plog(Application):
    """`live` is None in the admin process."""

    def __init__(self, site: Site, live: Live | None, **settings: Any) -> None:
        super().__init__(**settings)
        self.site = site
        self.live = live
        self.renderings: dict[str, Rendering] = {}  # the renders in flight, by path
        self.under_way: WeakSet[HTTPServerRequest] = WeakSet()  # weak: some end because their client went away

    def get_handler_delegate(self, request: HTTPServerRequest, *args: Any, **options: Any) -> Any:
        """Notes the request: closing one of Tornado's connections would cut off the answer to it."""
        self.under_way.add(request)
        return super().get_handler_delegate(request, *args, **options)

    def log_request(self, handler: RequestHandler) -> None:
        """The request is answered. It gets no line, because nginx keeps that log."""
        self.under_way.discard(handler.request)
