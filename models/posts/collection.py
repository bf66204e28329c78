"""The collection of posts: find one by what it is called, write one, and let the world know.

Every address that a post ever had stays in `addresses`, so that old links arrive.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from lib import redis
from lib.batches import Batches
from lib.clock import Clock
from lib.ids import new_id
from lib.misses import Misses
from lib.mongo import Document
from lib.pagecache import Unwritable
from models.categories import Categories, tag_of_category
from models.pages import ARCHIVE, FEEDS, HOME, SITEMAP, Pages
from models.posts.lists import Lists
from models.posts.post import Post, address_key, rendered
from models.posts.store import LISTED, PostStore

WITHOUT_TEXTS = {"text": 0, "html": 0, "opening": 0}
UNTOLD_AFTER = timedelta(seconds=1)
LONGEST_READ = 5  # seconds that others wait for

logger = logging.getLogger(__name__)


class Posts:
    """All posts, and who may see which."""

    def __init__(self, store: PostStore, lists: Lists, categories: Categories, pages: Pages, clock: Clock) -> None:
        self._store = store
        self._lists = lists
        self._categories = categories
        self._pages = pages
        self._clock = clock
        self._reading: Batches[None, Post] = Batches(self._read)
        self._without_thread = Misses(lambda: clock().timestamp())

    async def by_slug(self, slug: str) -> Post:
        """The visible post of this slug, in any case."""
        return await self._store.one(self._at(slug))

    async def with_thread(self, slug: str) -> Post:
        """The same for who only asks for its comments: without its texts and categories.

        After each comment everybody who missed it may ask: one read, begun after they did, is for all of them.
        """
        return await self._reading.add(slug, None)

    async def by_id(self, id: str) -> Post:
        """The post of this id, visible or not: for staff and for the live table, which asks for itself."""
        return await self._store.one({"_id": id})

    async def by_ids(self, ids: Iterable[str]) -> dict[str, Post]:
        """Posts of these ids as lists show them, by id, visible or not."""
        found = await self._store.found({"_id": {"$in": list(set(ids))}}, LISTED)
        return {post.id: post for post in found}

    async def find_by_address(self, address: str) -> Post | None:
        """The visible post that once lived at this address, however that is spelt."""
        document = await self._store.first({"address_keys": address_key(address), **self._store.visible()})
        return Post.from_document(document, {}) if document else None

    async def find_by_origin(self, kind: str, host: str, id: str) -> tuple[Post, Document] | None:
        """The post that came from there, and its origin as it was noted then."""
        query = {"origin.kind": kind, "origin.host": host, "origin.id": id}
        document, categories = await asyncio.gather(self._store.first(query), self._categories.all())
        return (Post.from_document(document, categories), document["origin"]) if document else None

    async def has_open_thread(self, id: str) -> bool:
        """Whether there is a visible post of this id whose comments may be seen. "No" is remembered for some seconds."""
        if id in self._without_thread:
            return False
        is_open = await self._store.has_any({"_id": id, **self._store.visible(), "has_hidden_comments": False})
        if not is_open:
            self._without_thread.add(id)
        return is_open

    async def has_others(self, kind: str) -> bool:
        """Whether there is any post that did not come from there."""
        return await self._store.has_any({"origin.kind": {"$ne": kind}})

    async def count(self) -> int:
        """How many visible posts there are."""
        return await self._store.count(self._store.visible())

    async def add(self, post: Post, origin: Document | None = None) -> Post:
        """Store a new post, rendered, and tell the world if it may be seen. Conflict where an address of it is taken."""
        post = rendered(replace(post, id=post.id or new_id(), edited=self._clock()))
        await self._store.insert(post, origin)
        await self._tell_if_seen(post)
        return post

    async def edit(self, post: Post, origin: Document | None = None) -> Post:
        """Store a changed post, rendered again; what it was called before stays among its addresses."""
        before = await self.by_id(post.id)
        former = {before.path} if before.slug.casefold() != post.slug.casefold() else set()
        addresses = tuple(dict.fromkeys((*before.addresses, *post.addresses, *former)))
        post = rendered(replace(post, addresses=addresses, edited=self._clock()))
        await self._store.save(post, origin)
        await self._tell_if_seen(post, before)
        return post

    async def tell(self, post: Post) -> bool:
        """Forget every page that shows the post, or would; safe to repeat. A scheduled one is told when its time comes.

        False where Redis is away, so that other hosts could not hear: it stays untold, and the worker repeats it. So it does
        where this raises `Unwritable`: cached pages of this host cannot be removed.
        """
        untold = await self._store.to_tell(post.id)
        post = replace(post, published=untold["published"])  # which may have moved on since
        neighbours = [other for other in await self._lists.neighbours(post) if other is not None]
        tags = [post.tag, post.title_tag, HOME, ARCHIVE, FEEDS, SITEMAP, *(other.tag for other in neighbours)]
        try:
            await self._pages.forget(*tags, *(tag_of_category(id) for id in untold["seen_in"]))
        except redis.Away:
            return False
        if post.published <= self._clock():
            await self._store.mark_told(untold)
        return True

    async def untold(self) -> list[Post]:
        """Posts that the world should have heard of: scheduled ones whose time has come, and what a dead writer left."""
        now = self._clock()
        query = {"told": False, "published": {"$lte": now}, "changed": {"$lt": now - UNTOLD_AFTER}}
        return await self._store.found(query, limit=100)

    async def _tell_if_seen(self, *versions: Post) -> None:
        if not any(version.is_visible(self._clock()) for version in versions):
            return
        try:
            await self.tell(versions[0])
        except Unwritable as error:
            logger.warning("%s is stored but could not be told; the worker will. %s", versions[0].path, error)

    async def _read(self, slug: str, readers: Sequence[None]) -> list[Post]:
        async with asyncio.timeout(LONGEST_READ):
            post = await self._store.one(self._at(slug), WITHOUT_TEXTS, known={})
        return [post] * len(readers)

    def _at(self, slug: str) -> Document:
        return {"slug_key": slug.casefold(), **self._store.visible()}
