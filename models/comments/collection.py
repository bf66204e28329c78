"""The collection of comments, as visitors use it: write one, change it, take it back, see one's own that wait."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

from lib.clock import Clock
from lib.ids import is_id, new_id
from lib.limits import Limits
from lib.markup import comment_html
from lib.mongo import ASCENDING
from lib.networks import network_of
from lib.tokens import Tokens, digest
from models.comments.changes import Changes
from models.comments.checks import MOST_PER_NETWORK, MOST_PER_VISITOR, Attempt, Facts, Verdict, judge, looks_back
from models.comments.comment import Comment, words_of
from models.comments.store import CommentStore
from models.comments.thread import hanging_on
from models.errors import Invalid, NotAllowed, TooMany
from models.posts import Post

MINUTE = 60
MOST_PREVIEWS = 60  # a minute and network
REPEATED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Author:
    """Who writes, as far as the rules care. `had_id` is false for a visitor whose cookie is only now being given."""

    id: str
    address: str = ""
    agent: str = ""
    is_staff: bool = False
    had_id: bool = True

    @cached_property
    def network(self) -> str:
        return network_of(self.address)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What this visitor is known by in limits: also by network and program, until the cookie comes back."""
        return (self.id,) if self.had_id else (digest(self.network, self.agent), self.id)


