"""Every address that no other handler has: another spelling of one, the former address of a post, or nothing.

However many ways an address is misspelt (case, slashes, dots, an old domain's path), it takes one 301 to the right one.
"""

import re
from posixpath import normpath
from urllib.parse import unquote

from handlers.base import BaseHandler, public
from lib.ids import is_id
from models.categories import path_of
from models.errors import NotFound

FEEDS = ("rss.xml", "atom.xml", "feed.json")
PAGE = re.compile(r"p[0-9]{1,6}")
YEAR = re.compile(r"[0-9]{4}")
REST = re.compile(r"[0-9]{1,2}/[0-9]{1,2}")
FIXED = frozenset(
    (
        "/",
        "/plog/",
        "/rss.xml",
        "/atom.xml",
        "/feed.json",
        "/sitemap.xml",
        "/robots.txt",
        "/humans.txt",
        "/.well-known/security.txt",
        "/signin",
        "/signout",
        "/me",
        "/stats/",
    )
)


class ElsewhereHandler(BaseHandler):
    @public
    async def get(self, *_: str) -> None:
        await self.move_from_former()
        path = await self._respelt([word for word in normpath(unquote(self.request.path)).split("/") if word])
        if path is None:
            raise NotFound()
        if path == "/" and self.request.query:
            await self.move_from_former(path)  # `/./?p=12`
        self.move_to(path)

    post = put = delete = patch = get

    async def _respelt(self, words: list[str]) -> str | None:
        """The right spelling of what was asked for; None where nothing is like it."""
        lowered = "/" + "/".join(words).casefold()
        for spelling in (lowered, lowered + "/"):
            if spelling in FIXED:
                return self._unless_asked(spelling)
        try:
            return self._unless_asked(await self._respelt_page(words))
        except NotFound:
            return None

    async def _respelt_page(self, words: list[str]) -> str | None:
        last = words[-1].casefold()
        page = int(last[1:]) if PAGE.fullmatch(last) else None
        rest = words[:-1] if page is not None or last in FEEDS else words
        tail = f"/{last}" if last in FEEDS else f"/p{page}" if page and page > 1 else ""
        if page == 0:
            return None
        if not rest:
            return tail or "/"
        if all(word.casefold().startswith("oc-") for word in rest):
            return path_of(await self.site.categories.in_path("/".join(rest))) + tail
        if len(rest) == 3 and rest[0].casefold() == "rest":
            start, stop = rest[1:]
            return f"/rest/{int(start)}/{int(stop)}/" if REST.fullmatch(f"{start}/{stop}") else None
        return await self._respelt_post(words[1:], page) if rest[0].casefold() == "plog" else None

    async def _respelt_post(self, words: list[str], page: int | None) -> str | None:
        """`words` are those after /plog/: a slug, and what may stand behind one."""
        if len(words) == 2 and words[0].casefold() == "year" and YEAR.fullmatch(words[1]):
            return f"/plog/year/{words[1]}"
        post = await self.site.posts.by_slug(words[0])
        behind = [word.casefold() for word in words[1:]]
        if page is not None and len(behind) == 1:
            return f"{post.path}/p{page}"
        is_comment = len(behind) == 2 and behind[0] == "comments" and is_id(behind[1])
        is_known = is_comment or behind in ([], ["comments.atom"], ["comments"])
        return "/".join((post.path, *behind)) if is_known else None

    def _unless_asked(self, path: str | None) -> str | None:
        """Never an address itself: what leads to where it came from would lead there for ever."""
        return path if path != self.request.path else None
