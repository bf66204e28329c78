"""What staff do with comments: look through them, approve, hold, remove, rewrite, answer."""

import asyncio
from functools import partial

from lib.clock import Clock
from lib.mongo import DESCENDING, Document
from models.comments.changes import Changes
from models.comments.checks import Attempt, Facts, judge
from models.comments.collection import Author, Comments, ancestry, refuse
from models.comments.comment import Comment
from models.comments.store import CommentStore
from models.comments.thread import hanging_on
from models.errors import Invalid
from models.posts import Post

LONGEST_SUBSTRING = 200


class Moderation:
    """The queue, and the verbs of those who look after it."""

    def __init__(
        self, store: CommentStore, changes: Changes, comments: Comments, clock: Clock, *, own_host: str
    ) -> None:
        self._store = store
        self._changes = changes
        self._comments = comments
        self._clock = clock
        self._own_host = own_host

    async def queue(self, status: str, before: str | None = None, most: int = 50) -> list[Comment]:
        """Comments in a state, newest first, older than the one with the id `before`; one more than `most`, if there is."""
        query: Document = {"status": status}
        if before is not None:
            last = await self._store.by_id(before)
            query["created"] = {"$lte": last.created}
            query["$or"] = [{"created": {"$lt": last.created}}, {"_id": {"$lt": last.id}}]
        return await self._store.found(query, [("created", DESCENDING), ("_id", DESCENDING)], most + 1)

    async def counts(self) -> dict[str, int]:
        """How many comments are in each state that staff look at."""
        states = ("held", "published", "spam")
        counts = await asyncio.gather(*(self._store.count({"status": state}) for state in states))
        return dict(zip(states, counts, strict=True))

    async def approve(self, id: str) -> list[Comment]:
        """Publish a comment and first the held ones that it hangs on; never spam, and nothing that was removed."""
        comment = await self._store.by_id(id)
        line = await ancestry(self._store, comment)
        approved = []
        for waiting in [c for c in line.values() if c.status == "held" or c is comment]:
            above = hanging_on(waiting.parent, line)
            line[waiting.id] = await self._changes.make(waiting.id, partial(_published, above=above))
            approved.append(line[waiting.id])
        return approved

    async def reply(self, post: Post, author: Author, attempt: Attempt, id: str) -> list[Comment]:
        """Answer a comment, and approve by that what waits above; nothing is approved for an answer that is refused."""
        refuse(judge(attempt, Facts(is_open=post.takes_comments, is_trusted=True), "none"))
        approved = await self.approve(id)
        return [*approved, await self._comments.add(post, author, attempt, id)]

    async def hold(self, id: str) -> Comment:
        """Take a published comment back into the queue."""
        return await self._changes.make(id, lambda comment: comment.judged("held", "staff"))

    async def mark_spam(self, id: str) -> Comment:
        return await self._changes.make(id, lambda comment: comment.judged("spam", "staff"))

    async def remove(self, id: str) -> Comment:
        return await self._changes.make(id, lambda comment: comment.removed("staff"))

    async def rewrite(self, id: str, text: str) -> Comment:
        """Change somebody's text, at any time. Invalid where it is empty or too long."""
        refuse(judge(Attempt(text), Facts(is_trusted=True), "none"))
        now = self._clock()
        return await self._changes.make(id, lambda comment: comment.rewritten(text, self._own_host, now))

    async def hold_substring(self, substring: str) -> None:
        """From now on a comment that contains this, in any case, waits for a person."""
        word = substring.strip()[:LONGEST_SUBSTRING].casefold()
        if not word:
            raise Invalid({"substring": "Please name something to look for."})
        await self._store.watch_for(word)


def _published(comment: Comment, above: Comment | None) -> Comment:
    if comment.status not in ("held", "spam"):
        return comment
    hung = comment if comment.is_numbered else comment.under(above)
    return hung.judged("published", "staff")