class Comments:
    """All comments, and who may write which."""

    def __init__(
        self,
        store: CommentStore,
        changes: Changes,
        limits: Limits,
        tokens: Tokens,
        clock: Clock,
        *,
        moderation: str,
        own_host: str,
    ) -> None:
        self._store = store
        self._changes = changes
        self._limits = limits
        self._tokens = tokens
        self._clock = clock
        self._moderation = moderation
        self._own_host = own_host

    async def by_id(self, id: str) -> Comment:
        return await self._store.by_id(id)

    async def of_post(self, post: Post, id: str) -> Comment:
        """The comment of this id under this post: never one of another."""
        return await self._store.of_post(post, id)

    async def waiting_for(self, post: Post, author: str) -> list[Comment]:
        """A visitor's own comments that nobody else sees yet, oldest first."""
        query = {"post": post.id, "author": author, "status": "held"}
        return await self._store.found(query, [("created", ASCENDING)])

    async def add(self, post: Post, author: Author, attempt: Attempt, parent: str | None = None) -> Comment:
        """Put a comment under a post, and let everyone who is reading it know. The same again is the same comment."""
        id, known, wait = await self._arrive(post, author, attempt)  # first: refused attempts count too
        if known is not None:
            return known
        facts = replace(await self._facts(post, author, attempt, id), wait=wait)
        above = await self._parent(post, author, parent)
        verdict = judge(attempt, facts, self._moderation)
        refuse(verdict)
        comment = self._written(id, post, author, attempt, verdict)
        if comment.is_published and above is not None and not above.is_numbered:  # the author's own, still held
            above = hanging_on(above.id, await ancestry(self._store, above))
        return await self._changes.add(post, comment.under(above))

    async def preview(self, author: Author, attempt: Attempt) -> str:
        """How a comment would look; nothing is kept."""
        wait = await self._limits.exceeded({f"previews:{author.network}": MOST_PREVIEWS}, MINUTE)
        refuse(judge(attempt, Facts(wait=wait), "none"))
        return comment_html(attempt.text, self._own_host)

    async def edit(self, post: Post, author: Author, id: str, token: object, text: str) -> Comment:
        """Let an author change what they wrote, within 15 minutes. A published text that changed is checked again.

        What is trusted is who asks, never the token: that may have been given before the author signed in.
        """
        comment = await self._own(post, id, token)
        if text == comment.text:
            return comment
        attempt = Attempt(text, comment.name, comment.email)
        facts = await self._facts(post, author, attempt, id)
        wait = await self._limits.exceeded(limits_of(author, "edits"), MINUTE)
        facts = replace(facts, is_repeated=False, wait=wait)
        verdict = judge(attempt, facts, self._moderation)
        refuse(verdict)
        now = self._clock()

        def step(before: Comment) -> Comment:
            after = before.rewritten(text, self._own_host, now)
            return after.judged("held", verdict.check) if verdict and before.is_published else after

        return await self._changes.make(id, step)

    async def remove_own(self, post: Post, id: str, token: object) -> Comment:
        """Let an author take a comment back, within 15 minutes."""
        await self._own(post, id, token)
        return await self._changes.make(id, lambda comment: comment.removed("author"))

    def may_see_as_author(self, author: Author, comment: Comment) -> bool:
        """Whether a visitor who has just said this may see it as its author does.

        What nobody else has ever seen, hardly anybody else can have repeated. Of all else they have to be the author.
        """
        return comment.author == author.id or (comment.status == "held" and not comment.is_numbered)

    def edit_token(self, comment: Comment) -> str:
        """What proves to be the author of a comment; made from its id, so that a double post gets the same one."""
        return self._tokens.made("edit-comment", comment.id)

    async def move(self, author: str, to: str) -> None:
        """Give all that an account wrote to the one that it was merged into; safe to repeat."""
        await self._store.move(author, to)

    async def forget_addresses(self) -> int:
        """Drop the network addresses of comments older than 30 days."""
        return await self._store.forget_addresses()

    async def _arrive(self, post: Post, author: Author, attempt: Attempt) -> tuple[str, Comment | None, int]:
        """The id for a new comment, and how long its author has to wait; or, of the same text by the same visitor within a
        minute, its id and the comment, which is no other attempt.

        Who took theirs back, or made something else of it, may say it again.
        """
        what, fresh, limits = digest(post.id, attempt.text), new_id(), limits_of(author, "comments")
        keys = [f"comment:{key}:{what}" for key in author.keys]
        id, wait = await self._limits.first_and_exceeded(keys, fresh, limits, MINUTE)
        if id == fresh:
            return id, None, wait
        known = next(iter(await self._store.found({"_id": id})), None)
        if known is not None and known.text == attempt.text:
            return id, known, 0
        if known is not None:
            id = await self._limits.first([f"comment-again:{id}"], fresh, MINUTE)
        return id, None, await self._limits.exceeded(limits, MINUTE)

    async def _parent(self, post: Post, author: Author, parent: str | None) -> Comment | None:
        if not parent:
            return None
        found = await self._store.found({"_id": parent, "post": post.id}) if is_id(parent) else []
        above = found[0] if found else None
        if above is None or not (above.is_published or (above.status == "held" and above.author == author.id)):
            raise Invalid({"parent": "The comment that you answer is not here any more."})
        return above

    async def _facts(self, post: Post, author: Author, attempt: Attempt, id: str) -> Facts:
        facts = Facts(is_open=post.takes_comments, own_host=self._own_host, is_trusted=author.is_staff)
        if not looks_back(facts, self._moderation):
            return facts
        since = self._clock() - REPEATED_WITHIN
        is_repeated, has_approved, substrings = await self._store.facts(words_of(attempt.text), since, author.id, id)
        return replace(facts, is_repeated=is_repeated, substrings=substrings, has_approved=has_approved)

    def _written(self, id: str, post: Post, author: Author, attempt: Attempt, verdict: Verdict | None) -> Comment:
        return Comment(
            id=id,
            post=post.id,
            author=author.id,
            text=attempt.text,
            html=comment_html(attempt.text, self._own_host),
            created=self._clock(),
            name=attempt.name,
            email=attempt.email,
            status="held" if verdict else "published",
            check=verdict.check if verdict else "passed",
            network=author.address,
            agent=author.agent[:300],
        )

    async def _own(self, post: Post, id: str, token: object) -> Comment:
        comment = await self._store.of_post(post, id)
        if not self._tokens.is_made(token, "edit-comment", comment.id):
            raise NotAllowed("not-yours", "Only its author may change a comment.")
        if not comment.may_be_edited(self._clock()):
            raise NotAllowed("too-late", "A comment may be changed for 15 minutes; that time is over.")
        return comment


def limits_of(author: Author, what: str) -> dict[str, int]:
    """How often somebody may do this in a minute, by what they are known by. Staff may as often as they like."""
    if author.is_staff:
        return {}
    most = {f"{what}:visitor:{key}": MOST_PER_VISITOR for key in author.keys}
    return most | {f"{what}:network:{author.network}": MOST_PER_NETWORK}


async def ancestry(store: CommentStore, comment: Comment) -> dict[str, Comment]:
    """A comment and all that it hangs on, topmost first, by id."""
    line = [comment]
    while line[-1].parent:
        line.append(await store.by_id(line[-1].parent))
    return {c.id: c for c in reversed(line)}


def refuse(verdict: Verdict | None) -> None:
    """Raise what a refusing verdict means; a held comment is no error."""
    if verdict is None or verdict.outcome == "held":
        return
    if verdict.outcome == "closed":
        raise NotAllowed("closed", "Comments are closed here.")
    if verdict.outcome == "too-many":
        raise TooMany(verdict.wait)
    raise Invalid(dict(verdict.problems))
