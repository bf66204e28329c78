"""Cached pages: invalidated on this host and every other as soon as something that they show has changed.

This host's files go before anyone is answered, with or without Redis. Other hosts hear through numbered messages on one channel; a host
that misses a number, or cannot know whether it did, drops all its pages.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

from lib import json, redis
from lib.channels import NextEvent
from lib.documents import Document
from lib.pagecache import Body, Pending, Unwritable
from models.tools import Tools

CHANNEL = "pages"
NUMBER = "pages:n"  # the counter of messages, in Redis
OLDEST = 24 * 3600.0  # seconds that a page is cached at most
MOST = 1_000_000_000  # bytes of all cached pages and of their names
UNKNOWN = -1  # the number of the newest message while Redis is away

HOME = "home"  # tag of lists of the newest posts
ARCHIVE = "archive"
FEEDS = "feeds"
SITEMAP = "sitemap"

Tags = Sequence[str] | None  # None: all pages

logger = logging.getLogger(__name__)


class Pages:
    """The cached pages of one host."""

    def __init__(self, tools: Tools) -> None:
        self._cache = tools.page_cache
        self._channels = tools.channels
        self._redis = tools.redis
        self._host = tools.host
        self._n = 0
        self._is_behind = False  # some pages should have been removed and could not be

    async def listen(self) -> None:
        """From now on invalidates what other hosts invalidate, beginning with everything that they may have invalidated before.

        For one process of each host, because the files are the host's.
        """
        self._n = await self._channels.follow(CHANNEL, self, self._newest)
        self._invalidate_for_others(None)

    async def catch_up(self) -> None:
        """Tries again to remove what could not be removed. The worker calls it every few seconds."""
        if self._is_behind:
            self._invalidate_for_others(None)

    def begin(self) -> Pending:
        return self._cache.begin()

    def put(self, pending: Pending, address: str, kind: str, body: Body, tags: Iterable[str]) -> bool:
        return self._cache.put(pending, address, kind, body, tags)

    def drop(self, pending: Pending) -> None:
        self._cache.drop(pending)

    def invalidate(self, tags: Tags) -> None:
        """Invalidates this host's pages under these tags. Call it after the change is stored. Raises `Unwritable`."""
        if tags is None:
            self._cache.forget_all()
        elif tags:
            self._cache.forget(tags)

    def messages(self, tags: Tags) -> list[NextEvent]:
        """What is to be published so that other hosts do the same. Their numbers rise by one, so a gap means a lost message."""
        is_nothing = tags is not None and not tags
        told = None if tags is None else list(tags)
        return [] if is_nothing else [NextEvent(CHANNEL, NUMBER, {"host": self._host, "tags": told})]

    async def invalidate_everywhere(self, tags: Tags) -> None:
        """Both at once, for changes without an outbox. Raises `Unwritable`, or one of `redis.Away` if other hosts cannot hear.

        Each host does what it can, whatever happens to the others.
        """
        try:
            self.invalidate(tags)
        except Unwritable:  # the worse of two failures, so Redis's is not raised instead
            self._is_behind = True
            with suppress(*redis.Away):
                await self._channels.publish(*self.messages(tags))
            raise
        await self._channels.publish(*self.messages(tags))

    def invalidate_address(self, address: str) -> None:
        """Invalidates one page of this host."""
        self._cache.forget_address(address)

    async def sweep(self) -> int:
        """Removes pages that are too old or too many, in a thread. Returns how many files."""
        return await asyncio.to_thread(self._cache.sweep, OLDEST, MOST)

    def send(self, text: str) -> None:
        """Takes a message of the channel, as any follower does."""
        message = json.loads(text)
        if message["type"] == "followed" and message["n"] != self._n:
            self._n = message["n"]
            self._invalidate_for_others(None)
        elif message["type"] == "event":
            self._heard(message["n"], message["data"])

    def _heard(self, n: int, message: Document) -> None:
        is_next, self._n = n == self._n + 1, n
        if not is_next:  # also after a message of this host: the missing one was another host's
            self._invalidate_for_others(None)
        elif message["host"] != self._host:
            self._invalidate_for_others(message["tags"])

    def _invalidate_for_others(self, tags: Tags) -> None:
        """Invalidates what other hosts ask for; all pages if earlier ones are still there. Logs the first failure of a row."""
        try:
            self.invalidate(None if self._is_behind else tags)
        except Unwritable as error:
            if not self._is_behind:
                logger.warning("%s", error)
            self._is_behind = True
        else:
            self._is_behind = False

    async def _newest(self) -> int:
        try:
            return int(await self._redis.get(NUMBER) or 0)
        except redis.Away:
            return UNKNOWN
