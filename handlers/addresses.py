"""Every address has one spelling. What no other handler knows is another spelling of one, the former address of a post,
or nothing.

However many ways an address is misspelt (case, slashes, dots, an old domain's path), it takes one 301 to the right one.
"""

import re
from posixpath import normpath
from urllib.parse import quote, unquote

from handlers.base import SAFE, BaseHandler, public
from lib.ids import is_id
from models.categories import path_of
from models.errors import NotFound
from models.posts import Post

FEEDS = ("rss.xml", "atom.xml", "feed.json")
PAGE = re.compile(r"p[0-9]{1,6}")
REST = re.compile(r"[0-9]{1,2}/[0-9]{1,2}")
YEAR = re.compile(r"[0-9]{4}")


async def post_at(handler: BaseHandler, slug: str, is_whole: bool = True) -> Post:
    """The visible post of this slug; without texts and categories unless `is_whole`. Moves who asks by another
    spelling.
    """
    posts = handler.site.posts.documents
    try:
        post = await (posts.by_slug if is_whole else posts.head_by_slug)(slug)
    except NotFound:
        former = await posts.find_by_address(f"/plog/{quote(slug)}")
        if former is None:
            raise
        post = former
    here = "/".join((post.path, *handler.request.path.split("/")[3:]))
    if handler.request.method in SAFE and handler.request.path != here:
        handler.move_to(here)
    return post


async def move_from_former(handler: BaseHandler, path: str | None = None) -> None:
    """Moves to the post that once lived here, or at `path` with the same query: by all of it, by its `p=12`, or without
    any.
    """
    path = path or handler.request.path
    parts = tuple(part for part in handler.request.query.split("&") if part)
    numbers = [(part,) for part in parts if part.startswith(("p=", "page_id="))][:1]
    for used in dict.fromkeys((parts, *numbers, ())):
        address = path + ("?" + "&".join(used) if used else "")
        post = await handler.site.posts.documents.find_by_address(address)
        if post is not None:
            rest = "&".join(part for part in parts if part not in used)
            handler.move_to(f"{post.path}{'?' if rest else ''}{rest}", keep_query=False)


def words_of(path: str) -> list[str]:
    """The parts of a path, decoded and without dots."""
    return [word for word in normpath(unquote(path)).split("/") if word]


def find_fixed(words: list[str], fixed: frozenset[str]) -> str | None:
    """The address without a variable part that these words spell, in any case, with or without a final slash."""
    lowered = "/" + "/".join(words).casefold()
    return next((spelling for spelling in (lowered, lowered + "/") if spelling in fixed), None)


class ElsewhereHandler(BaseHandler):
    """`fixed` are all addresses without a variable part: routes.py hands them in."""

    def initialize(self, fixed: frozenset[str]) -> None:
        self.fixed = fixed

    @public
    async def get(self, *_: str) -> None:
        await move_from_former(self)
        path = await self._respelt(words_of(self.request.path))
        if path is None:
            raise NotFound()
        if path == "/" and self.request.query:
            await move_from_former(self, path)  # `/./?p=12`
        self.move_to(path)

    post = put = delete = patch = get

    async def _respelt(self, words: list[str]) -> str | None:
        """The right spelling of what was asked for; None if nothing is like it."""
        if fixed := find_fixed(words, self.fixed):
            return self._unless_asked(fixed)
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
        """`words` are those after /plog/: a slug, and what may follow one."""
        if len(words) == 2 and words[0].casefold() == "year" and YEAR.fullmatch(words[1]):
            return f"/plog/year/{words[1]}"
        post = await self.site.posts.documents.by_slug(words[0])
        behind = [word.casefold() for word in words[1:]]
        if page is not None and len(behind) == 1:
            return f"{post.path}/p{page}"
        is_comment = len(behind) == 2 and behind[0] == "comments" and is_id(behind[1])
        is_known = is_comment or behind in ([], ["comments.atom"], ["comments"])
        return "/".join((post.path, *behind)) if is_known else None

    def _unless_asked(self, path: str | None) -> str | None:
        """Never an address itself: it would lead to itself for ever."""
        return path if path != self.request.path else None
