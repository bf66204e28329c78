"""Cached pages: invalidated on this host and all others when something that they show has changed.

This host's files are removed before the request is answered, with or without Redis. Other hosts receive numbered
messages on one channel. A host that missed a number, or cannot know whether it did, invalidates all its pages.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from lib import json, redis
from lib.channels import NextEvent
from lib.documents import Document
from lib.pagecache import Unwritable
from models.tools import Tools

CHANNEL = "pages"
NUMBER = "pages:n"  # the counter of messages, in Redis
OLDEST = 24 * 3600.0  # seconds; older pages are removed
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
        self.cache = tools.page_cache
        self._channels = tools.channels
        self._redis = tools.redis
        self._host = tools.host
        self._n = 0  # the number of the last message received
        self._is_behind = False  # whether a page that should have been removed could not be

    async def listen(self) -> None:
        """Subscribes to the invalidations of other hosts, then invalidates all pages: earlier messages may be lost.

        Only the worker calls it, because all processes of a host share the files.
        """
        self._n = await self._channels.follow(CHANNEL, self, self._newest)
        self._invalidate_for_others(None)

    async def catch_up(self) -> None:
        """Retries what could not be removed. The worker calls it every few seconds."""
        if self._is_behind:
            self._invalidate_for_others(None)

    def invalidate(self, tags: Tags) -> None:
        """Invalidates this host's pages under these tags. Call it after the change is stored. Raises `Unwritable`."""
        if tags is None:
            self.cache.invalidate_all()
        elif tags:
            self.cache.invalidate(tags)

    def messages(self, tags: Tags) -> list[NextEvent]:
        """Returns the messages that make other hosts do the same. Numbers rise by one: a gap means a lost message."""
        is_nothing = tags is not None and not tags
        sent = None if tags is None else list(tags)
        return [] if is_nothing else [NextEvent(CHANNEL, NUMBER, {"host": self._host, "tags": sent})]

    async def invalidate_everywhere(self, tags: Tags) -> None:
        """Invalidates on this host and all others, for changes without an outbox.

        Raises `Unwritable` for this host, or one of `redis.Away` if the message was not published. It attempts both,
        even if one fails.
        """
        try:
            self.invalidate(tags)
        except Unwritable:  # if Redis fails too, this is the error to raise: it is the worse one
            self._is_behind = True
            with suppress(*redis.Away):
                await self._channels.publish(*self.messages(tags))
            raise
        await self._channels.publish(*self.messages(tags))

    async def sweep(self) -> int:
        """Removes pages that are too old or too many, in a thread. Returns how many files."""
        return await asyncio.to_thread(self.cache.sweep, OLDEST, MOST)

    def send(self, text: str) -> None:
        """Receives a message of the channel. `Channels` calls it: this object is a follower."""
        message = json.loads(text)
        if message["type"] == "followed" and message["n"] != self._n:
            self._n = message["n"]
            self._invalidate_for_others(None)
        elif message["type"] == "event":
            self._receive(message["n"], message["data"])

    def _receive(self, n: int, message: Document) -> None:
        is_next, self._n = n == self._n + 1, n
        if not is_next:  # even if this message is this host's own: the lost one may be another host's
            self._invalidate_for_others(None)
        elif message["host"] != self._host:
            self._invalidate_for_others(message["tags"])

    def _invalidate_for_others(self, tags: Tags) -> None:
        """Invalidates for another host; all pages if an earlier removal failed. Logs the first failure in a row."""
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
