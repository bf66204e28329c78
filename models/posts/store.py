"""Where posts are kept: found, and stored as what must be told. Nobody is told here; collection.py does that.

Lists are sorted by (date, id) in one index; what they show of the text (`opening`) and of the comments (their count) is
stored with the post. What is counted is written by counting.py alone. `told: false` is part of each write here
(docs/decisions.md, "Told").
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

from lib.clock import Clock
from lib.ids import new_id
from lib.mongo import ALL_AT_ONCE, ASCENDING, DESCENDING, Document, DuplicateKey, IndexModel, Mongo, taken_key
from models.categories import Categories, Category
from models.errors import Conflict, NotFound
from models.posts.post import Post

NEWEST = [("published", DESCENDING), ("_id", DESCENDING)]
LISTED = dict.fromkeys(("_id", "slug", "title", "published", "edited", "categories", "comment_count", "summary"), 1)
COUNTED = ("_id", "comment_count", "root_count", "n", "popularity")  # never the author's to write
TO_TELL = dict.fromkeys(("published", "categories", "seen_in", "change"), 1)

Known = dict[str, Category]


class PostStore:
    """The documents of all posts, and which of them are visible.

    Who knows already which categories matter hands them in as `known`: then nothing but posts is read.
    """

    def __init__(self, mongo: Mongo, categories: Categories, clock: Clock) -> None:
        self._posts = mongo["posts"]
        self._categories = categories
        self._clock = clock

    async def create_indexes(self) -> None:
        listed = ("is_listed", ASCENDING)
        await self._posts.create_indexes(
            [
                IndexModel("slug_key", unique=True),
                IndexModel("address_keys", unique=True, partialFilterExpression={"address_keys.0": {"$exists": True}}),
                IndexModel("told", partialFilterExpression={"told": False}),
                IndexModel([listed, *NEWEST]),
                IndexModel([listed, ("categories", ASCENDING), *NEWEST]),
                IndexModel([listed, ("categories", ASCENDING), ("popularity", DESCENDING), *NEWEST]),
                IndexModel([listed, ("keywords", ASCENDING), ("popularity", DESCENDING), *NEWEST]),
                IndexModel(
                    [("origin.kind", ASCENDING), ("origin.host", ASCENDING), ("origin.id", ASCENDING)],
                    unique=True,
                    partialFilterExpression={"origin.id": {"$exists": True}},
                ),
            ]
        )

    def visible(self) -> Document:
        """The query for all posts that anybody may see by now."""
        return {"is_listed": True, "published": {"$lte": self._clock()}}

    async def one(self, query: Document, fields: Document | None = None, known: Known | None = None) -> Post:
        """The post that a query finds; NotFound where there is none."""
        document, categories = await self._beside_categories(self.first(query, fields), known)
        if document is None:
            raise NotFound("There is no such post.")
        return Post.from_document(document, categories)

    async def found(
        self,
        query: Document,
        fields: Document | None = None,
        sort: Any = NEWEST,
        limit: int = 0,
        skip: int = 0,
        known: Known | None = None,
    ) -> list[Post]:
        """The posts that a query finds."""
        cursor = self._posts.find(query, fields).sort(sort).skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents, categories = await self._beside_categories(cursor.to_list(None), known)
        return [Post.from_document(document, categories) for document in documents]

    async def first(self, query: Document, fields: Document | None = None, sort: Any = None) -> Document | None:
        """The first document that a query finds, as it is stored."""
        document: Document | None = await self._posts.find_one(query, fields, sort=sort)
        return document

    async def has_any(self, query: Document, beyond: int = 0) -> bool:
        """Whether a query finds any post, beyond so many."""
        return await self._posts.find_one(query, {"_id": 1}, skip=beyond) is not None

    async def count(self, query: Document) -> int:
        return int(await self._posts.count_documents(query))

    async def insert(self, post: Post, origin: Document | None) -> None:
        """Store a new post. Conflict where an address of it is taken."""
        document = {**post.to_document(), **self._untold(), **({"origin": origin} if origin else {})}
        document["seen_in"] = document["categories"]
        try:
            await self._posts.insert_one(document)
        except DuplicateKey as error:
            raise _taken(post, error) from error

    async def save(self, post: Post, origin: Document | None) -> None:
        """Store a changed post, but for what is counted. Conflict where an address of it is taken."""
        change = {k: v for k, v in post.to_document().items() if k not in COUNTED} | self._untold()
        if origin is not None:
            change["origin"] = origin
        seen_in = {"seen_in": {"$each": change["categories"]}}  # beside those that it was in before
        try:
            await self._posts.update_one({"_id": post.id}, {"$set": change, "$addToSet": seen_in})
        except DuplicateKey as error:
            raise _taken(post, error) from error

    async def to_tell(self, id: str) -> Document:
        """What telling needs: the date, the categories that the post is in and was seen in, and its last `change`."""
        document: Document = await self._posts.find_one({"_id": id}, TO_TELL)
        return document

    async def mark_told(self, told: Document) -> None:
        """The world has heard of what `to_tell` gave, unless the post has changed again since."""
        as_told = {"_id": told["_id"], "change": told.get("change")}
        await self._posts.update_one(as_told, {"$set": {"told": True, "seen_in": told["categories"]}})

    async def _beside_categories(self, reading: Awaitable[Any], known: Known | None) -> tuple[Any, Known]:
        """What is being read, and the known categories; or else all of them, read at once."""
        if known is not None:
            return await reading, known
        return await asyncio.gather(reading, self._categories.all())

    def _untold(self) -> Document:
        """What is stored with a change until the world has heard of it. `seen_in` gathers the categories that the post
        was in since it last had: each edit adds its own, and only the write that marks it told sets them back."""
        return {"told": False, "changed": self._clock(), "change": new_id()}


def _taken(post: Post, error: DuplicateKey) -> Conflict:
    """What the clash of a unique index means."""
    taken = taken_key(error)
    if "address_keys" in taken:
        return Conflict("address-taken", f"Another post already has the former address {taken['address_keys']}.")
    return Conflict("slug-taken", f"Another post already has the address {post.path}.")
