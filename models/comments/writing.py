"""What visitors do with comments: write, edit and remove them. Staff's part is in moderation.py, on top of `change`
here.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter

from lib import mongo
from lib.batches import Batches
from lib.ids import new_id
from lib.markup import comment_text_html
from lib.tokens import digest
from lib.untold import Consequence, Kinds
from models.comments.comment import Author, Comment, Counts, Status, consequences, consequences_of_import
from models.comments.documents import CommentDocuments
from models.comments.numbering import Numbering
from models.comments.reading import CommentReading, hanging_on
from models.comments.rules import MOST_PREVIEWS, Attempt, Facts, Verdict, judge, limits_of, looks_back, refuse
from models.errors import Conflict, Invalid, NotAllowed
from models.outbox import Outbox
from models.posts import Post, Posts
from models.tools import Tools

MINUTE = 60
REPOSTED_WITHIN = timedelta(days=1)
TRIES = 20
MOST_AT_ONCE = 100  # comments that are stored together
LONGEST_WAIT = 5  # seconds for a comment to be stored

logger = logging.getLogger(__name__)
Step = Callable[[Comment], Comment]


class CommentWriting:
    def __init__(
        self,
        tools: Tools,
        documents: CommentDocuments,
        reading: CommentReading,
        posts: Posts,
        outbox: Outbox,
    ) -> None:
        self._limits = tools.limits
        self._tokens = tools.tokens
        self._clock = tools.clock
        self._moderation = tools.settings.moderation
        self._own_host = tools.own_host
        self._documents = documents
        self._reading = reading
        self._posts = posts
        self._outbox = outbox
        self._numbering = Numbering(documents)
        self._new: Batches[tuple[Counts, Comment], Comment | None] = Batches(self._insert, MOST_AT_ONCE)

    async def add(self, post: Post, author: Author, attempt: Attempt, parent: str | None = None) -> Comment:
        """Puts a comment under a post, and lets everyone who is reading it know. A repost returns the comment that
        exists.
        """
        id, existing, wait = await self._deduplicate(post, author, attempt)  # first: refused attempts count too
        if existing is not None:
            return existing
        facts = replace(await self._facts(post, author, attempt, id), wait=wait)
        above = await self._parent(post, author, parent)
        verdict = judge(attempt, facts, self._moderation)
        refuse(verdict)
        comment = self._written(id, post, author, attempt, verdict)
        if comment.is_published and above is not None and not above.is_numbered:  # the author's own, still held
            above = hanging_on(above.id, await self.ancestry(above))
        return await self._store(post, comment.under(above))

    async def preview(self, author: Author, attempt: Attempt) -> str:
        """A comment's text as HTML; nothing is stored."""
        wait = await self._limits.exceeded({f"previews:{author.network}": MOST_PREVIEWS}, MINUTE)
        refuse(judge(attempt, Facts(wait=wait), "none"))
        return comment_text_html(attempt.text, self._own_host)

    async def edit(self, post: Post, author: Author, id: str, token: object, text: str) -> Comment:
        """Changes an author's own text within 15 minutes. A published text that changed is checked again.

        Who asks is trusted, never the token: it may have been given before the author signed in.
        """
        comment = await self._own(post, id, token)
        if text == comment.text:
            return comment
        attempt = Attempt(text, comment.name, comment.email)
        wait = await self._limits.exceeded(limits_of(author, "edits"), MINUTE)
        facts = replace(await self._facts(post, author, attempt, id), is_repeated=False, wait=wait)
        verdict = judge(attempt, facts, self._moderation)
        refuse(verdict)
        now = self._clock()

        def step(before: Comment) -> Comment:
            after = before.rewritten(text, self._own_host, now)
            return after.judged(Status.HELD, verdict.check) if verdict and before.is_published else after

        return await self.change(id, step)

    async def remove_own(self, post: Post, id: str, token: object) -> Comment:
        """Removes an author's own comment within 15 minutes."""
        await self._own(post, id, token)
        return await self.change(id, lambda comment: comment.removed("author"))

    def edit_token(self, comment: Comment) -> str:
        """Proves to be the author of a comment. Made from its id, so that a repost gets the same token."""
        return self._tokens.made("edit-comment", comment.id)

    # For everything that changes comments

    async def change(self, id: str, step: Step, known: Comment | None = None) -> Comment:
        """Loads a comment, takes a pure step, and saves it; again if somebody else changed it in between. Conflict
        after 20 times.

        `known` is the comment as the caller has just loaded it.
        """
        for _ in range(TRIES):
            before, known = known or await self._documents.by_id(id), None
            after = step(before)
            if after == before:
                return before
            saved = await self._numbering.save(before, after)
            if saved is not None:
                await self.tell(saved)
                return saved
        raise Conflict("changed", "Somebody else is changing this comment. Please try again.")

    async def tell(self, *comments: Comment) -> None:
        """Carries out what follows from stored changes of one post's comments, in the order of their numbers.

        The changes are stored, so this does not fail over a MongoDB that is away by now: the worker tells later.
        """
        try:
            await self._outbox.tell(self._documents.untold, await self._consequences(*comments))
        except mongo.Away:
            ids = ", ".join(comment.id for comment in comments)
            logger.warning("comments %s are stored but could not be told; the worker will", ids)

    async def bring(self, post: Post, comments: Sequence[Comment]) -> int:
        """Stores imported comments, parents first. Those that exist stay as they are. Returns how many are new.

        No events are published: nobody waits to see thousands of old comments arrive one by one.
        """
        existing = {c.id for c in await self._documents.by_ids([c.id for c in comments])}
        fresh = [c for c in comments if c.id not in existing]
        if fresh:
            await self._numbering.insert(post.id, fresh, Counts.of(post))
            counts = await self._documents.counts(post.id)
            await self._posts.documents.set_thread(post.id, *counts)
            told = [c for comment in fresh for c in consequences_of_import(comment)]
            await self._outbox.tell(self._documents.untold, told)
        return len(fresh)

    async def ancestry(self, comment: Comment) -> dict[str, Comment]:
        """A comment and all that it answers, topmost first, by id."""
        line = [comment]
        while line[-1].parent:
            line.append(await self._documents.by_id(line[-1].parent))
        return {c.id: c for c in reversed(line)}

    async def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        for comment, left in await self._documents.left(kinds):
            yield [c for c in await self._consequences(comment) if c.kind in kinds & left]

    async def _store(self, post: Post, comment: Comment) -> Comment:
        """Stores a new comment together with all that arrive at the same time under this post.

        If its id exists the stored one is returned: the same text arrived twice at once. TimeoutError if MongoDB hangs;
        a retry gets what was stored after all.
        """
        async with asyncio.timeout(LONGEST_WAIT):
            stored = await self._new.add(post.id, (Counts.of(post), comment))
        return stored or await self._documents.by_id(comment.id)

    async def _insert(self, post: str, new: Sequence[tuple[Counts, Comment]]) -> list[Comment | None]:
        """A batch: stores what arrived together, and tells the world. None for a comment whose id exists."""
        counts = max((counts for counts, _ in new), key=attrgetter("n"))
        stored = await self._numbering.insert(post, [comment for _, comment in new], counts)
        await self.tell(*filter(None, stored))
        return stored

    async def _consequences(self, *comments: Comment) -> list[Consequence]:
        """Stores the counts first: pages that are rendered once the old ones are invalidated must show them."""
        numbered = [comment for comment in comments if comment.is_numbered]
        if numbered:
            newest = numbered[-1]
            counts = newest.counts or await self._documents.counts(newest.post)
            await self._posts.documents.set_thread(newest.post, *counts)
        shown = {change["id"]: change for change in await self._reading.as_changes(numbered)}
        return [c for comment in comments for c in consequences(comment, shown.get(comment.id))]

    async def _deduplicate(self, post: Post, author: Author, attempt: Attempt) -> tuple[str, Comment | None, int]:
        """Deduplicates and rate-limits. Returns (id, existing comment, wait in seconds).

        A repost within a minute is not a new attempt. A text that its author has removed or rewritten since may be
        written again.
        """
        what, fresh, limits = digest(post.id, attempt.text), new_id(), limits_of(author, "comments")
        keys = [f"comment:{key}:{what}" for key in author.keys]
        id, wait = await self._limits.first_and_exceeded(keys, fresh, limits, MINUTE)
        if id == fresh:
            return id, None, wait
        existing = await self._documents.find(id)
        if existing is not None and existing.text == attempt.text:
            return id, existing, 0
        if existing is not None:
            id = await self._limits.first([f"comment-again:{id}"], fresh, MINUTE)
        return id, None, await self._limits.exceeded(limits, MINUTE)

    async def _parent(self, post: Post, author: Author, parent: str | None) -> Comment | None:
        if not parent:
            return None
        above = await self._documents.find(parent)
        if above is None or above.post != post.id or not above.may_be_answered_by(author):
            raise Invalid({"parent": "The comment that you answer is not here any more."})
        return above

    async def _facts(self, post: Post, author: Author, attempt: Attempt, id: str) -> Facts:
        facts = Facts(is_open=post.takes_comments, own_host=self._own_host, is_trusted=author.is_staff)
        if not looks_back(facts, self._moderation):
            return facts
        since = self._clock() - REPOSTED_WITHIN
        is_repeated, has_approved, substrings = await self._documents.facts(id, attempt.text, since, author.id)
        return replace(facts, is_repeated=is_repeated, substrings=substrings, has_approved=has_approved)

    def _written(self, id: str, post: Post, author: Author, attempt: Attempt, verdict: Verdict | None) -> Comment:
        return Comment(
            id=id,
            post=post.id,
            author=author.id,
            text=attempt.text,
            html=comment_text_html(attempt.text, self._own_host),
            created=self._clock(),
            name=attempt.name,
            email=attempt.email,
            status=Status.HELD if verdict else Status.PUBLISHED,
            check=verdict.check if verdict else "passed",
            address=author.address,
            agent=author.agent[:300],
        )

    async def _own(self, post: Post, id: str, token: object) -> Comment:
        comment = await self._documents.by_id_under(post, id)
        if not self._tokens.is_made(token, "edit-comment", comment.id):
            raise NotAllowed("not-yours", "Only its author may change a comment.")
        if not comment.may_be_edited(self._clock()):
            raise NotAllowed("too-late", "A comment may be changed for 15 minutes; that time is over.")
        return comment
