"""The site: opens the tools, builds the collections on them, and closes everything. The only place that wires.

Every process has one, and a test may have two: the second is the other process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from lib import mongo, processes, redis
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
from models.comments import Changes, Comment, Comments, CommentStore, Moderation, Threads
from models.hits import Hits
from models.imports import Imports
from models.pages import Pages
from models.posts import Posts
from models.posts.collection import UNTOLD_AFTER
from settings import Settings

PAUSE = 5  # seconds before what could not be told while Redis is away is told again


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
        self.accounts = Accounts(self.mongo, clock, settings.staff)
        self.pages = Pages(PageCache(settings.data / "kept"), self.channels, self.redis, self.host)
        self.categories = Categories(self.mongo, self.pages)
        self.renderings: dict[str, Any] = {}  # pages that this process is making: handlers/caching.py
        self._appeared = datetime.min.replace(tzinfo=UTC)  # posts up to this time have appeared on this host
        self._next_round = 0.0  # of telling, in the event loop's seconds
        self.posts = Posts(self.mongo, self.categories, self.pages, clock)
        store = self._comment_store = CommentStore(self.mongo, clock)
        self.threads = Threads(store, comment_html)
        self.changes = Changes(store, self.threads, self.posts, self.pages, self.channels)
        moderation = settings.moderation
        self.comments = Comments(
            store,
            self.changes,
            self.accounts,
            self.limits,
            self.tokens,
            clock,
            moderation=moderation,
            own_host=self.own_host,
        )
        self.moderation = Moderation(store, self.changes, self.comments, clock, own_host=self.own_host)
        log = LogFollower(settings.data / "log" / "hits.log")
        reopen = partial(processes.ask_to_reopen, settings.data / "run" / "nginx.pid", "nginx")
        self.hits = Hits(self.mongo, log, self.host, reopen, clock)
        self.imports = Imports(self.posts, self.categories, self.changes, self.accounts, self.own_host)

    @classmethod
    async def open(cls, settings: Settings, comment_html: Callable[[Comment], str], clock: Clock = utc_now) -> "Site":
        """A site that is ready to serve; what it stands on may be away and come back later."""
        site = cls(settings, comment_html, clock)
        await site.channels.start()
        return site

    async def close(self) -> None:
        await self.channels.close()
        await self.redis.aclose()
        await self.mongo.close()

    async def create_indexes(self) -> None:
        """Make the indexes that are not there yet; safe to repeat, and at once from several processes."""
        for collection in (self.accounts, self.categories, self.posts, self._comment_store, self.hits):
            await collection.create_indexes()

    async def tell_untold(self) -> int:
        """Tell whatever stayed untold: its time has come, its writer died half way, or Redis was away. How much of it.

        While Redis is away nobody else can hear, and each attempt makes pages go: the first one that fails is the last for
        some seconds. Only posts whose time has just come are told at any rate, for they must appear on this host.
        """
        now = self.clock()
        posts, categories, comments = await asyncio.gather(
            self.posts.untold(), self.categories.untold(), self.changes.untold()
        )
        come = [post for post in posts if post.published > self._appeared]
        told = [await self.posts.tell(post) for post in come]
        self._appeared = now - UNTOLD_AFTER
        works: list[Callable[[], Awaitable[bool]]] = [
            partial(self.posts.tell, post) for post in posts if post not in come
        ]
        works += [partial(self.categories.tell, category) for category in categories]
        works += [partial(self.changes.tell, comment) for comment in comments]
        if works and all(told) and await self._reaches_others():
            for work in works:
                told.append(await work())
                if not told[-1]:
                    self._next_round = asyncio.get_running_loop().time() + PAUSE
                    break
        return sum(told)

    async def move_merged(self) -> int:
        """Give what merged accounts wrote to the members that they became."""
        merged = await self.accounts.merged()
        for account in merged:
            member = await self.accounts.by_id(account.id)
            await self.comments.move(account.id, member.id)
            await self.accounts.mark_moved(account)
        return len(merged)

    async def rate_posts(self) -> int:
        """Say anew how popular the posts are that people have read."""
        return await self.posts.rate(await self.hits.reads("/plog/"))

    async def health(self) -> dict[str, dict[str, Any]]:
        """Each server by name: whether it answers, and in how many milliseconds."""
        names = ("mongo", "redis")
        pings = await asyncio.gather(self._ping(self.mongo.ping()), self._ping(self.redis.ping()))
        return dict(zip(names, pings, strict=True))

    async def _reaches_others(self) -> bool:
        """Whether Redis is there, and did not just refuse what is told by it: it answers also where its memory is full."""
        is_paused = asyncio.get_running_loop().time() < self._next_round
        return not is_paused and (await self._ping(self.redis.ping()))["up"]

    async def _ping(self, ping: Any) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            await ping
        except (*mongo.Away, *redis.Away):
            return {"up": False, "ms": None}
        return {"up": True, "ms": round((loop.time() - start) * 1000, 1)}
