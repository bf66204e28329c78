"""The collection of comments: add, edit, approve, remove, and let everyone who is reading know.

Every change of what the world sees takes the next number of its post (`n`), by the very write that makes it: a unique
index on post and n, greatest + 1, the next one on a clash. So a number that is visible means that all smaller ones are,
and page, socket and catch-up fit together without a gap. `told: false` is part of the same write (architecture, 5).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from lib import mongo as database
from lib import redis
from lib.clock import Clock
from lib.ids import is_id, new_id
from lib.limits import Limits
from lib.markup import comment_html
from lib.mongo import ASCENDING, DESCENDING, Document, DuplicateKey, IndexModel, Mongo, taken_key
from lib.networks import network_of
from lib.tokens import Tokens, digest
from models.accounts import Accounts
from models.comments.checks import MOST_PER_NETWORK, MOST_PER_VISITOR, Attempt, Facts, Verdict, judge
from models.comments.comment import Comment
from models.comments.thread import ROOTS_ON_A_PAGE, Node, hanging_on, older_pages, page_of, shown, thread
from models.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from models.pages import Pages
from models.posts import Post, Posts

MOST_CHANGES = 500  # in one answer
WHOLE = 500  # comments that a page reads in one go; beyond that it reads the threads that it shows
MINUTE = 60
MOST_PREVIEWS = 60  # a minute and network
REPEATED_WITHIN = timedelta(days=1)
UNTOLD_AFTER = timedelta(seconds=5)
ADDRESSES_KEPT = timedelta(days=30)
TRIES = 20
STAFF_CHANNEL = "staff"
NUMBERED = {"$gt": 0}

logger = logging.getLogger(__name__)
Step = Callable[[Comment], Comment]


class Channels(Protocol):
    """Where changes are published; raises `redis.Away` where nobody could be told."""

    def publish(self, channel: str, n: int, data: dict[str, Any]) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Author:
    """Who writes, as far as the rules care. `had_id` is false for a visitor whose cookie is only now being given."""

    id: str
    address: str = ""
    agent: str = ""
    is_staff: bool = False
    had_id: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """What this visitor is known by in limits: also by network and program, until the cookie comes back."""
        return (self.id,) if self.had_id else (digest(network_of(self.address), self.agent), self.id)


@dataclass(frozen=True)
class CommentsPage:
    """What a page shows: trees, the newest change among them, and the numbers of the pages with older ones."""

    nodes: tuple[Node, ...]
    n: int
    older: range


class Comments:
    """All comments. `html` renders one as it stands on pages: pages, JSON and live events show the same."""

    def __init__(
        self,
        mongo: Mongo,
        posts: Posts,
        accounts: Accounts,
        pages: Pages,
        channels: Channels,
        limits: Limits,
        tokens: Tokens,
        clock: Clock,
        *,
        moderation: str,
        own_host: str,
        html: Callable[[Comment], str],
    ) -> None:
        self._mongo = mongo
        self._comments = mongo["comments"]
        self._substrings = mongo["substrings"]
        self._posts = posts
        self._accounts = accounts
        self._pages = pages
        self._channels = channels
        self._limits = limits
        self._tokens = tokens
        self._clock = clock
        self._moderation = moderation
        self._own_host = own_host
        self._html = html

    async def create_indexes(self) -> None:
        numbered = {"n": NUMBERED}
        up, down = ASCENDING, DESCENDING
        await self._comments.create_indexes(
            [
                IndexModel([("post", up), ("n", up)], unique=True, partialFilterExpression=numbered),
                IndexModel([("post", up), ("depth", up), ("place", up)], partialFilterExpression=numbered),
                IndexModel([("root", up)]),
                IndexModel([("created", down), ("_id", down)]),
                IndexModel([("status", up), ("created", down), ("_id", down)]),
                IndexModel([("post", up), ("status", up), ("created", down), ("_id", down)]),
                IndexModel([("author", up), ("status", up)]),
                IndexModel([("words", up), ("created", down)]),
                IndexModel([("told", up)], partialFilterExpression={"told": False}),
                IndexModel([("network", up), ("created", up)], partialFilterExpression={"network": {"$gt": ""}}),
                IndexModel(
                    [("origin.kind", up), ("origin.host", up), ("origin.id", up)],
                    unique=True,
                    partialFilterExpression={"origin.id": {"$exists": True}},
                ),
            ]
        )

    # What is there

    async def by_id(self, id: str) -> Comment:
        document = await self._comments.find_one({"_id": id}) if is_id(id) else None
        if document is None:
            raise NotFound("There is no such comment.")
        return Comment.from_document(document)

    async def of_post(self, post: Post, id: str) -> Comment:
        """The comment of this id under this post: never one of another."""
        comment = await self.by_id(id)
        if comment.post != post.id:
            raise NotFound("There is no such comment.")
        return comment

    async def newest_n(self, post: str) -> int:
        """The number of the newest change under a post; 0 where there was none."""
        query = {"post": post, "n": NUMBERED}
        newest = await self._comments.find_one(query, {"n": 1}, sort=[("n", DESCENDING)])
        return newest["n"] if newest else 0

    async def under(self, post: Post, page: int | None = None) -> CommentsPage:
        """What the post's own page shows, or the page of older comments with this number (NotFound: there is none)."""
        older = older_pages(post.root_count)
        if page is not None and page not in older:
            raise NotFound("There are no older comments than these.")
        if page is None and post.root_count <= ROOTS_ON_A_PAGE and post.comment_count <= WHOLE:
            return await self._whole(post)
        roots = await self._roots(post, page)
        replies = await self._found({"root": {"$in": [c.id for c in roots]}, "n": NUMBERED, "depth": {"$gt": 0}})
        return CommentsPage(thread([*roots, *replies]), post.n, older)

    async def changes(self, post: Post, after: int) -> tuple[int, list[dict[str, Any]], bool]:
        """All changes numbered above `after`, in order: the newest number among them, they, and whether there are more."""
        query = {"post": post.id, "n": {"$gt": max(0, after)}}
        cursor = self._comments.find(query).sort("n", ASCENDING).limit(MOST_CHANGES + 1)
        found = await self._read(cursor)
        comments = found[:MOST_CHANGES]
        newest = comments[-1].n or 0 if comments else await self.newest_n(post.id)
        return newest, await self._as_changes(comments), len(found) > MOST_CHANGES

    async def path_of(self, post: Post, comment: Comment) -> str:
        """Where a comment is to be seen. NotFound for one that is shown nowhere."""
        if not comment.is_numbered or not (comment.is_published or await self._shown([comment])):
            raise NotFound("There is no such comment.")
        root = comment if comment.is_root else await self.by_id(comment.root)
        roots = {"post": post.id, "depth": 0, "n": NUMBERED}
        index = await self._comments.count_documents({**roots, "place": {"$lt": root.place}})
        page = page_of(index, max(post.root_count, index + 1))
        return f"{post.path}{f'/p{page}' if page else ''}#{comment.anchor}"

    async def waiting_for(self, post: Post, author: str) -> list[Comment]:
        """A visitor's own comments that nobody else sees yet, oldest first."""
        return await self._found({"post": post.id, "author": author, "status": "held"}, [("created", ASCENDING)])

    async def newest_under(self, post: Post, most: int) -> list[Comment]:
        """Published comments of a post, newest first."""
        query = {"post": post.id, "status": "published"}
        return await self._found(query, [("created", DESCENDING), ("_id", DESCENDING)], most)

    async def queue(self, status: str, before: str | None = None, most: int = 50) -> list[Comment]:
        """Comments in a state, newest first, older than the one with the id `before`; one more than `most`, if there is."""
        query: Document = {"status": status}
        if before is not None:
            last = await self.by_id(before)
            at = {"created": last.created}
            query["$or"] = [{"created": {"$lt": last.created}}, {**at, "_id": {"$lt": last.id}}]
        return await self._found(query, [("created", DESCENDING), ("_id", DESCENDING)], most + 1)

    async def counts(self) -> dict[str, int]:
        """How many comments are in each state that staff look at."""
        states = ("held", "published", "spam")
        counts = await asyncio.gather(*(self._comments.count_documents({"status": state}) for state in states))
        return dict(zip(states, counts, strict=True))

    # What visitors do

    async def add(self, post: Post, author: Author, attempt: Attempt, parent: str | None = None) -> Comment:
        """Put a comment under a post, and let everyone who is reading it know. The same again is the same comment."""
        id = await self._first_id(post, author, attempt)
        known = await self._comments.find_one({"_id": id})
        if known is not None and known["status"] != "gone":
            return Comment.from_document(known)
        if known is not None:  # who took it back may say it again
            id = await self._limits.first(f"comment-again:{id}", new_id(), MINUTE)
        facts = await self._facts(post, author, attempt)  # first: refused attempts count too
        above = await self._parent(post, author, parent)
        verdict = judge(attempt, facts, self._moderation)
        _refuse(verdict)
        account = await self._accounts.acting(author.id)
        comment = self._written(id, post, replace(author, id=account.id), attempt, verdict)
        if comment.is_published and above is not None and not above.is_numbered:  # the author's own, still held
            above = hanging_on(above.id, await self._ancestry(above))
        return await self._insert(comment.under(above))

    async def preview(self, author: Author, attempt: Attempt) -> str:
        """How a comment would look; nothing is kept."""
        key = f"previews:{network_of(author.address)}"
        wait = await self._limits.exceeded(key, MOST_PREVIEWS, MINUTE)
        _refuse(judge(attempt, Facts(wait=wait), "none"))
        return comment_html(attempt.text, self._own_host)

    async def edit(self, post: Post, author: Author, id: str, token: object, text: str) -> Comment:
        """Let an author change what they wrote, within 15 minutes. A published text that changed is checked again."""
        comment = await self._own(post, id, token)
        if text == comment.text:
            return comment
        attempt = Attempt(text, comment.name, comment.email)
        account = await self._accounts.find(comment.author)
        facts = await self._facts_of_text(post, comment.author, attempt)
        is_trusted = account is not None and account.is_staff
        facts = replace(facts, is_repeated=False, is_trusted=is_trusted, wait=await self._wait(author, "edits"))
        verdict = judge(attempt, facts, self._moderation)
        _refuse(verdict)
        now = self._clock()

        def step(before: Comment) -> Comment:
            after = before.rewritten(text, self._own_host, now)
            return after.judged("held", verdict.check) if verdict and before.is_published else after

        return await self._change(id, step)

    async def remove_own(self, post: Post, id: str, token: object) -> Comment:
        """Let an author take a comment back, within 15 minutes."""
        await self._own(post, id, token)
        return await self._change(id, lambda comment: comment.removed("author"))

    def edit_token(self, comment: Comment) -> str:
        """What proves to be the author of a comment; made from its id, so that a double post gets the same one."""
        return self._tokens.made("edit-comment", comment.id)

    # What staff do

    async def approve(self, id: str) -> list[Comment]:
        """Publish a comment and first the held ones that it hangs on; never spam, and nothing that was removed."""
        comment = await self.by_id(id)
        line = await self._ancestry(comment)
        approved = []
        for waiting in [c for c in line.values() if c.status == "held" or c is comment]:
            above = hanging_on(waiting.parent, line)
            line[waiting.id] = await self._change(waiting.id, partial(_published, above=above))
            approved.append(line[waiting.id])
        return approved

    async def reply(self, post: Post, author: Author, attempt: Attempt, id: str) -> list[Comment]:
        """Answer a comment, and approve by that what waits above; nothing is approved for an answer that is refused."""
        _refuse(judge(attempt, Facts(is_open=post.takes_comments, is_trusted=True), "none"))
        approved = await self.approve(id)
        return [*approved, await self.add(post, author, attempt, id)]

    async def hold(self, id: str) -> Comment:
        """Take a published comment back into the queue."""
        return await self._change(id, lambda comment: comment.judged("held", "staff"))

    async def mark_spam(self, id: str) -> Comment:
        return await self._change(id, lambda comment: comment.judged("spam", "staff"))

    async def remove(self, id: str) -> Comment:
        return await self._change(id, lambda comment: comment.removed("staff"))

    async def rewrite(self, id: str, text: str) -> Comment:
        """Change somebody's text: for staff, at any time. Invalid where it is empty or too long."""
        _refuse(judge(Attempt(text), Facts(is_trusted=True), "none"))
        now = self._clock()
        return await self._change(id, lambda comment: comment.rewritten(text, self._own_host, now))

    # What follows

    async def tell(self, comment: Comment) -> None:
        """All that follows from a change; safe to repeat. Where Redis is away the comment stays untold, for the worker."""
        await self.recount(comment.post)
        await self._pages.forget(comment.tag)
        try:
            if comment.is_numbered:
                (change,) = await self._as_changes([comment])
                await self._channels.publish(comment.channel, comment.n or 0, {"comment": change})
            news = {"id": comment.id, "status": comment.status, "post": comment.post}
            await self._channels.publish(STAFF_CHANNEL, 0, {"comment": news})
        except redis.Away:
            return
        as_told = {"_id": comment.id, "revision": comment.revision}
        await self._comments.update_one(as_told, {"$set": {"told": True}})

    async def untold(self) -> list[Comment]:
        """Changes that the world should have heard of 5 seconds ago: whoever made them died half way, or Redis was away."""
        query = {"told": False, "changed": {"$lt": self._clock() - UNTOLD_AFTER}}
        return await self._found(query, [("changed", ASCENDING)], 1000)

    async def recount(self, post: str) -> None:
        """Count a post's comments and roots anew. The number is read first: the counts are at least as new as that."""
        n = await self.newest_n(post)
        count, roots = await asyncio.gather(
            self._comments.count_documents({"post": post, "status": "published"}),
            self._comments.count_documents({"post": post, "depth": 0, "n": NUMBERED}),
        )
        await self._posts.set_comment_count(post, count, roots, n)

    async def move(self, author: str, to: str) -> None:
        """Give all that an account wrote to the one that it was merged into; safe to repeat."""
        await self._comments.update_many({"author": author}, {"$set": {"author": to}})

    async def forget_addresses(self) -> int:
        """Drop the network addresses of comments older than 30 days."""
        old = {"network": {"$gt": ""}, "created": {"$lt": self._clock() - ADDRESSES_KEPT}}
        result = await self._comments.update_many(old, {"$set": {"network": "", "agent": ""}})
        return int(result.modified_count)

    async def hold_substring(self, substring: str) -> None:
        """From now on a comment that contains this, in any case, waits for a person."""
        word = substring.strip()[:200].casefold()
        if not word:
            raise Invalid({"substring": "Please name something to look for."})
        await self._substrings.update_one({"_id": word}, {"$set": {}}, upsert=True)

    async def bring(self, post: Post, comments: list[Comment]) -> int:
        """Take over comments from elsewhere, parents first, each with its origin; what came before is left as it is."""
        known = {c.id for c in await self._found({"_id": {"$in": [c.id for c in comments]}})}
        fresh = [c for c in comments if c.id not in known]
        n = await self.newest_n(post.id)
        for comment in fresh:
            if comment.is_published:
                n = (await self._numbered(comment, n + 1, is_told=True)).n or n
            else:
                await self._comments.insert_one(self._document(comment, is_told=True))
        if fresh or n > post.n:  # an import that was killed may have left them uncounted
            await self.recount(post.id)
            await self._pages.forget(post.tag)
        return len(fresh)

    # How

    async def _first_id(self, post: Post, author: Author, attempt: Attempt) -> str:
        """The id that the same text by the same visitor under the same post got within a minute, or a new one."""
        what = digest(post.id, attempt.text)
        id = new_id()
        for key in author.keys:
            id = await self._limits.first(f"comment:{key}:{what}", id, MINUTE)
        return id

    async def _parent(self, post: Post, author: Author, parent: str | None) -> Comment | None:
        if not parent:
            return None
        document = await self._comments.find_one({"_id": parent, "post": post.id}) if is_id(parent) else None
        above = Comment.from_document(document) if document else None
        if above is None or not (above.is_published or (above.status == "held" and above.author == author.id)):
            raise Invalid({"parent": "The comment that you answer is not here any more."})
        return above

    async def _ancestry(self, comment: Comment) -> dict[str, Comment]:
        """A comment and all that it hangs on, topmost first, by id."""
        line = [comment]
        while line[-1].parent:
            line.append(await self.by_id(line[-1].parent))
        return {c.id: c for c in reversed(line)}

    async def _facts(self, post: Post, author: Author, attempt: Attempt) -> Facts:
        facts, wait = await asyncio.gather(self._facts_of_text(post, author.id, attempt), self._wait(author))
        return replace(facts, wait=wait, is_trusted=author.is_staff)

    async def _facts_of_text(self, post: Post, author: str, attempt: Attempt) -> Facts:
        recently = {"words": _words(attempt.text), "created": {"$gt": self._clock() - REPEATED_WITHIN}}
        repeated, approved, substrings = await asyncio.gather(
            self._comments.find_one(recently, {"_id": 1}),
            self._comments.find_one({"author": author, "status": "published"}, {"_id": 1}),
            self._substrings.find({}).to_list(None),
        )
        return Facts(
            is_open=post.takes_comments,
            own_host=self._own_host,
            is_repeated=repeated is not None,
            substrings=tuple(document["_id"] for document in substrings),
            has_approved=approved is not None,
        )

    async def _wait(self, author: Author, what: str = "comments") -> int:
        if author.is_staff:
            return 0
        limits = [(f"visitor:{key}", MOST_PER_VISITOR) for key in author.keys]
        limits.append((f"network:{network_of(author.address)}", MOST_PER_NETWORK))
        waits = await asyncio.gather(*(self._limits.exceeded(f"{what}:{key}", most, MINUTE) for key, most in limits))
        return max(waits)

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

    async def _insert(self, comment: Comment) -> Comment:
        try:
            if comment.is_published:
                comment = await self._numbered(comment, await self.newest_n(comment.post) + 1)
            else:
                await self._comments.insert_one(self._document(comment))
        except DuplicateKey:  # of the id: the same text arrived twice at once
            return await self.by_id(comment.id)
        await self._tell_now(comment)
        return comment

    async def _numbered(self, comment: Comment, n: int, is_told: bool = False) -> Comment:
        """Store a new comment under the first free number from `n` on."""
        while True:
            try:
                await self._comments.insert_one({**self._document(comment, is_told), "n": n, "place": n})
            except DuplicateKey as error:
                if "n" not in taken_key(error):
                    raise
                n += 1
            else:
                return replace(comment, n=n, place=n)

    async def _change(self, id: str, step: Step) -> Comment:
        """Load, take a pure step, save if nobody else did in between; else again. Tells the world."""
        for _ in range(TRIES):
            before = await self.by_id(id)
            after = step(before)
            if after == before:
                return before
            saved = await self._save(before, replace(after, revision=before.revision + 1))
            if saved is not None:
                await self._tell_now(saved)
                return saved
        raise Conflict("changed", "Somebody else is changing this comment. Please try again.")

    async def _save(self, before: Comment, after: Comment) -> Comment | None:
        """Write a changed comment, with the next number if the world sees or saw it. None where it changed meanwhile."""
        unchanged = {"_id": before.id, "revision": before.revision}
        is_seen = before.is_numbered or after.is_published
        n = await self.newest_n(after.post) + 1 if is_seen else None
        while True:
            numbered = replace(after, n=n, place=before.place or n)
            numbers = {"n": n, "place": numbered.place} if n else {}
            try:
                result = await self._comments.update_one(unchanged, {"$set": {**self._document(after), **numbers}})
            except DuplicateKey:
                n = (n or 0) + 1
            else:
                return numbered if result.matched_count else None

    async def _tell_now(self, comment: Comment) -> None:
        """The change is stored, so whoever asked for it must hear of that, whatever becomes of the telling."""
        try:
            await self.tell(comment)
        except database.Away:
            logger.warning("comment %s is stored but could not be told; the worker will", comment.id)

    async def _own(self, post: Post, id: str, token: object) -> Comment:
        comment = await self.of_post(post, id)
        if not self._tokens.is_made(token, "edit-comment", comment.id):
            raise NotAllowed("not-yours", "Only its author may change a comment.")
        if not comment.may_be_edited(self._clock()):
            raise NotAllowed("too-late", "A comment may be changed for 15 minutes; that time is over.")
        return comment

    def _document(self, comment: Comment, is_told: bool = False) -> Document:
        return {**comment.to_document(), "words": _words(comment.text), "told": is_told, "changed": self._clock()}

    async def _whole(self, post: Post) -> CommentsPage:
        """Everything in one read, by ascending number: changes move to the right of the scan, so none below n is missed."""
        comments = await self._found({"post": post.id, "n": NUMBERED}, [("n", ASCENDING)])
        n = comments[-1].n if comments else 0
        return CommentsPage(thread({c.id: c for c in comments}.values()), n or 0, range(1, 1))

    async def _roots(self, post: Post, page: int | None) -> list[Comment]:
        query = {"post": post.id, "depth": 0, "n": NUMBERED}
        if page is None:
            return await self._found(query, [("place", DESCENDING)], ROOTS_ON_A_PAGE)
        start = (page - 1) * ROOTS_ON_A_PAGE
        most = min(ROOTS_ON_A_PAGE, post.root_count - ROOTS_ON_A_PAGE - start)
        return await self._read(self._comments.find(query).sort("place", ASCENDING).skip(start).limit(most))

    async def _as_changes(self, comments: list[Comment]) -> list[dict[str, Any]]:
        """Changes as JSON answers and live events give them. A reply brings the removed comments above it along."""
        tombstones = await self._shown([comment for comment in comments if comment.is_gone])
        above = await self._gone_above([comment for comment in comments if comment.is_published])
        return [
            {
                "id": comment.id,
                "n": comment.n,
                "parent": comment.parent,
                "status": "published" if comment.is_published else "gone",
                "html": self._html(comment) if comment.is_published or comment.id in tombstones else "",
                **({"above": [self._tombstone(c) for c in above[comment.id]]} if above.get(comment.id) else {}),
            }
            for comment in comments
        ]

    def _tombstone(self, comment: Comment) -> dict[str, Any]:
        return {"id": comment.id, "parent": comment.parent, "status": "gone", "html": self._html(comment)}

    async def _gone_above(self, comments: Iterable[Comment]) -> dict[str, list[Comment]]:
        """What was removed above each reply, topmost first: a page that had dropped it must show it again."""
        replies = [comment for comment in comments if comment.parent]
        if not replies:
            return {}
        query = {"root": {"$in": [c.root for c in replies]}, "n": NUMBERED, "status": {"$ne": "published"}}
        gone = {c.id: c for c in await self._found(query)}
        above: dict[str, list[Comment]] = {}
        for reply in replies:
            line, parent = [], reply.parent
            while parent in gone:
                line.append(gone[parent])
                parent = gone[parent].parent
            above[reply.id] = line[::-1]
        return above

    async def _shown(self, gone: Iterable[Comment]) -> set[str]:
        """Which of these are still on the page, as tombstones, for the sake of their replies."""
        roots = [comment.root for comment in gone]
        return shown(thread(await self._found({"root": {"$in": roots}, "n": NUMBERED}))) if roots else set()

    async def _found(self, query: Document, sort: Any = None, limit: int = 0) -> list[Comment]:
        cursor = self._comments.find(query).limit(limit)
        return await self._read(cursor.sort(sort) if sort else cursor)

    async def _read(self, cursor: Any) -> list[Comment]:
        """What nobody was told of yet may not be on disk: shown and then lost, its number would be given to another."""
        documents = await cursor.to_list(None)
        if not all(document.get("told", True) for document in documents):
            await self._mongo.settle()
        return [Comment.from_document(document) for document in documents]


def _refuse(verdict: Verdict | None) -> None:
    """Raise what a refusing verdict means; a held comment is no error."""
    if verdict is None or verdict.outcome == "held":
        return
    if verdict.outcome == "closed":
        raise NotAllowed("closed", "Comments are closed here.")
    if verdict.outcome == "too-many":
        raise TooMany(verdict.wait)
    raise Invalid(dict(verdict.problems))


def _published(comment: Comment, above: Comment | None) -> Comment:
    if comment.status not in ("held", "spam"):
        return comment
    hung = comment if comment.is_numbered else comment.under(above)
    return hung.judged("published", "staff")


def _words(text: str) -> str:
    """What is compared to find the same text again: its words, in any case and spacing."""
    return digest(" ".join(text.casefold().split()))
