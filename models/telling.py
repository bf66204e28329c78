"""Telling again: what the world should have heard of and has not (docs/decisions.md, "Told"). The worker calls it each second.

What follows from a change is in the `tell` of its collection; here is only what is told, in which order, and when not.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from lib import redis
from lib.clock import Clock
from lib.pagecache import Unwritable
from models.categories import Categories
from models.comments import Changes, Marks
from models.posts import Posts
from models.posts.collection import UNTOLD_AFTER

PAUSE = 5  # seconds before what could not be told is told again

logger = logging.getLogger(__name__)


class Telling:
    """All that stayed untold. `ping` asks Redis whether it is there."""

    def __init__(
        self,
        posts: Posts,
        categories: Categories,
        changes: Changes,
        marks: Marks,
        ping: Callable[[], Any],
        clock: Clock,
    ) -> None:
        self._posts = posts
        self._categories = categories
        self._changes = changes
        self._marks = marks
        self._ping = ping
        self._clock = clock
        self._appeared = datetime.min.replace(tzinfo=UTC)  # posts up to this time have appeared on this host
        self._next_round = 0.0  # in the event loop's seconds

    async def tell_untold(self) -> int:
        """Tell whatever stayed untold: its time has come, its writer died half way, or Redis was away. How much of it.

        While Redis is away nobody else can hear, and each attempt makes pages go: the first one that fails is the last
        for some seconds. Only posts whose time has just come are told at any rate, for they must appear on this host.
        """
        now = self._clock()
        posts, categories, comments = await asyncio.gather(
            self._posts.untold(), self._categories.untold(), self._changes.untold()
        )
        come = [post for post in posts if post.published > self._appeared]
        told = [await _is_told(partial(self._posts.tell, post)) for post in come]
        self._appeared = now - UNTOLD_AFTER
        works: list[Callable[[], Awaitable[bool]]] = [
            *(partial(self._posts.tell, post) for post in posts if post not in come),
            *(partial(self._categories.tell, category) for category in categories),
            *(partial(self._changes.tell, comment) for comment in comments),
        ]
        if works and all(told) and await self._reaches_others():
            told += await self._until_one_fails(works)
            await self._marks.write()
        return sum(told)

    async def _reaches_others(self) -> bool:
        """Whether Redis is there, and did not just refuse what is told by it: it answers also with full memory."""
        if asyncio.get_running_loop().time() < self._next_round:
            return False
        try:
            await self._ping()
        except redis.Away:
            return False
        return True

    async def _until_one_fails(self, works: Iterable[Callable[[], Awaitable[bool]]]) -> list[bool]:
        """What became of each; none after one that failed."""
        told = []
        for work in works:
            told.append(await _is_told(work))
            if not told[-1]:
                self._next_round = asyncio.get_running_loop().time() + PAUSE
                break
        return told


async def _is_told(work: Callable[[], Awaitable[bool]]) -> bool:
    """Tells one change. Logs each time that a page cannot be removed, since only a person can mend that."""
    try:
        return await work()
    except Unwritable as error:
        logger.warning("Changes stay untold. %s", error)
        return False
