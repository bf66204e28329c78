"""What follows from a change: carried out at once, and what fails later again by the worker. One outbox for all words.

Each word has a pure function `consequences` that returns the plain values below. Its documents keep an entry for each
(lib/untold.py) until it is done, so a process that dies at any line, a Redis that is away or a page cache that
cannot be written costs a delay and nothing else. The kinds fail separately: an unwritable page cache delays no event,
and no event is published again because of it. What only the worker can do waits for it: a message through Redis wakes
it, and without Redis it looks every second.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lib import json, mongo, redis
from lib.channels import Event, NextEvent, unnumbered
from lib.pagecache import Unwritable
from lib.untold import Consequence, Kinds, Untold
from models.accounts import Accounts
from models.pages import Pages, Tags
from models.tools import Tools

PATIENCE = 1.0  # seconds for Redis to publish: others wait for their turn behind it
SOON = 0.25  # seconds in which finished consequences gather, to be removed with one write
PAUSE = 5.0  # seconds between two rounds of `repeat` after a failure
WORKER = "worker"  # the channel that the worker follows
WAKE = Event(WORKER, 0, {})

logger = logging.getLogger(__name__)
Work = Callable[[Sequence[Consequence]], Awaitable[Sequence[Consequence]]]


@dataclass(frozen=True)
class EnsureAccount(Consequence):
    """The account of whoever made the change exists."""

    kind = "account"

    account: str


@dataclass(frozen=True)
class InvalidatePages(Consequence):
    """Cached pages under these tags are invalidated, on every host; all pages where `tags` is None."""

    kind = "pages"

    tags: Tags


@dataclass(frozen=True)
class PublishEvents(Consequence):
    """Followers of live channels hear of the change."""

    kind = "events"

    events: Sequence[Event]


class Word(Protocol):
    """A word whose documents have an outbox."""

    @property
    def untold(self) -> Untold: ...

    def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        """Reads each document that has entries of these kinds, and yields the consequences that these stand for."""


class Outbox:
    """Carries consequences out, and remembers for a moment which of them are done."""

    def __init__(self, tools: Tools, pages: Pages, accounts: Accounts) -> None:
        self._channels = tools.channels
        self._redis = tools.redis
        self._pages = pages
        self._accounts = accounts
        self._done: dict[Untold, list[Consequence]] = defaultdict(list)
        self._removing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._can_invalidate = True  # the last time that it was tried
        self._wakes: list[asyncio.Event] = []
        self._next_round = 0.0  # in the event loop's seconds

    async def tell(self, untold: Untold, consequences: Sequence[Consequence]) -> None:
        """Carries out what can be done now; the rest is left for the worker.

        Never raises because a server is away or the page cache unwritable: the change is stored, and that is what
        counts.
        """
        tags = tags_of(consequences)
        is_invalidated = self._invalidate(tags)
        wake = [WAKE] if any(one.is_for_worker for one in consequences) else []
        has_published = await self._publish([*self._pages.messages(tags), *events_of(consequences), *wake])
        self._remove_soon(untold, done_of(consequences, is_invalidated, has_published))

    async def repeat(self, *words: Word) -> int:
        """Carries out what was left because its process died or something was away. Returns of how many documents.

        Without Redis no other host can hear, so nothing is attempted. Where the page cache of this host is unwritable,
        only the other kinds are carried out: a worker of another host invalidates the pages there, and this host
        catches up when it can.
        """
        if asyncio.get_running_loop().time() < self._next_round or not await self._reaches_redis():
            return 0
        done: set[str] = set()
        for word in words:
            await word.untold.adopt()
            for kinds in self._doable(word.untold.web_kinds):
                async for consequences in word.left(kinds):
                    is_invalidated, has_published = await self._carry_out_again(word.untold, consequences)
                    if not is_invalidated or not has_published:
                        self._next_round = asyncio.get_running_loop().time() + PAUSE  # each attempt costs pages
                    if not has_published:
                        return len(done)
                    if is_invalidated:
                        done |= {one.id for one in consequences}
                await self.flush()
        return len(done)

    async def work(self, consequence: type[Consequence], work: Work, *words: Word) -> int:
        """Carries out what is left of a kind that only the worker can do. Returns how many consequences were done.

        `work` returns those that are done; the others are left for the next time. It fails by itself: neither Redis nor
        an unwritable page cache delays it. The workers of two hosts may both do it, as with every consequence.
        """
        done = 0
        for word in words:
            left = [one async for consequences in word.left(Kinds({consequence.kind})) for one in consequences]
            finished = await work(left) if left else []
            done += len(finished)
            self._done[word.untold] += finished
            await self.flush()
        return done

    async def listen(self) -> None:
        """From now on hears when a process leaves something for the worker. Only the worker calls it."""
        await self._channels.follow(WORKER, self, unnumbered)

    def wakes(self) -> asyncio.Event:
        """An event of the caller's own, set whenever something is left for the worker."""
        self._wakes.append(asyncio.Event())
        return self._wakes[-1]

    def send(self, text: str) -> None:
        """Receives a message of the channel: that something was left, or that messages may have been missed."""
        if json.loads(text)["type"] in ("event", "followed"):
            for wake in self._wakes:
                wake.set()

    def _doable(self, kinds: Kinds) -> list[Kinds]:
        """While pages cannot be invalidated, the other kinds come first: thousands of documents that only wait for
        their pages would hide them.
        """
        others = kinds - {InvalidatePages.kind}
        return [kinds] if self._can_invalidate or not others else [others, kinds]

    async def _carry_out_again(self, untold: Untold, consequences: Sequence[Consequence]) -> tuple[bool, bool]:
        tags = tags_of(consequences)
        is_invalidated = self._invalidate(tags)
        messages = self._pages.messages(tags) if is_invalidated else []
        has_published = await self._publish([*messages, *events_of(consequences)])
        self._remove_soon(untold, done_of(consequences, is_invalidated, has_published))
        return is_invalidated, has_published

    async def flush(self) -> None:
        """Removes the entries of everything that is done by now."""
        async with self._one_at_a_time:
            await self._flush()

    async def _flush(self) -> None:
        """Accounts come first: they are a consequence too, done in the same batch."""
        finished, self._done = self._done, defaultdict(list)
        try:
            if accounts := {c.account for done in finished.values() for c in done if isinstance(c, EnsureAccount)}:
                await self._accounts.documents.ensure(accounts)
            for untold, done in finished.items():
                await untold.remove(done)
        except mongo.Away:
            logger.warning(
                "%d consequences were carried out, but not noted: the worker repeats them",
                sum(map(len, finished.values())),
            )
        except asyncio.CancelledError:
            for untold, done in finished.items():
                self._done[untold] += done
            raise

    async def close(self) -> None:
        if self._removing is not None:
            self._removing.cancel()
            await asyncio.wait([self._removing])
        await self.flush()

    def _invalidate(self, tags: Tags) -> bool:
        if tags == ():
            return True
        try:
            self._pages.invalidate(tags)
        except Unwritable as error:
            if self._can_invalidate:
                logger.error("%s Until they can, the worker tries every %d s.", error, PAUSE)
            self._can_invalidate = False
        else:
            self._can_invalidate = True
        return self._can_invalidate

    async def _publish(self, events: Sequence[Event | NextEvent]) -> bool:
        if not events:
            return True
        try:
            async with asyncio.timeout(PATIENCE):
                await self._channels.publish(*events)
        except (*redis.Away, TimeoutError):
            return False
        return True

    async def _reaches_redis(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._redis.execute_command("PING")
        except (*redis.Away, TimeoutError):
            return False
        return True

    def _remove_soon(self, untold: Untold, done: Sequence[Consequence]) -> None:
        self._done[untold] += done
        if self._removing is None or self._removing.done():
            self._removing = asyncio.create_task(self._remove_until_empty())

    async def _remove_until_empty(self) -> None:
        while self._done:
            await asyncio.sleep(SOON)
            try:
                await self.flush()
            except Exception:
                logger.exception("Consequences were carried out, but not noted: the worker repeats them")


def tags_of(consequences: Sequence[Consequence]) -> Tags:
    """The tags that these consequences invalidate together; None for all pages."""
    tags: dict[str, None] = {}
    for one in consequences:
        if isinstance(one, InvalidatePages):
            if one.tags is None:
                return None
            tags |= dict.fromkeys(one.tags)
    return tuple(tags)


def events_of(consequences: Sequence[Consequence]) -> list[Event]:
    return [event for one in consequences if isinstance(one, PublishEvents) for event in one.events]


def done_of(consequences: Sequence[Consequence], is_invalidated: bool, has_published: bool) -> list[Consequence]:
    """Those that are done: other hosts' pages only go with a message, and accounts are written before the entries are
    removed. The worker's own are left for it.
    """
    is_done = {InvalidatePages: is_invalidated and has_published, PublishEvents: has_published, EnsureAccount: True}
    return [one for one in consequences if not one.is_for_worker and is_done[type(one)]]
