"""Kept pages: forgotten here and on every other host as soon as something that they show has changed.

The files of this host are forgotten before anyone is answered, with or without Redis. Other hosts hear of it by numbered
messages on one channel; a host that misses a number, or cannot know whether it did, drops all its pages. Where Redis is
away, so that they cannot hear, who forgets is told (`redis.Away`), leaves the change untold, and the worker repeats it. So
it does where pages of this host cannot be removed (`Unwritable`); the other hosts hear of the change all the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from lib import json, redis
from lib.channels import NextEvent
from lib.pagecache import Body, PageCache, Pending, Unwritable

CHANNEL = "pages"
NUMBER = "pages:n"  # of the newest message, in Redis
OLDEST = 24 * 3600.0  # seconds that a page is kept at most
MOST = 1_000_000_000  # bytes of all kept pages and of their names

UNKNOWN = -1  # the number of the newest message, while Redis is away

HOME = "home"  # lists of the newest posts
ARCHIVE = "archive"
FEEDS = "feeds"
SITEMAP = "sitemap"

logger = logging.getLogger(__name__)


class Channels(Protocol):
    async def follow(self, name: str, follower: Any, newest: Callable[[], Awaitable[int]], /) -> int: ...
    async def publish(self, *events: NextEvent) -> None: ...


class Pages:
    """The kept pages of one host, and word of them to and from the others. `host` names it among them."""

    def __init__(self, cache: PageCache, channels: Channels, counter: Any, host: str) -> None:
        self._cache = cache
        self._channels = channels
        self._counter = counter
        self._host = host
        self._n = 0
        self._is_behind = False  # some pages should have been removed and could not be

    async def listen(self) -> None:
        """From now on forget what other hosts forget, beginning with all that they may have forgotten before.

        For one process of each host, since the files are the host's.
        """
        self._n = await self._channels.follow(CHANNEL, self, self._newest)
        self._forget_for_others(None)

    async def catch_up(self) -> None:
        """Try again to remove what could not be removed. The worker calls it every few seconds."""
        if self._is_behind:
            self._forget_for_others(None)

    def begin(self) -> Pending:
        return self._cache.begin()

    def put(self, pending: Pending, address: str, kind: str, body: Body, tags: tuple[str, ...]) -> bool:
        return self._cache.put(pending, address, kind, body, tags)

    def drop(self, pending: Pending) -> None:
        self._cache.drop(pending)

    async def forget(self, *tags: str) -> None:
        """Forget all pages under these tags. To be called after a change was stored, before anyone is answered.

        Raises one of `redis.Away` where other hosts could not be told, and `Unwritable` where pages of this host cannot be
        removed. Each host does what it can, whatever becomes of the others.
        """
        await self._forget_everywhere(partial(self._cache.forget, tags), list(tags))

    def forget_here(self, *tags: str) -> None:
        """The first half of it, for callers that have more to publish: they publish `word` with that."""
        self._cache.forget(tags)

    def word(self, *tags: str) -> NextEvent:
        """What makes other hosts forget these, too."""
        return self._word(list(tags))

    async def forget_all(self) -> None:
        """The same for all pages."""
        await self._forget_everywhere(self._cache.forget_all, None)

    async def forget_address(self, address: str) -> None:
        """Forget one page of this host."""
        self._cache.forget_address(address)

    async def sweep(self) -> int:
        """Forget what is old or too much, beside what else this process does."""
        return await asyncio.to_thread(self._cache.sweep, OLDEST, MOST)

    def send(self, text: str) -> None:
        """A message of the channel, as any follower gets it."""
        message = json.loads(text)
        if message["type"] == "followed" and message["n"] != self._n:
            self._n = message["n"]
            self._forget_for_others(None)
        elif message["type"] == "event":
            self._heard(message["n"], message["data"])

    def _heard(self, n: int, data: dict[str, Any]) -> None:
        is_next, self._n = n == self._n + 1, n
        if not is_next:  # also after one of this host's own: what came between was another's
            self._forget_for_others(None)
        elif data["host"] != self._host:
            self._forget_for_others(data["tags"])

    async def _forget_everywhere(self, forget: Callable[[], None], tags: list[str] | None) -> None:
        try:
            forget()
        except Unwritable:  # the worse of two failures, so Redis' is not raised instead
            self._is_behind = True
            with suppress(*redis.Away):
                await self._channels.publish(self._word(tags))
            raise
        await self._channels.publish(self._word(tags))

    def _forget_for_others(self, tags: list[str] | None) -> None:
        """Forget what other hosts ask for: all pages where there are no tags, or where earlier pages are still there."""
        try:
            if tags is None or self._is_behind:
                self._cache.forget_all()
            else:
                self._cache.forget(tags)
        except Unwritable as error:
            if not self._is_behind:
                logger.warning("%s", error)
            self._is_behind = True
        else:
            self._is_behind = False

    def _word(self, tags: list[str] | None) -> NextEvent:
        """To the other hosts, in the order of its numbers: so a gap means that something was missed."""
        return NextEvent(CHANNEL, NUMBER, {"host": self._host, "tags": tags})

    async def _newest(self) -> int:
        try:
            return int(await self._counter.get(NUMBER) or 0)
        except redis.Away:
            return UNKNOWN
