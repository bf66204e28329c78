"""Where comments are kept: read, and written where no reader sees it. What they see is written by numbering.py."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from lib.batches import Batches
from lib.clock import Clock
from lib.ids import is_id
from lib.mongo import ALL_AT_ONCE, ASCENDING, DESCENDING, Document, IndexModel, Mongo, also
from models.comments.comment import Comment
from models.errors import NotFound
from models.posts import Post

NUMBERED = {"$gt": 0}
ROOT = {"depth": 0, "place": NUMBERED}  # which has a place as soon as it has a number, and needs no look at it
ADDRESSES_KEPT = timedelta(days=30)
UNTOLD_AFTER = timedelta(seconds=5)
UNSEEN = ("text", "agent", "network", "email", "words", "numbers", "counts", "origin", "changed")  # what no page shows


class CommentStore:
    """The documents of all comments, and the substrings that are watched for."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._comments = mongo["comments"]
        self._repeatable = mongo.repeatable("comments")
        self._substrings = mongo["substrings"]
        self._clock = clock
        self._settling: Batches[None, None] = Batches(self._settle)

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

    async def facts(self, words: str, since: datetime, author: str, id: str) -> tuple[bool, bool, tuple[str, ...]]:
        """Whether somebody said these words since then, whether an author has a published comment besides the one with
        this id, what is watched for.
        """
        said, published = {"words": words, "created": {"$gt": since}}, {"author": author, "status": "published"}
        asking: list[Document] = [{"$match": said}, {"$limit": 1}, {"$project": {"_id": "repeated"}}]
        two = {"$limit": 2}  # not `_id: {$ne: id}`, which would tempt MongoDB to look through all comments by their id
        asking.append(also("comments", {"$match": published}, two, {"$project": {"_id": "approved", "id": "$_id"}}))
        asking.append(also("substrings", {"$project": {"_id": 0, "substring": "$_id"}}))
        found = await self._mongo.aggregate("comments", asking)
        is_repeated = any(fact.get("_id") == "repeated" for fact in found)
        has_approved = any(fact.get("id", id) != id for fact in found)
        return is_repeated, has_approved, tuple(fact["substring"] for fact in found if "substring" in fact)

    async def newest_n(self, post: str) -> int:
        """The number of the newest change under a post; 0 where there was none."""
        query = {"post": post, "n": NUMBERED}
        newest: Document | None = await self._comments.find_one(query, {"n": 1}, sort=[("n", DESCENDING)])
        return newest["n"] if newest else 0

    async def untold(self) -> list[Comment]:
        """Changes that the world should have heard of 5 seconds ago: whoever made them died half way, or Redis was away."""
        query = {"told": False, "changed": {"$lt": self._clock() - UNTOLD_AFTER}}
        return await self.found(query, [("changed", ASCENDING)], 1000)

    async def mark_told(self, comments: Collection[Comment]) -> None:
        """The world has heard of these versions: one write for each revision, and new comments are of the same one.

        Where a mark is lost, it hears again.
        """
        by_revision: dict[int, list[str]] = {}
        for comment in comments:
            by_revision.setdefault(comment.revision, []).append(comment.id)
        for revision, ids in by_revision.items():
            query = {"_id": {"$in": ids}, "revision": revision}
            await self._repeatable.update_many(query, {"$set": {"told": True}})

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

    async def _read(self, cursor: Any, sort: Any, limit: int, skip: int) -> list[Comment]:
        """What nobody was told of yet may not be on disk: shown and then lost, its number would be given to another."""
        cursor = cursor.skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents = await (cursor.sort(sort) if sort else cursor).to_list(None)
        if not all(document.get("told", True) for document in documents):
            await self._settling.add("", None)
        return [Comment.from_document(document) for document in documents]

    async def _settle(self, _: str, readers: Sequence[None]) -> Sequence[None]:
        """One write for all who have read by then."""
        await self._mongo.settle()
        return readers
