"""Which pages may be kept: a handler whose `get` is `@kept` says under which tags, and the next visitor costs no Python.

Kept is only a 200 that answers a GET without a query, under its canonical address. The pending files are made before
anything is read (lib/pagecache.py says why). The first answer is the one that nginx gives from then on: compressed for a
visitor that takes gzip, and with the same ETag. In one process a page is rendered once at a time, and who asks meanwhile
gets the same answer, unless something has changed since that rendering began: also where it is that there is no such page.
An answer that cannot be shared (a 301, a page that is not kept) they make one after another.
"""

import asyncio
import functools
from typing import Any, cast

from handlers.application import Answer, Plog, Rendering
from handlers.base import BaseHandler, Method
from lib.pagecache import Body, etag_of, takes_gzip
from models.errors import SiteError


def kept(method: Method) -> Method:
    """Keep what this method renders, where it calls `keep` and ends well."""

    @functools.wraps(method)
    async def shared(self: "KeptHandler", *args: Any) -> None:
        if self.request.method not in ("GET", "HEAD") or "?" in (self.request.uri or ""):
            return await method(self, *args)
        while (under_way := self.under_way) is not None:
            answer = await asyncio.shield(under_way.answer)
            if isinstance(answer, SiteError):
                raise answer.with_traceback(None)
            if answer is not None:
                return self.repeat(answer)
        await self.rendered(method, *args)

    return shared


class KeptHandler(BaseHandler):
    """The parent of pages that may be kept."""

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

    def keep(self, *tags: str) -> None:
        """What is rendered now may be kept until one of these tags is forgotten."""
        self._tags = tags

    async def rendered(self, method: Method, *args: Any) -> None:
        rendering = Rendering(self.site.pages.begin(), asyncio.get_running_loop().create_future())
        self._rendering = self.renderings[self.request.path] = rendering
        try:
            await method(self, *args)
        except SiteError as error:
            rendering.answer.set_result(error)
            raise
        finally:
            self.site.pages.drop(rendering.pending)
            if self.renderings.get(self.request.path) is rendering:
                del self.renderings[self.request.path]
            if not rendering.answer.done():
                rendering.answer.set_result(None)

    def finish(self, chunk: Any = None) -> Any:
        """Keep the page before it is sent, so that whoever has it may count on it.

        Under its right address and a bare `?` it is not sent: that is another spelling. A wrong address was moved before.
        """
        if self.get_status() == 200 and self.request.uri == f"{self.request.path}?":
            self.clear()
            return self.redirect(self.request.path, status=301)
        if chunk is not None:
            self.write(chunk)
        if self._rendering is not None and self._tags is not None and self.get_status() == 200:
            body = Body(b"".join(self._write_buffer))
            kind = self._headers["Content-Type"].partition(";")[0]
            self.site.pages.put(self._rendering.pending, self.request.path, kind, body, self._tags)
            headers = tuple((name, value) for name, value in self._headers.get_all() if name != "Set-Cookie")
            self._rendering.answer.set_result(Answer(body, headers))
            self._choose(body)
        return super().finish()

    def repeat(self, answer: Answer) -> None:
        for name, value in answer.headers:
            self.set_header(name, value)
        self._choose(answer.body)
        self.finish()

    def _choose(self, body: Body) -> None:
        """Answer with the file that nginx would choose (nginx.conf: $kept_folder), under the ETag that nginx gives it."""
        content = body.plain
        if takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            content = body.compressed
            self.set_header("Content-Encoding", "gzip")
        self.set_header("Vary", "Accept-Encoding")
        self._etag = etag_of(content)
        self._write_buffer = [content]

    def compute_etag(self) -> str | None:
        return self._etag or super().compute_etag()
