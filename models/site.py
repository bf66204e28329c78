"""The site: opens the tools, builds the collections on them, and closes everything. The only place that wires.

Every process has one, and a test may have two: the second is the other process.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from lib import mongo, redis
from lib.channels import Channels
from lib.clock import Clock, utc_now
from lib.ids import new_id
from lib.limits import Limits
from lib.logfollower import LogFollower
from lib.mongo import Mongo
from lib.pagecache import PageCache
from lib.redis import open_redis
from lib.tokens import Tokens, kept_token
from models.accounts import Accounts
from models.categories import Categories
from models.comments import Changes, Comment, Comments, CommentStore, Marks, Moderation, Numbering, Threads
from models.hits import Hits
from models.imports import Imports
from models.pages import Pages
from models.posts import Counting, Lists, Posts, PostStore
from models.telling import Telling
from settings import Settings


class Site:
    """Tools and collections of one process. `comment_html` renders a comment; it is handed in, since pages are not known here."""

    def __init__(self, settings: Settings, comment_html: Callable[[Comment], str], clock: Clock = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self.name = new_id()
        self.host = kept_token(settings.data / "host")[:16]  # tells this data folder from others on the same servers
        self.mongo = Mongo(settings.mongo_url, settings.mongo_driver)
        self.redis = open_redis(settings.redis_url)
        self.channels = Channels(settings.redis_url, self.name)
        self.limits = Limits(self.redis, lambda: clock().timestamp())
        self.tokens = Tokens(settings.secret)
        self.own_host = urlsplit(settings.url).netloc
        self.accounts = Accounts(self.mongo, self.channels, clock, settings.staff)
        self.pages = Pages(PageCache(settings.data / "kept"), self.channels, self.redis, self.host)
        self.categories = Categories(self.mongo, self.pages)
        self.renderings: dict[str, Any] = {}  # pages that this process is making: handlers/caching.py
        post_store = self._post_store = PostStore(self.mongo, self.categories, clock)
        self.lists = Lists(post_store, clock)
        self.posts = Posts(post_store, self.lists, self.categories, self.pages, clock)
        self.counting = Counting(self.mongo, clock)
        store = self._comment_store = CommentStore(self.mongo, clock)
        self.threads = Threads(store, comment_html)
        self.marks = Marks(store, self.accounts)
        numbering = Numbering(self.mongo, clock)
        self.changes = Changes(store, numbering, self.threads, self.counting, self.pages, self.channels, self.marks)
        self.comments = Comments(
            store,
            self.changes,
            self.limits,
            self.tokens,
            clock,
            moderation=settings.moderation,
            own_host=self.own_host,
        )
        self.moderation = Moderation(store, self.changes, self.comments, clock, own_host=self.own_host)
        log = LogFollower(settings.data / "log" / "hits.log")
        self.hits = Hits(self.mongo, log, self.host, clock)
        self.telling = Telling(self.posts, self.categories, self.changes, self.marks, self.redis.ping, clock)
        self.imports = Imports(self.posts, self.categories, self.changes, self.accounts, self.own_host)

    @classmethod
    async def open(cls, settings: Settings, comment_html: Callable[[Comment], str], clock: Clock = utc_now) -> "Site":
        """A site that is ready to serve; what it stands on may be away and come back later."""
        site = cls(settings, comment_html, clock)
        await site.channels.start()
        return site

    async def close(self) -> None:
        await self.marks.close()
        await self.channels.close()
        await self.redis.aclose()
        await self.mongo.close()

    async def create_indexes(self) -> None:
        """Make the indexes that are not there yet; safe to repeat, and at once from several processes."""
        for collection in (self.accounts, self.categories, self._post_store, self._comment_store, self.hits):
            await collection.create_indexes()

    async def move_merged(self) -> int:
        """Give what merged accounts wrote to the members that they became."""
        merged = await self.accounts.merged()
        for account in merged:
            await self.move(account.id)
            await self.accounts.mark_moved(account)
        return len(merged)

    async def move(self, visitor: str) -> None:
        """Give what a visitor wrote to the member whom they have signed in as; safe to repeat."""
        member = await self.accounts.by_id(visitor)
        if member.id != visitor:
            await self.comments.move(visitor, member.id)

    async def rate_posts(self) -> int:
        """Say anew how popular the posts are that people have read."""
        return await self.counting.rate(await self.hits.reads("/plog/"))

    async def health(self) -> dict[str, dict[str, Any]]:
        """Each server by name: whether it answers, and in how many milliseconds."""
        names = ("mongo", "redis")
        pings = await asyncio.gather(self._ping(self.mongo.ping()), self._ping(self.redis.ping()))
        return dict(zip(names, pings, strict=True))

    async def _ping(self, ping: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            await ping
        except (*mongo.Away, *redis.Away):
            return {"up": False, "ms": None}
        return {"up": True, "ms": round((loop.time() - start) * 1000, 1)}
