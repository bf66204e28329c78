"""One channel that is followed in this process: its followers, its newest known number, and the count of all followers.

`Channels` creates and removes these objects. They never talk to Redis.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

BATCH = 50  # followers that are sent a text before other tasks get a turn
COUNT_LIFETIME = 30.0  # seconds for which another process's count is valid

log = logging.getLogger(__name__)

Newest = Callable[[], Awaitable[int]]


class Follower(Protocol):
    """Follows a channel. `send` must not block or raise, and must bound its own queue."""

    def send(self, text: str, /) -> None: ...


class Event(NamedTuple):
    """An event of a channel with the number `n`, which the publisher assigned."""

    channel: str
    n: int
    data: Any


class NextEvent(NamedTuple):
    """An event that gets its number from a counter in Redis when it is published, so that numbers arrive in order."""

    channel: str
    counter: str
    data: Any


async def unnumbered() -> int:
    """The newest number of a channel whose events have none."""
    return 0


class Channel:
    """Current if Redis confirmed the subscription on this connection, and the newest number was read after that."""

    def __init__(self, name: str, newest: Newest) -> None:
        self.name = name
        self.newest = newest
        self.followers: dict[Follower, None] = {}
        self.waiting = 0  # calls of `follow` that have not returned yet
        self.n = 0  # the newest known number
        self.confirmed: int | None = None  # the number of the connection on which Redis confirmed the subscription
        self.confirmation = asyncio.Event()
        self.read: int | None = None  # the number of the connection on which `n` was read, after the confirmation
        self.reading: asyncio.Task[None] | None = None
        self.here = Here()

    @property
    def is_abandoned(self) -> bool:
        return not self.followers and not self.waiting

    def is_current(self, connection: int) -> bool:
        return self.read == self.confirmed == connection

    async def send(self, text: str) -> None:
        """Sends a text to all present followers, in batches: other tasks get a turn in between."""
        for place, follower in enumerate(list(self.followers), 1):
            if follower in self.followers:
                _send(follower, text)
            if place % BATCH == 0:
                await asyncio.sleep(0)


class Here:
    """Counts the followers of a channel in all processes, which tell each other their counts. Times are in seconds."""

    def __init__(self) -> None:
        self.elsewhere: dict[str, tuple[int, float]] = {}  # by process: its count, and when that expires
        self.gossiped = 0  # the count that we last sent to the other processes
        self.gossiped_at = 0.0
        self.sent = 0  # the total that we last sent to our followers
        self.sent_at = -COUNT_LIFETIME
        self.has_newcomer = False

    def received(self, server: str, count: int, now: float) -> None:
        self.elsewhere[server] = (count, now + COUNT_LIFETIME)
        if not count:
            del self.elsewhere[server]

    def total(self, own: int, now: float) -> int:
        self.elsewhere = {server: seen for server, seen in self.elsewhere.items() if seen[1] > now}
        return own + sum(count for count, _ in self.elsewhere.values())

    def is_gossip_due(self, own: int, now: float) -> bool:
        return own != self.gossiped or now - self.gossiped_at >= COUNT_LIFETIME / 3

    def is_due(self, own: int, total: int, now: float) -> bool:
        """Whether to send the total to our followers: at most once a second, less often to thousands of them."""
        is_news = total != self.sent or self.has_newcomer
        return is_news and now - self.sent_at >= 1 + own // 1000


def _send(follower: Follower, text: str) -> None:
    try:
        follower.send(text)
    except Exception:
        log.exception("A follower must not raise")
