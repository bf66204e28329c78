"""The pages of posts: home, filtered home, the rest of it, the archive, and each post with its comments."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from handlers.addresses import move_from_former, post_at
from handlers.base import public
from handlers.caching import CachedHandler, cached
from lib.clock import iso
from lib.dates import MONTHS
from models.categories import Category, path_of
from models.errors import NotFound
from models.pages import ARCHIVE, HOME
from models.posts import Post

ON_A_PAGE = 10
AT_ONCE = 2  # posts that the first page renders; it fetches the others after load
FURTHEST = 20
LAST_CACHED = 5  # of the pages of a list, only the first ones are cached
ON_ONE_ARCHIVE_PAGE = 1000


class HomeHandler(CachedHandler):
    @public
    @cached
    async def get(self, categories: str | None = None, page: str | None = None) -> None:
        """The newest posts; of some categories, where the address names them."""
        if self.request.query:
            await move_from_former(self)  # `/?p=12`
        filter = await self.site.categories.in_path(categories)
        number = int(page or 1)
        root = path_of(filter)
        canonical = _page_path(root, number)
        if self.request.path != canonical:
            if self.request.query:
                await move_from_former(self, canonical)  # `/p1?p=12`
            self.move_to(canonical)
        is_home = number == 1 and not filter
        posts, others = await (self._home() if is_home else self._page_of_posts(number, filter))
        if not posts and (number > 1 or filter):
            raise NotFound("There is no such page: the list has fewer pages.")
        if len(filter) <= 1 and number <= LAST_CACHED:
            self.cache_under(*((filter[0].tag,) if filter else (HOME,)), *(post.tag for post in posts))
        self.page(
            "home.html",
            posts=posts,
            rest_path=f"/rest/{AT_ONCE}/{ON_A_PAGE}/" if others and is_home else None,
            filter=filter,
            page=number,
            newer_path=_page_path(root, number - 1) if number > 1 else None,
            older_path=_page_path(root, number + 1) if len(posts) + len(others) > ON_A_PAGE else None,
            feed_path=f"{root}/atom.xml",
            canonical=self.site.settings.absolute(canonical),
        )

    async def _home(self) -> tuple[list[Post], list[Post]]:
        """The posts that home renders, and those that it fetches after load, with one more if there is a next page."""
        newest = self.site.posts.documents.newest
        return await asyncio.gather(newest(0, AT_ONCE), newest(AT_ONCE, ON_A_PAGE + 1, is_whole=False))

    async def _page_of_posts(self, number: int, filter: Sequence[Category]) -> tuple[list[Post], list[Post]]:
        """The posts of any other page, and the first one of the next page."""
        start = (number - 1) * ON_A_PAGE
        found = await self.site.posts.reading.newest(start, start + ON_A_PAGE + 1, filter)
        return found[:ON_A_PAGE], found[ON_A_PAGE:]


class RestHandler(CachedHandler):
    @public
    @cached
    async def get(self, start: str, stop: str) -> None:
        """Posts from one place up to another, newest first, as a fragment of home."""
        if not 0 <= int(start) < int(stop) <= FURTHEST:
            raise NotFound()
        canonical = f"/rest/{int(start)}/{int(stop)}/"
        if self.request.path != canonical:
            self.move_to(canonical)
        posts = await self.site.posts.documents.newest(int(start), int(stop))
        if (int(start), int(stop)) == (AT_ONCE, ON_A_PAGE):
            self.cache_under(HOME, *(post.tag for post in posts))
        self.page("rest.html", posts=posts)


class ArchiveHandler(CachedHandler):
    @public
    @cached
    async def get(self, year: str | None = None) -> None:
        """All posts by month; beyond a thousand of them each year is a page, the newest one first."""
        posts = self.site.posts.documents
        years, by_year = await asyncio.gather(posts.years(), posts.has_more_than(ON_ONE_ARCHIVE_PAGE))
        if year is not None and (not by_year or int(year) not in years):
            raise NotFound()
        shown = int(year) if year else years[0] if by_year else None
        listed = await posts.between(*_span(shown))
        self.cache_under(ARCHIVE)  # not under each post's tag, of which there may be ten thousand
        self.page(
            "post/archive.html",
            groups=[(month, list(group)) for month, group in groupby(listed, _month)],
            years=[(number, f"/plog/year/{number}") for number in years] if by_year else [],
            year=shown,
            canonical=self.site.settings.absolute(self.request.path),
        )


class PostHandler(CachedHandler):
    @public
    @cached
    async def get(self, slug: str, page: str | None = None) -> None:
        """A post with its newest comments, or a page of its older ones."""
        post = await post_at(self, slug)
        (before, after), related, comments = await asyncio.gather(
            self.site.posts.documents.neighbours(post),
            self.site.posts.reading.related(post),
            self.site.comments.reading.under(post, int(page) if page else None),
        )
        if post.has_hidden_comments and page:
            raise NotFound()
        near = [other for other in (before, after) if other is not None]
        relatives = [other for other in related if other.id not in [neighbour.id for neighbour in near]]
        self.cache_under(post.tag, *(other.title_tag for other in (*near, *relatives)))
        self.page(
            "post/post.html",
            post=post,
            previous=before,
            next=after,
            related=relatives,
            thread=() if post.has_hidden_comments else comments.nodes,
            n=comments.n,
            comments_page=int(page) if page else None,
            pages=[(number, f"{post.path}/p{number}") for number in comments.older],
            is_open=post.takes_comments,
            comment_count=post.comment_count,
            description=post.description,
            json_ld=self._json_ld(post),
            canonical=self.site.settings.absolute(self.request.path),
        )

    def _json_ld(self, post: Post) -> dict[str, Any]:
        """https://schema.org/BlogPosting"""
        address = self.site.settings.absolute(post.path)
        return {
            "@context": "https://schema.org",
            "@type": "BlogPosting",
            "headline": post.title,
            "description": post.description,
            "datePublished": iso(post.published),
            "dateModified": iso(post.changed),
            "mainEntityOfPage": address,
            "url": address,
            "keywords": [category.name for category in post.categories] + list(post.keywords),
            "commentCount": post.comment_count,
            "publisher": {"@type": "Organization", "name": self.site.settings.title, "url": self.site.settings.url},
        }


def _page_path(root: str, number: int) -> str:
    """The canonical address of a page of home; `root` is empty, or that of some categories."""
    return f"{root}/p{number}" if number > 1 else root or "/"


def _span(year: int | None) -> tuple[datetime | None, datetime | None]:
    """When a year begins and ends; all time for none."""
    return (datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)) if year else (None, None)


def _month(post: Post) -> str:
    return f"{MONTHS[post.published.month - 1]} {post.published.year}"
