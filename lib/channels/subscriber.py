"""The one Redis subscription of a process, used by `Channels`: it reconnects, and subscribes to what is followed.

It knows no followers and no numbers; a listener receives the messages.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Collection
from typing import Protocol

from lib.redis import Away, Redis, Subscription

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to connect to Redis

log = logging.getLogger("lib.channels")


class Listener(Protocol):
    """Receives what a subscriber is subscribed to."""

    @property
    def names(self) -> Collection[str]:
        """The names to be subscribed to."""

    def confirmed(self, name: str) -> None:
        """Called when Redis confirmed a subscription: from now on no message is missed until `lost`."""

    def lost(self) -> None:
        """Called when the connection is lost, and with it all subscriptions."""

    async def received(self, name: str, text: str) -> None:
        """Called for each message, in order."""


class Subscriber:
    """Keeps the subscription of a process.

    `connection` counts connections: what is known of one is not true on the next.
    """

    def __init__(self, redis: Redis, prefix: str, listener: Listener) -> None:
        self._redis = redis
        self._prefix = prefix
        self._listener = listener
        self.connection = 0
        self.is_connected = asyncio.Event()
        self._changed: set[str] = set()  # names to subscribe to or unsubscribe from
        self._has_changed = asyncio.Event()
        self._unconfirmed: Counter[str] = Counter()  # SUBSCRIBE commands without a confirmation yet, by name

    def update(self, name: str) -> None:
        """Subscribes to a name or unsubscribes from it, as the listener's `names` say when the command is sent."""
        self._changed.add(name)
        self._has_changed.set()

    async def run(self) -> None:
        """Receives messages until cancelled; reconnects with growing pauses whenever the connection fails."""
        pause = SHORTEST_PAUSE
        while True:
            try:
                await self._receive_until_lost()
            except* Away as group:
                if self.is_connected.is_set():
                    log.warning("Lost Redis: %s", group.exceptions[0])
            except* Exception:
                log.exception("Listening to Redis failed")
            pause = SHORTEST_PAUSE if self.is_connected.is_set() else min(pause * 2, LONGEST_PAUSE)
            self.is_connected.clear()
            self._unconfirmed.clear()
            self._listener.lost()
            await asyncio.sleep(random.uniform(0.5, 1) * pause)

    async def _receive_until_lost(self) -> None:
        subscription = Subscription(self._redis)
        try:
            await subscription.open()
            self.connection += 1
            self._changed = set(self._listener.names)
            self._has_changed.set()
            self.is_connected.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._subscribe(subscription))
                group.create_task(self._receive(subscription))
        finally:
            await subscription.close()

    async def _subscribe(self, subscription: Subscription) -> None:
        """Sends changes in batches: when a thousand followers leave at once, that is one command."""
        while not _is_cancelled() and await self._has_changed.wait():
            names, self._changed = self._changed, set()
            self._has_changed.clear()
            wanted = names & set(self._listener.names)
            self._unconfirmed.update(wanted)
            if wanted:
                await subscription.subscribe(self._prefix + name for name in wanted)
            if names - wanted:
                await subscription.unsubscribe(self._prefix + name for name in names - wanted)

    async def _receive(self, subscription: Subscription) -> None:
        while not _is_cancelled():
            kind, name, text = await subscription.receive()
            name = name.removeprefix(self._prefix)
            if kind == "subscribe":
                self._confirm(name)
            elif kind == "message":
                await self._listener.received(name, text)

    def _confirm(self, name: str) -> None:
        """Passes a confirmation on, unless it may belong to an older command: then another one is pending."""
        self._unconfirmed[name] -= 1
        if self._unconfirmed[name] > 0:
            return
        del self._unconfirmed[name]
        if name not in self._changed:
            self._listener.confirmed(name)


def _is_cancelled() -> bool:
    """Whether this task was cancelled, even if the CancelledError was lost.

    redis-py writes under `asyncio.wait_for`, which in Python 3.11 may swallow it (https://bugs.python.org/issue37658).
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
