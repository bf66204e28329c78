"""What changes a comment, and all that follows: its post counted anew, pages forgotten, everyone who reads it told."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from lib import mongo, redis
from lib.channels import Event
from lib.mongo import DuplicateKey
from models.comments.comment import Comment
from models.comments.store import CommentStore
from models.comments.threads import Threads
from models.errors import Conflict
from models.pages import ARCHIVE, Pages
from models.posts import Post, Posts

TRIES = 20
STAFF_CHANNEL = "staff"

logger = logging.getLogger(__name__)
Step = Callable[[Comment], Comment]


class Channels(Protocol):
    """Where changes are published; raises `redis.Away` where nobody could be told."""

    def publish(self, *events: Event) -> Awaitable[None]: ...


class Changes:
    """The only way to change comments."""

    def __init__(self, store: CommentStore, threads: Threads, posts: Posts, pages: Pages, channels: Channels) -> None:
        self._store = store
        self._threads = threads
        self._posts = posts
        self._pages = pages
        self._channels = channels

    async def add(self, post: Post, comment: Comment) -> Comment:
        """Store a new comment, and tell the world. One that is there already, by its id, is left as it is."""
        try:
            comment = await self._store.insert(comment, post.n)
        except DuplicateKey:  # the same text arrived twice at once
            return await self._store.by_id(comment.id)
        await self._tell_now(comment)
        return comment

    async def make(self, id: str, step: Step) -> Comment:
        """Load, take a pure step, save if nobody else did in between; else again. Tells the world."""
        for _ in range(TRIES):
            before = await self._store.by_id(id)
            after = step(before)
            if after == before:
                return before
            saved = await self._store.save(before, after)
            if saved is not None:
                await self._tell_now(saved)
                return saved
        raise Conflict("changed", "Somebody else is changing this comment. Please try again.")

    async def tell(self, comment: Comment) -> bool:
        """All that follows from a change; safe to repeat. False where Redis is away: it stays untold, for the worker."""
        try:
            if comment.n is not None:  # else no page has ever shown or counted it
                await self._recount(comment.post, comment.n)
                await self._pages.forget(comment.tag, ARCHIVE)
            await self._publish(comment)
        except redis.Away:
            return False
        await self._store.mark_told(comment)
        return True

    async def untold(self) -> list[Comment]:
        """Changes that the world has not heard of, and should have."""
        return await self._store.untold()

    async def bring(self, post: Post, comments: list[Comment]) -> int:
        """Take over comments from elsewhere, parents first, each with its origin; what came before is left as it is."""
        known = {c.id for c in await self._store.found({"_id": {"$in": [c.id for c in comments]}})}
        fresh = [c for c in comments if c.id not in known]
        n = await self._store.newest_n(post.id)
        for comment in fresh:
            n = (await self._store.insert(comment, n)).n or n
        if fresh:
            await self._recount(post.id, n)
            await self._forget_brought(post, fresh)
        return len(fresh)

    async def _forget_brought(self, post: Post, fresh: list[Comment]) -> None:
        """Nobody waits to see each of them arrive, so they are told as one; where Redis is away, by the worker one by one."""
        try:
            await self._pages.forget(post.tag, ARCHIVE)
        except redis.Away:
            return
        await self._store.mark_all_told(comment.id for comment in fresh)

    async def _tell_now(self, comment: Comment) -> None:
        """The change is stored, so whoever asked for it must hear of that, whatever becomes of the telling."""
        try:
            await self.tell(comment)
        except mongo.Away:
            logger.warning("comment %s is stored but could not be told; the worker will", comment.id)

    async def _recount(self, post: str, n: int) -> None:
        """Count a post's comments and roots anew, after change `n` was stored: the counts are at least as new as that."""
        await self._posts.set_comment_count(post, *await self._store.counts_of(post), n)

    async def _publish(self, comment: Comment) -> None:
        news = {"id": comment.id, "status": comment.status, "post": comment.post}
        events = [Event(STAFF_CHANNEL, 0, {"comment": news})]
        if comment.n is not None:
            (change,) = await self._threads.as_changes([comment])
            events.append(Event(comment.channel, comment.n, {"comment": change}))
        await self._channels.publish(*events)
