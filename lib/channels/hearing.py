"""The one Redis subscription of a process: kept open, and in line with what is followed, whatever becomes of Redis."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Collection
from typing import Protocol

from lib.redis import Away, Redis, Subscription

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to reach Redis

log = logging.getLogger("lib.channels")


class Hearer(Protocol):
    """Whoever is told what is heard."""

    @property
    def names(self) -> Collection[str]:
        """What is to be heard."""

    def confirmed(self, name: str) -> None:
        """From now on all that is published under this name is heard, until the connection is lost."""

    def lost(self) -> None:
        """The connection is."""

    async def heard(self, name: str, text: str) -> None: ...


class Hearing:
    """`number` counts connections, so that what was true on one is not believed on the next."""

    def __init__(self, redis: Redis, prefix: str, hearer: Hearer) -> None:
        self._redis = redis
        self._prefix = prefix
        self._hearer = hearer
        self.number = 0
        self.is_connected = asyncio.Event()
        self._changed: set[str] = set()  # names whose subscription is to be brought in line
        self._has_changed = asyncio.Event()
        self._unconfirmed: Counter[str] = Counter()

    def change(self, name: str) -> None:
        """This name is to be heard from now on, or no more."""
        self._changed.add(name)
        self._has_changed.set()

    async def go_on(self) -> None:
        """Hear, and try again wherever that ends."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                await self._hear()
            except* Away as group:
                if self.is_connected.is_set():
                    log.warning("Lost Redis: %s", group.exceptions[0])
            except* Exception:
                log.exception("Listening to Redis failed")
            pause = SHORTEST_PAUSE if self.is_connected.is_set() else min(pause * 2, LONGEST_PAUSE)
            self.is_connected.clear()
            self._unconfirmed.clear()
            self._hearer.lost()
            await asyncio.sleep(random.uniform(0.5, 1) * pause)

    async def _hear(self) -> None:
        subscription = Subscription(self._redis)
        try:
            await subscription.open()
            self.number += 1
            self._changed = set(self._hearer.names)
            self._has_changed.set()
            self.is_connected.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._subscribe(subscription))
                group.create_task(self._listen(subscription))
        finally:
            await subscription.close()

    async def _subscribe(self, subscription: Subscription) -> None:
        """Bring Redis in line with what is followed, in batches: a thousand who leave at once are one command."""
        while not _is_cancelled() and await self._has_changed.wait():
            names, self._changed = self._changed, set()
            self._has_changed.clear()
            wanted = names & set(self._hearer.names)
            self._unconfirmed.update(wanted)
            if wanted:
                await subscription.subscribe(self._prefix + name for name in wanted)
            if names - wanted:
                await subscription.unsubscribe(self._prefix + name for name in names - wanted)

    async def _listen(self, subscription: Subscription) -> None:
        while not _is_cancelled():
            kind, name, text = await subscription.heard()
            name = name.removeprefix(self._prefix)
            if kind == "subscribe":
                self._confirm(name)
            elif kind == "message":
                await self._hearer.heard(name, text)

    def _confirm(self, name: str) -> None:
        """A confirmation counts only if no other command for this name is under way: it may be of an earlier follower."""
        self._unconfirmed[name] -= 1
        if self._unconfirmed[name] > 0:
            return
        del self._unconfirmed[name]
        if name not in self._changed:
            self._hearer.confirmed(name)


def _is_cancelled() -> bool:
    """redis-py writes under `asyncio.wait_for`, which in Python 3.11 may swallow it (https://bugs.python.org/issue37658)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
