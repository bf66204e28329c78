"""Kept pages: forgotten here and on every other host as soon as something that they show has changed.

The files of this host are forgotten before anyone is answered, with or without Redis. Other hosts hear of it by numbered
messages on one channel; a host that misses a number, or cannot know whether it did, drops all its pages. Where Redis is
away, so that they cannot hear, who forgets is told (`redis.Away`), leaves the change untold, and the worker repeats it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from lib import json, redis
from lib.channels import NextEvent
from lib.pagecache import Body, PageCache, Pending

CHANNEL = "pages"
NUMBER = "pages:n"  # of the newest message, in Redis
OLDEST = 24 * 3600.0  # seconds that a page is kept at most
MOST = 1_000_000_000  # bytes of all kept pages and of their names

UNKNOWN = -1  # the number of the newest message, while Redis is away

HOME = "home"  # lists of the newest posts
ARCHIVE = "archive"
FEEDS = "feeds"
SITEMAP = "sitemap"


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

    async def listen(self) -> None:
        """From now on forget what other hosts forget, beginning with all that they may have forgotten before.

        For one process of each host, since the files are the host's.
        """
        self._n = await self._channels.follow(CHANNEL, self, self._newest)
        self._cache.forget_all()

    def begin(self) -> Pending:
        return self._cache.begin()

    def put(self, pending: Pending, address: str, kind: str, body: Body, tags: tuple[str, ...]) -> bool:
        return self._cache.put(pending, address, kind, body, tags)

    def drop(self, pending: Pending) -> None:
        self._cache.drop(pending)

    async def forget(self, *tags: str) -> None:
        """Forget all pages under these tags. To be called after a change was stored, before anyone is answered.

        Raises one of `redis.Away` where that is done here, but other hosts could not be told.
        """
        await self._channels.publish(self.forgotten(*tags))

    def forgotten(self, *tags: str) -> NextEvent:
        """The same, for who has more to publish: what is to be published with that, so that other hosts hear."""
        self._cache.forget(tags)
        return self._word(list(tags))

    async def forget_all(self) -> None:
        """The same for all pages."""
        self._cache.forget_all()
        await self._channels.publish(self._word(None))

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
            self._cache.forget_all()
            self._n = message["n"]
        elif message["type"] == "event":
            self._heard(message["n"], message["data"])

    def _heard(self, n: int, data: dict[str, Any]) -> None:
        is_next, self._n = n == self._n + 1, n
        if not is_next:  # also after one of this host's own: what came between was another's
            self._cache.forget_all()
        elif data["host"] == self._host:
            return
        elif data["tags"] is None:
            self._cache.forget_all()
        else:
            self._cache.forget(data["tags"])

    def _word(self, tags: list[str] | None) -> NextEvent:
        """To the other hosts, in the order of its numbers: so a gap means that something was missed."""
        return NextEvent(CHANNEL, NUMBER, {"host": self._host, "tags": tags})

    async def _newest(self) -> int:
        try:
            return int(await self._counter.get(NUMBER) or 0)
        except redis.Away:
            return UNKNOWN
