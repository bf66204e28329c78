"""One channel that somebody in this process follows: who does, the newest number known, and how many do elsewhere."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

BREATH = 50  # followers that are told at a stretch before others get their turn
LASTING = 30.0  # seconds that another process's count is believed

log = logging.getLogger(__name__)

Newest = Callable[[], Awaitable[int]]


class Follower(Protocol):
    """Whoever follows: takes a text at once, bounds its own queue, and never raises."""

    def send(self, text: str, /) -> None: ...


class Event(NamedTuple):
    """The change numbered `n` of what a channel tells of."""

    channel: str
    n: int
    data: Any


class NextEvent(NamedTuple):
    """The next change of what a channel tells of, by a counter in Redis: such events arrive in the order of their numbers."""

    channel: str
    counter: str
    data: Any


class Channel:
    """Counts as current while Redis confirmed the subscription on this connection and the newest number was read after."""

    def __init__(self, name: str, newest: Newest) -> None:
        self.name = name
        self.newest = newest
        self.followers: dict[Follower, None] = {}
        self.waiting = 0  # who asked to follow and has no answer yet
        self.n = 0
        self.confirmed: int | None = None  # the connection (counted up) on which Redis confirmed the subscription
        self.confirmation = asyncio.Event()
        self.read: int | None = None  # the connection on which `n` was read after that
        self.reading: asyncio.Task[None] | None = None
        self.here = Here()

    @property
    def is_abandoned(self) -> bool:
        return not self.followers and not self.waiting

    def is_current(self, connection: int) -> bool:
        return self.read == self.confirmed == connection

    async def tell(self, text: str) -> None:
        """Hand a text to all who follow now; with thousands, others get their turn in between."""
        for place, follower in enumerate(list(self.followers), 1):
            if follower in self.followers:
                _tell(follower, text)
            if place % BREATH == 0:
                await asyncio.sleep(0)


class Here:
    """How many follow a channel: gossip of the processes, forgotten when a process falls silent."""

    def __init__(self) -> None:
        self.elsewhere: dict[str, tuple[int, float]] = {}
        self.gossiped = 0  # the count that the others know from us
        self.gossiped_at = 0.0
        self.told = 0  # the total that followers know
        self.told_at = -LASTING
        self.has_newcomer = False

    def heard(self, server: str, count: int, now: float) -> None:
        self.elsewhere[server] = (count, now + LASTING)
        if not count:
            del self.elsewhere[server]

    def total(self, own: int, now: float) -> int:
        self.elsewhere = {server: seen for server, seen in self.elsewhere.items() if seen[1] > now}
        return own + sum(count for count, _ in self.elsewhere.values())

    def is_gossip_due(self, own: int, now: float) -> bool:
        return own != self.gossiped or now - self.gossiped_at >= LASTING / 3

    def is_due(self, own: int, total: int, now: float) -> bool:
        """Once a second at most; rooms of thousands less often, since telling everybody is work for everybody."""
        is_news = total != self.told or self.has_newcomer
        return is_news and now - self.told_at >= 1 + own // 1000


def _tell(follower: Follower, text: str) -> None:
    try:
        follower.send(text)
    except Exception:
        log.exception("A follower must not raise")
