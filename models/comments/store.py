"""Where comments are kept: read, numbered, written. Nobody is told of anything here; changes.py does that.

Every change of what the world sees takes the next number of its post (`n`), by the very write that makes it: greatest + 1,
and on a clash the one after what is greatest by then. `numbers` are all that a comment ever had, unique under its post, so
that an edit, which moves its comment on, leaves no gap that another could slip into: a number that is visible means that all
smaller ones were. Who takes it therefore knows exactly which change it follows, and how the thread stands after both
(`counts`). `told: false` is part of the same write (docs/decisions.md, "Told").
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from lib.clock import Clock
from lib.ids import is_id
from lib.mongo import (
    ALL_AT_ONCE,
    ASCENDING,
    DESCENDING,
    Document,
    DuplicateKey,
    IndexModel,
    Mongo,
    UpdateOne,
    also,
    insert_in_order,
)
from models.comments.comment import Comment
from models.errors import NotFound
from models.posts import Counts, Post

NUMBERED = {"$gt": 0}
ROOT = {"depth": 0, "place": NUMBERED}  # which has a place as soon as it has a number, and needs no look at it
ADDRESSES_KEPT = timedelta(days=30)
UNTOLD_AFTER = timedelta(seconds=5)
LONGEST_WAIT = 5  # seconds, for one's turn to take a number
UNSEEN = ("text", "agent", "network", "email", "words", "numbers", "counts", "origin", "changed")  # what no page shows
REMEMBERED = 5  # seconds that a turn is, when nobody waits


class Turn(asyncio.Lock):
    """Held by whoever numbers a change of a post in this process, since two at once would only clash.

    `counts` are since the last one, and `is_contended` says that other processes number changes of this post as well.
    TimeoutError for who waits too long: MongoDB is away, and each in turn finds out.
    """

    counts = Counts()
    is_contended = False

    async def __aenter__(self) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            await self.acquire()


class CommentStore:
    """The documents of all comments, and the substrings that are watched for."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._comments = mongo["comments"]
        self._repeatable = mongo.repeatable("comments")
        self._substrings = mongo["substrings"]
        self._clock = clock
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    async def create_indexes(self) -> None:
        numbered = {"n": NUMBERED}
        up, down = ASCENDING, DESCENDING
        await self._comments.create_indexes(
            [
                IndexModel([("post", up), ("n", up)], unique=True, partialFilterExpression=numbered),
                IndexModel(
                    [("post", up), ("numbers", up)], unique=True, partialFilterExpression={"numbers": {"$exists": True}}
                ),
                IndexModel(
                    [("post", up), ("depth", up), ("place", up)],
                    partialFilterExpression={"place": NUMBERED},
                    name="roots",
                ),
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

    async def found(self, query: Document, sort: Any = None, limit: int = 0, skip: int = 0) -> list[Comment]:
        """The comments that a query finds, whole."""
        return await self._read(self._comments.find(query), sort, limit, skip)

    async def shown(self, query: Document, sort: Any = None, limit: int = 0, skip: int = 0) -> list[Comment]:
        """The comments that a query finds, with no more than pages show of them."""
        return await self._read(self._comments.find(query, dict.fromkeys(UNSEEN, 0)), sort, limit, skip)

    async def count(self, query: Document) -> int:
        return int(await self._comments.count_documents(query))

    async def counts(self, post: str) -> Counts:
        """How a thread stands, by its newest change."""
        newest = await self._newest(post)
        if newest is None:
            return Counts()
        if "counts" not in newest:  # from before they were stored
            return (await self.counted(post))[post]
        return Counts(newest["n"], *newest["counts"])

    async def counted(self, *posts: str) -> dict[str, Counts]:
        """How the threads of these posts stand, or all, counted one by one: for where no change says so, or wrongly."""
        chosen: list[Document] = [{"$match": {"post": {"$in": posts}}}] if posts else []
        numbered: Document = {"$match": {"n": NUMBERED}}
        comments, roots = ({"$sum": {"$cond": [{"$eq": it}, 1, 0]}} for it in (["$status", "published"], ["$depth", 0]))
        group: Document = {"$group": {"_id": "$post", "n": {"$max": "$n"}, "comments": comments, "roots": roots}}
        found = await self._mongo.aggregate("comments", [*chosen, numbered, group])
        return {one.pop("_id"): Counts(**one) for one in found}

    async def facts(self, words: str, since: datetime, author: str) -> tuple[bool, bool, tuple[str, ...]]:
        """Whether somebody said these words since then, whether an author has a published comment, what is watched for."""
        said, published = {"words": words, "created": {"$gt": since}}, {"author": author, "status": "published"}
        asking: list[Document] = [{"$match": said}, {"$limit": 1}, {"$project": {"_id": "repeated"}}]
        asking.append(also("comments", {"$match": published}, {"$limit": 1}, {"$project": {"_id": "approved"}}))
        asking.append(also("substrings", {"$project": {"_id": 0, "substring": "$_id"}}))
        found = await self._mongo.aggregate("comments", asking)
        facts = {fact.get("_id") for fact in found}
        return "repeated" in facts, "approved" in facts, tuple(f["substring"] for f in found if "substring" in f)

    async def newest_n(self, post: str) -> int:
        """The number of the newest change under a post; 0 where there was none."""
        return (await self.counts(post)).n

    async def changed(self, post: str) -> datetime | None:
        """When that change was made."""
        newest = await self._newest(post)
        return newest["changed"] if newest else None

    async def untold(self) -> list[Comment]:
        """Changes that the world should have heard of 5 seconds ago: whoever made them died half way, or Redis was away."""
        query = {"told": False, "changed": {"$lt": self._clock() - UNTOLD_AFTER}}
        return await self.found(query, [("changed", ASCENDING)], 1000)

    async def insert(self, post: str, comments: Sequence[Comment], counts: Counts) -> list[Comment | None]:
        """Store new comments of a post; the published ones under the first free numbers, most likely those after `counts`.

        None in the place of one whose id is there already.
        """
        stored: list[Comment | None] = []
        turn = self._turn(post)
        async with turn:
            counts = await self._expected(post, turn, counts)
            while rest := comments[len(stored) :]:
                numbered = list(Comment.all_numbered(rest, counts))
                number, taken = await insert_in_order(self._comments, [self._new_document(c) for c in numbered])
                stored += numbered[:number]
                turn.counts = counts = max([counts, *(c.counts for c in numbered[:number] if c.counts)])
                if taken.keys() & {"n", "numbers"}:
                    turn.is_contended = True
                    counts = await self.counts(post)
                elif taken:
                    stored.append(None)
        return stored

    async def save(self, before: Comment, after: Comment) -> Comment | None:
        """Write a changed comment, with the next number if the world sees or saw it. None where it changed meanwhile."""
        unchanged = {"_id": before.id, "revision": before.revision}
        after = replace(after, revision=before.revision + 1)
        if not before.is_numbered and not after.is_published:
            result = await self._comments.update_one(unchanged, {"$set": self._document(after)})
            return after if result.matched_count else None
        async with self._turn(after.post):
            while True:
                numbered = after.numbered(before, await self.counts(after.post))
                change = {"$set": self._document(numbered), "$push": {"numbers": numbered.n}}
                try:
                    result = await self._comments.update_one(unchanged, change)
                except DuplicateKey:
                    continue
                return numbered if result.matched_count else None

    async def correct(self, post: str, counts: Counts) -> None:
        """From now on go on from these counts, if that is still the newest change."""
        await self._comments.update_one({"post": post, "n": counts.n}, {"$set": {"counts": counts[1:]}})

    async def mark_told(self, comments: Collection[Comment]) -> None:
        """The world has heard of these versions. Where a mark is lost, it hears again."""
        if comments:
            versions = ({"_id": comment.id, "revision": comment.revision} for comment in comments)
            marks = [UpdateOne(version, {"$set": {"told": True}}) for version in versions]
            await self._repeatable.bulk_write(marks, ordered=False)

    async def move(self, author: str, to: str) -> None:
        """Give all that an account wrote to the one that it was merged into; safe to repeat."""
        await self._comments.update_many({"author": author}, {"$set": {"author": to}, "$inc": {"revision": 1}})

    async def forget_addresses(self) -> int:
        """Drop the network addresses of comments older than 30 days."""
        old = {"network": {"$gt": ""}, "created": {"$lt": self._clock() - ADDRESSES_KEPT}}
        result = await self._comments.update_many(old, {"$set": {"network": "", "agent": ""}, "$inc": {"revision": 1}})
        return int(result.modified_count)

    async def watch_for(self, substring: str) -> None:
        """From now on `facts` names this, which is in small letters."""
        await self._substrings.update_one({"_id": substring}, {"$set": {}}, upsert=True)

    async def _newest(self, post: str) -> Document | None:
        query, fields = {"post": post, "n": NUMBERED}, {"n": 1, "counts": 1, "changed": 1}
        newest: Document | None = await self._comments.find_one(query, fields, sort=[("n", DESCENDING)])
        return newest

    def _turn(self, post: str) -> Turn:
        turn = self._turns.setdefault(post, Turn())
        asyncio.get_running_loop().call_later(REMEMBERED, lambda: turn)  # holds it till then
        return turn

    async def _expected(self, post: str, turn: Turn, counts: Counts) -> Counts:
        """How the thread stands as far as is known here; where others write too, a look costs less than a clash."""
        if not turn.is_contended:
            return max(counts, turn.counts)
        newest = await self.counts(post)
        turn.is_contended = newest != turn.counts
        return newest

    def _document(self, comment: Comment) -> Document:
        return {**comment.to_document(), "told": False, "changed": self._clock()}

    def _new_document(self, comment: Comment) -> Document:
        return self._document(comment) | ({"numbers": [comment.n]} if comment.is_numbered else {})

    async def _read(self, cursor: Any, sort: Any, limit: int, skip: int) -> list[Comment]:
        """What nobody was told of yet may not be on disk: shown and then lost, its number would be given to another."""
        cursor = cursor.skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents = await (cursor.sort(sort) if sort else cursor).to_list(None)
        if not all(document.get("told", True) for document in documents):
            await self._mongo.settle()
        return [Comment.from_document(document) for document in documents]
