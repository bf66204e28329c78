"""What changes a comment, and all that follows: its post's counts stored, pages forgotten, everyone who reads it told."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from operator import attrgetter
from typing import Protocol

from lib import mongo, redis
from lib.batches import Batches
from lib.channels import Event, NextEvent
from lib.pagecache import Unwritable
from models.comments.comment import Comment
from models.comments.marks import Marks
from models.comments.numbering import Numbering
from models.comments.store import CommentStore
from models.comments.threads import Threads
from models.errors import Conflict
from models.pages import ARCHIVE, Pages
from models.posts import Counting, Counts, Post, tag_of_post

TRIES = 20
MOST_AT_ONCE = 100  # comments that are stored together
LONGEST_WAIT = 5  # seconds, for a comment to be stored
PATIENCE = 1  # seconds, for Redis to tell of it
STAFF_CHANNEL = "staff"

logger = logging.getLogger(__name__)
Step = Callable[[Comment], Comment]


class Channels(Protocol):
    """Where changes are published; raises `redis.Away` where nobody could be told."""

    def publish(self, *events: Event | NextEvent) -> Awaitable[None]: ...


class Changes:
    """The only way to change comments."""

    def __init__(
        self,
        store: CommentStore,
        numbering: Numbering,
        threads: Threads,
        counting: Counting,
        pages: Pages,
        channels: Channels,
        marks: Marks,
    ) -> None:
        self._store = store
        self._numbering = numbering
        self._threads = threads
        self._counting = counting
        self._pages = pages
        self._channels = channels
        self._marks = marks
        self._new: Batches[tuple[Counts, Comment], Comment | None] = Batches(self._add_all, MOST_AT_ONCE)

    async def add(self, post: Post, comment: Comment) -> Comment:
        """Store a new comment, and tell the world; all that arrive at once under a post, together.

        One that is there already, by its id, is left as it is: the same text arrived twice at once.
        """
        async with asyncio.timeout(LONGEST_WAIT):  # MongoDB hangs: who tries again gets what was stored after all
            stored = await self._new.add(post.id, (post.counts, comment))
        return stored or (await self._store.found({"_id": comment.id}))[0]

    async def make(self, id: str, step: Step) -> Comment:
        """Load, take a pure step, save if nobody else did in between; else again. Tells the world."""
        for _ in range(TRIES):
            before = await self._store.by_id(id)
            after = step(before)
            if after == before:
                return before
            saved = await self._numbering.save(before, after)
            if saved is not None:
                await self._tell_now(saved)
                return saved
        raise Conflict("changed", "Somebody else is changing this comment. Please try again.")

    async def tell(self, *comments: Comment) -> bool:
        """All that follows from changes of one post's comments, in the order of their numbers; safe to repeat.

        False where Redis is away: they stay untold, for the worker. So they do where it raises `Unwritable`: cached pages of
        this host cannot be removed, while other hosts and open pages have heard of the changes.
        """
        events: list[Event | NextEvent] = [Event(STAFF_CHANNEL, 0, {"comment": hint_of(c)}) for c in comments]
        numbered = [comment for comment in comments if comment.is_numbered]
        if numbered:
            events += await self._refresh(numbered)
        try:
            await self._publish(numbered[-1:], events)
        except redis.Away:
            return False
        self._marks.add(*comments)
        return True

    async def untold(self) -> list[Comment]:
        """Changes that the world has not heard of, and should have."""
        return await self._store.untold()

    async def recount(self) -> int:
        """Count all threads, and correct those that changes count wrongly: a backup was restored that was made while people
        wrote, or somebody has changed documents by hand. How many.
        """
        stored = await self._counting.all_counts()  # first: what comes between is newer, and then nothing is corrected
        counted, corrected = await self._numbering.counted(), []
        for post, wrong in stored.items():
            right = counted.get(post, Counts())
            if right == wrong or right != (await self._numbering.counted(post)).get(post, Counts()):
                continue  # nothing is wrong, or somebody is writing
            if await self._counting.correct_counts(post, wrong, right):
                await self._numbering.correct(post, right)
                corrected.append(post)
        if corrected:
            await self._pages.forget(*map(tag_of_post, corrected), ARCHIVE)
        return len(corrected)

    async def bring(self, post: Post, comments: list[Comment]) -> int:
        """Take over comments from elsewhere, parents first, each with its origin; what came before is left as it is."""
        known = {c.id for c in await self._store.found({"_id": {"$in": [c.id for c in comments]}})}
        fresh = [c for c in comments if c.id not in known]
        if fresh:
            await self._numbering.insert(post.id, fresh, post.counts)
            await self._counting.set_counts(post.id, await self._numbering.counts(post.id))
            await self._forget_brought(post, fresh)
        return len(fresh)

    async def _forget_brought(self, post: Post, fresh: list[Comment]) -> None:
        """Nobody waits to see each arrive, so they are told as one; where Redis is away, by the worker one by one."""
        try:
            await self._pages.forget(post.tag, ARCHIVE)
        except redis.Away:
            return
        except Unwritable as error:
            return logger.warning("comments under %s are stored but could not be told. %s", post.path, error)
        await self._store.mark_told(fresh)

    async def _add_all(self, post: str, new: Sequence[tuple[Counts, Comment]]) -> list[Comment | None]:
        """Store what arrived together, and tell of it; None for what is there already."""
        counts = max((counts for counts, _ in new), key=attrgetter("n"))
        stored = await self._numbering.insert(post, [comment for _, comment in new], counts)
        if added := list(filter(None, stored)):
            await self._tell_now(*added)
        return stored

    async def _refresh(self, comments: Sequence[Comment]) -> list[Event | NextEvent]:
        """Store the counts after these changes. Returns the events for other hosts' page caches and for open pages."""
        newest = comments[-1]
        await self._counting.set_counts(newest.post, newest.counts or await self._numbering.counts(newest.post))
        changes = await self._threads.as_changes(comments)
        events = [Event(newest.channel, change["n"], {"comment": change}) for change in changes]
        return [self._pages.word(*shown_on(newest)), *events]

    async def _publish(self, newest: Sequence[Comment], events: Sequence[Event | NextEvent]) -> None:
        """Invalidate the cached pages of a thread, by its newest change; then publish, even where that failed."""
        try:
            for comment in newest:
                self._pages.forget_here(*shown_on(comment))
        finally:
            async with asyncio.timeout(PATIENCE):  # Redis hangs, and others wait for their turn
                await self._channels.publish(*events)

    async def _tell_now(self, *comments: Comment) -> None:
        """The changes are stored, so whoever asked for them must hear of that, whatever becomes of the telling."""
        try:
            await self.tell(*comments)
        except (*mongo.Away, Unwritable) as error:
            ids = ", ".join(comment.id for comment in comments)
            reason = str(error) if isinstance(error, Unwritable) else "MongoDB is away."
            logger.warning("comments %s are stored but could not be told; the worker will. %s", ids, reason)


def shown_on(comment: Comment) -> tuple[str, ...]:
    """The tags of the pages that a change of this comment is seen on."""
    return comment.tag, ARCHIVE


def hint_of(comment: Comment) -> dict[str, str]:
    """What staff hear of a change: their pages ask the admin process for the rest."""
    return {"id": comment.id, "status": comment.status, "post": comment.post}
