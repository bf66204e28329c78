"""What staff do with comments: look through them, approve, hold, remove, rewrite, answer."""

from collections.abc import Iterable
from functools import partial

from models.comments.comment import Author, Comment, Status
from models.comments.documents import CommentDocuments
from models.comments.reading import hanging_on
from models.comments.rules import Attempt, Facts, judge, refuse
from models.comments.writing import CommentWriting
from models.errors import Conflict, Invalid
from models.posts import Post
from models.tools import Tools

LONGEST_SUBSTRING = 200
CHANGED = "This comment has changed since you read it, so it was not published. Please read it again."
UNREAD = "Please send the revision of each comment that you have read."
LOOKED_AT = (Status.HELD, Status.PUBLISHED, Status.SPAM)  # what the queue can show


class Moderation:
    def __init__(self, tools: Tools, documents: CommentDocuments, writing: CommentWriting) -> None:
        self._documents = documents
        self._writing = writing
        self._clock = tools.clock
        self._own_host = tools.own_host

    async def queue(self, status: Status, before: str | None = None, most: int = 50) -> list[Comment]:
        """Comments of a status, newest first, older than the one with the id `before`; one more than `most`, if there
        is one.
        """
        return await self._documents.queue(status, before, most + 1)

    async def counts(self) -> dict[Status, int]:
        """How many comments have each status that the queue can show."""
        return await self._documents.count_by_status(LOOKED_AT)

    async def approve(self, id: str, revision: int) -> Comment:
        """Publishes a comment as staff read it: `revision` says in which state. Conflict if it has changed since.

        One that is published stays as it is; so does one that was removed.
        """
        comment = await self._documents.by_id(id)
        above = hanging_on(comment.parent, await self._writing.ancestry(comment))
        return await self._writing.change(id, partial(_published, revision=revision, above=above), comment)

    async def parents_first(self, ids: Iterable[str]) -> list[str]:
        """The order to approve comments in: a reply hangs on its parent only if that was published before."""
        depths = {comment.id: comment.depth for comment in await self._documents.by_ids([*ids])}
        return sorted(ids, key=lambda id: depths.get(id, 0))

    async def reply(
        self, post: Post, author: Author, attempt: Attempt, parent: Comment, revision: int | None
    ) -> list[Comment]:
        """Answers a comment. One that is not published is approved by that: `revision` as in `approve`.

        Nothing is approved for an answer that is refused.
        """
        refuse(judge(attempt, Facts(is_open=post.takes_comments, is_trusted=True), "none"))
        approved = []
        if not parent.is_published:
            if revision is None:
                raise Invalid({"revision": UNREAD})
            approved = [await self.approve(parent.id, revision)]
        return [*approved, await self._writing.add(post, author, attempt, parent.id)]

    async def hold(self, id: str) -> Comment:
        """Take a published comment back into the queue."""
        return await self._writing.change(id, lambda comment: comment.judged(Status.HELD, "staff"))

    async def mark_spam(self, id: str) -> Comment:
        return await self._writing.change(id, lambda comment: comment.judged(Status.SPAM, "staff"))

    async def remove(self, id: str) -> Comment:
        return await self._writing.change(id, lambda comment: comment.removed("staff"))

    async def rewrite(self, id: str, text: str) -> Comment:
        """Change somebody's text, at any time. Invalid where it is empty or too long."""
        refuse(judge(Attempt(text), Facts(is_trusted=True), "none"))
        now = self._clock()
        return await self._writing.change(id, lambda comment: comment.rewritten(text, self._own_host, now))

    async def hold_substring(self, substring: str) -> None:
        """From now on a comment that contains this, in any case, waits for a person."""
        word = substring.strip()[:LONGEST_SUBSTRING].casefold()
        if not word:
            raise Invalid({"substring": "Please name something to look for."})
        await self._documents.watch_for(word)


def _published(comment: Comment, revision: int, above: Comment | None) -> Comment:
    if comment.status not in (Status.HELD, Status.SPAM):
        return comment
    if comment.revision != revision:
        raise Conflict("changed", CHANGED)
    hung = comment if comment.is_numbered else comment.under(above)
    return hung.judged(Status.PUBLISHED, "staff")
