"""Caches pages: a handler whose `get` is `@cached` names the tags with `cache_under`; then nginx serves the page.

Only a 200 to a GET without a query, under its canonical address, is cached. Pending files are created before anything
is read (see lib/pagecache.py). The first answer is byte for byte the one that nginx sends later, with the same ETag.
Single-flight: while a process renders a path, further requests for it wait and share the answer, also if it is an error
such as 404, unless it was invalidated meanwhile. If the answer cannot be shared (a 301, a page that is not cached), the
requests that wait render one after another.
"""

import asyncio
import functools
from typing import Any, cast

from handlers.application import Answer, Plog, Rendering
from handlers.base import BaseHandler, Method
from lib.pagecache import Body, etag_of, takes_gzip
from models.errors import AWAY, SiteError


def cached(method: Method) -> Method:
    """Caches what a `get` renders if it calls `cache_under` and answers 200; renders each path once at a time."""

    @functools.wraps(method)
    async def single_flight(self: "CachedHandler", *args: Any) -> None:
        if self.request.method not in ("GET", "HEAD") or "?" in (self.request.uri or ""):
            return await method(self, *args)
        while (under_way := self.under_way) is not None:
            answer = await asyncio.shield(under_way.answer)
            if isinstance(answer, Exception):
                raise answer.with_traceback(None)
            if answer is not None:
                return self.answer_again(answer)
        await self.render_once(method, *args)

    return single_flight


class CachedHandler(BaseHandler):
    """The base of pages that may be cached."""

    _rendering: Rendering | None = None
    _tags: tuple[str, ...] | None = None
    _etag: str | None = None

    @property
    def renderings(self) -> dict[str, Rendering]:
        """The renders in flight in this process, by path."""
        return cast(Plog, self.application).renderings

    @property
    def under_way(self) -> Rendering | None:
        """The in-flight render of this path, unless it was invalidated."""
        rendering = self.renderings.get(self.request.path)
        return rendering if rendering is not None and rendering.pending.is_current else None

    def cache_under(self, *tags: str) -> None:
        """Allows to cache the page being rendered, until one of these tags is invalidated."""
        self._tags = tags

    async def render_once(self, method: Method, *args: Any) -> None:
        """Renders, while `under_way` lets other requests for this path wait for the answer."""
        rendering = Rendering(self.site.pages.cache.begin(), asyncio.get_running_loop().create_future())
        self._rendering = self.renderings[self.request.path] = rendering
        try:
            await method(self, *args)
        except (SiteError, *AWAY) as error:
            rendering.answer.set_result(error)
            raise
        finally:
            self.site.pages.cache.drop(rendering.pending)
            if self.renderings.get(self.request.path) is rendering:
                del self.renderings[self.request.path]
            if not rendering.answer.done():
                rendering.answer.set_result(None)

    def finish(self, chunk: Any = None) -> Any:
        """Caches the page before it is sent, so that a client that received it finds the same page cached.

        An address that ends in a bare `?` gets a redirect to the canonical one. Other spellings were redirected before.
        """
        if self.get_status() == 200 and self.request.uri == f"{self.request.path}?":
            self.clear()
            return self.redirect(self.request.path, status=301)
        if chunk is not None:
            self.write(chunk)
        if self._rendering is not None and self._tags is not None and self.get_status() == 200:
            body = Body(b"".join(self._write_buffer))
            kind = self._headers["Content-Type"].partition(";")[0]
            self.site.pages.cache.put(self._rendering.pending, self.request.path, kind, body, self._tags)
            headers = tuple((name, value) for name, value in self._headers.get_all() if name != "Set-Cookie")
            self._rendering.answer.set_result(Answer(body, headers))
            self._choose(body)
        return super().finish()

    def answer_again(self, answer: Answer) -> None:
        """Sends the answer of another request for the same path."""
        for name, value in answer.headers:
            self.set_header(name, value)
        self._choose(answer.body)
        self.finish()

    def _choose(self, body: Body) -> None:
        """Sends the file that nginx would choose (`$cache_folder` in nginx.conf), with the ETag that nginx sends."""
        content = body.plain
        if takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            content = body.compressed
            self.set_header("Content-Encoding", "gzip")
        self.set_header("Vary", "Accept-Encoding")
        self._etag = etag_of(content)
        self._write_buffer = [content]

    def compute_etag(self) -> str | None:
        return self._etag or super().compute_etag()
