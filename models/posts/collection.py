"""The collection of posts: lists, neighbours, relatives; writing one, and letting the world know.

Every address that a post ever had stays in `addresses`, so that old links arrive. Lists are sorted by (date, id) in one
index; what they show of the text (`opening`) and of the comments (their count) is stored with the post.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import redis
from lib.clock import Clock
from lib.ids import new_id
from lib.mongo import (
    ALL_AT_ONCE,
    ASCENDING,
    DESCENDING,
    Document,
    DuplicateKey,
    IndexModel,
    Mongo,
    UpdateOne,
    taken_key,
)
from models.categories import Categories, Category, tag_of_category
from models.errors import Conflict, NotFound
from models.pages import ARCHIVE, FEEDS, HOME, SITEMAP, Pages
from models.posts.post import Counts, Post, address_key, popularity, ranked, rendered

NEWEST = [("published", DESCENDING), ("_id", DESCENDING)]
OLDEST = [("published", ASCENDING), ("_id", ASCENDING)]
LISTED = dict.fromkeys(("_id", "slug", "title", "published", "edited", "categories", "comment_count", "summary"), 1)
WITHOUT_TEXTS = {"text": 0, "html": 0, "opening": 0}
COUNTED = ("_id", "comment_count", "root_count", "n", "popularity")  # never the author's to write
AS_TOLD = dict.fromkeys(("published", "categories", "seen_in", "change"), 1)
MOST_ALIKE = 12  # posts that a post is compared with to find its relatives
RATED_AT_ONCE = 1000
LEAST_CHANGE = 1e-5  # of popularity
UNTOLD_AFTER = timedelta(seconds=1)


class Posts:
    """All posts, and who may see which."""

    def __init__(self, mongo: Mongo, categories: Categories, pages: Pages, clock: Clock) -> None:
        self._posts = mongo["posts"]
        self._repeatable = mongo.repeatable("posts")
        self._pages = pages
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

    async def by_slug(self, slug: str) -> Post:
        """The visible post of this slug, in any case."""
        document, categories = await asyncio.gather(self._posts.find_one(self._at(slug)), self._categories.all())
        if document is None:
            raise NotFound("There is no such post.")
        return Post.from_document(document, categories)

    async def with_thread(self, slug: str) -> Post:
        """The same for who only asks for its comments: without its texts and categories."""
        document = await self._posts.find_one(self._at(slug), WITHOUT_TEXTS)
        if document is None:
            raise NotFound("There is no such post.")
        return Post.from_document(document, {})

    async def by_id(self, id: str) -> Post:
        """The post of this id, visible or not: for staff and for the live table, which asks for itself."""
        document, categories = await asyncio.gather(self._posts.find_one({"_id": id}), self._categories.all())
        if document is None:
            raise NotFound("There is no such post.")
        return Post.from_document(document, categories)

    async def has_open_thread(self, id: str) -> bool:
        """Whether there is a visible post of this id whose comments may be seen."""
        query = {"_id": id, **self._visible(), "has_hidden_comments": False}
        return await self._posts.find_one(query, {"_id": 1}) is not None

    async def by_ids(self, ids: Iterable[str]) -> dict[str, Post]:
        """Posts of these ids as lists show them, by id, visible or not."""
        found = await self._listed({"_id": {"$in": list(set(ids))}})
        return {post.id: post for post in found}

    async def find_by_address(self, address: str) -> Post | None:
        """The visible post that once lived at this address, however that is spelt."""
        document = await self._posts.find_one({"address_keys": address_key(address), **self._visible()})
        return Post.from_document(document, {}) if document else None

    async def newest(
        self, start: int, stop: int, categories: Iterable[Category] = (), whole: bool = True
    ) -> list[Post]:
        """Visible posts from `start` up to `stop`, newest first; in any of these categories, if any are named."""
        ids = [category.id for category in categories]
        query = {**self._visible(), **({"categories": {"$in": ids}} if ids else {})}
        return await self._listed(query, {"text": 0} if whole else LISTED, skip=start, limit=stop - start)

    async def archive(self, after: datetime | None = None, before: datetime | None = None, most: int = 0) -> list[Post]:
        """Visible posts as lists show them, newest first, in [after, before)."""
        query = self._visible()
        if after is not None:
            query["published"]["$gte"] = after
        if before is not None and before <= self._clock():
            query["published"] = {**{k: v for k, v in query["published"].items() if k != "$lte"}, "$lt": before}
        return await self._listed(query, LISTED, limit=most)

    async def years(self) -> list[int]:
        """Years that have visible posts, newest first: from one to the next in the index, however many posts each has."""
        years: list[int] = []
        query = self._visible()
        while newest := await self._posts.find_one(query, {"published": 1}, sort=NEWEST):
            years.append(newest["published"].year)
            query = {**query, "published": {"$lt": datetime(years[-1], 1, 1, tzinfo=UTC)}}
        return years

    async def has_more_than(self, number: int) -> bool:
        """Whether there are more visible posts than so many."""
        return bool(await self._posts.find(self._visible(), {"_id": 1}).skip(number).limit(1).to_list(None))

    async def neighbours(self, post: Post) -> tuple[Post | None, Post | None]:
        """The visible posts just before and just after this one, by (date, id): without their categories."""
        at, now = post.published, self._clock()
        older: Document = {"is_listed": True, "published": {"$lte": at}}
        older["$or"] = [{"published": {"$lt": at}}, {"_id": {"$lt": post.id}}]
        newer: Document = {"is_listed": True, "published": {"$gte": at, "$lte": now}}
        newer["$or"] = [{"published": {"$gt": at}}, {"_id": {"$gt": post.id}}]
        before, after = await asyncio.gather(
            self._found(older, LISTED, limit=1), self._found(newer, LISTED, limit=1, sort=OLDEST)
        )
        return (before[0] if before else None), (after[0] if after else None)

    async def related(self, post: Post) -> list[Post]:
        """Visible posts that share categories, then keywords, the most popular first; with the categories shared."""
        popular = [("popularity", DESCENDING), *NEWEST]
        fields = {**LISTED, "popularity": 1, "keywords": 1}
        shared = {"categories": [category.id for category in post.categories], "keywords": list(post.keywords)}
        found = await asyncio.gather(
            *(
                self._found(
                    {**self._visible(), field: {"$in": values}, "_id": {"$ne": post.id}},
                    fields,
                    limit=MOST_ALIKE,
                    sort=popular,
                    categories=post.categories,
                )
                for field, values in shared.items()
                if values
            )
        )
        return ranked(post, {other.id: other for posts in found for other in posts}.values())

    async def add(self, post: Post, origin: Document | None = None) -> Post:
        """Store a new post, rendered, and tell the world if it may be seen. Conflict where an address of it is taken."""
        post = rendered(replace(post, id=post.id or new_id(), edited=self._clock()))
        document = {**post.to_document(), **self._untold(), **({"origin": origin} if origin else {})}
        document["seen_in"] = document["categories"]
        try:
            await self._posts.insert_one(document)
        except DuplicateKey as error:
            raise _taken(post, error) from error
        await self._tell_if_seen(post)
        return post

    async def edit(self, post: Post, origin: Document | None = None) -> Post:
        """Store a changed post, rendered again; what it was called before stays among its addresses."""
        before = await self.by_id(post.id)
        former = {before.path} if before.slug.casefold() != post.slug.casefold() else set()
        addresses = tuple(dict.fromkeys((*before.addresses, *post.addresses, *former)))
        post = rendered(replace(post, addresses=addresses, edited=self._clock()))
        change = {k: v for k, v in post.to_document().items() if k not in COUNTED} | self._untold()
        if origin is not None:
            change["origin"] = origin
        seen_in = {"seen_in": {"$each": change["categories"]}}  # beside those that it was in before
        try:
            await self._posts.update_one({"_id": post.id}, {"$set": change, "$addToSet": seen_in})
        except DuplicateKey as error:
            raise _taken(post, error) from error
        await self._tell_if_seen(post, before)
        return post

    async def tell(self, post: Post) -> bool:
        """Forget every page that shows the post, or would; safe to repeat. A scheduled one is told when its time comes.

        False where Redis is away, so that other hosts could not hear: it stays untold, and the worker repeats it.
        """
        document = await self._posts.find_one({"_id": post.id}, AS_TOLD)
        post = replace(post, published=document["published"])  # which may have moved on since
        neighbours = [other for other in await self.neighbours(post) if other is not None]
        tags = [post.tag, post.title_tag, HOME, ARCHIVE, FEEDS, SITEMAP, *(other.tag for other in neighbours)]
        try:
            await self._pages.forget(*tags, *(tag_of_category(id) for id in document["seen_in"]))
        except redis.Away:
            return False
        if post.published <= self._clock():
            as_told = {"_id": post.id, "change": document.get("change")}
            told = {"told": True, "seen_in": document["categories"]}
            await self._posts.update_one(as_told, {"$set": told})
        return True

    async def untold(self) -> list[Post]:
        """Posts that the world should have heard of: scheduled ones whose time has come, and what a dead writer left."""
        now = self._clock()
        query = {"told": False, "published": {"$lte": now}, "changed": {"$lt": now - UNTOLD_AFTER}}
        return await self._listed(query, limit=100)

    async def find_by_origin(self, kind: str, host: str, id: str) -> tuple[Post, Document] | None:
        """The post that came from there, and its origin as it was noted then."""
        query = {"origin.kind": kind, "origin.host": host, "origin.id": id}
        document, categories = await asyncio.gather(self._posts.find_one(query), self._categories.all())
        return (Post.from_document(document, categories), document["origin"]) if document else None

    async def set_counts(self, id: str, counts: Counts) -> None:
        """Store how a post's thread stands; older news never replace newer.

        Where they are lost they are stored again, since the change that made them is untold until this is done.
        """
        older = {"_id": id, "n": {"$lte": counts.n}}
        await self._repeatable.update_one(older, {"$set": _as_stored(counts)})

    async def all_counts(self) -> dict[str, Counts]:
        """How all threads stand, by the ids of their posts, as `set_counts` has stored it."""
        fields = {"n": 1, "comment_count": 1, "root_count": 1}
        documents = await self._posts.find({}, fields).batch_size(ALL_AT_ONCE).to_list(None)
        return {d["_id"]: Counts(d["n"], d["comment_count"], d["root_count"]) for d in documents}

    async def correct_counts(self, id: str, wrong: Counts, right: Counts) -> bool:
        """Store what was counted instead, whatever its number, if nobody has stored anything else meanwhile."""
        result = await self._posts.update_one({"_id": id, **_as_stored(wrong)}, {"$set": _as_stored(right)})
        return bool(result.matched_count)

    async def rate(self, reads: Mapping[str, int]) -> int:
        """Store how popular the posts at these addresses are, by how often each was read; how many have changed."""
        by_key = {address_key(address): number for address, number in reads.items()}
        keys, changed = sorted(by_key), 0
        for start in range(0, len(keys), RATED_AT_ONCE):
            changed += await self._rate(keys[start : start + RATED_AT_ONCE], by_key)
        return changed

    async def count(self) -> int:
        """How many visible posts there are."""
        return int(await self._posts.count_documents(self._visible()))

    async def has_others(self, kind: str) -> bool:
        """Whether there is any post that did not come from there."""
        return await self._posts.find_one({"origin.kind": {"$ne": kind}}, {"_id": 1}) is not None

    async def _rate(self, keys: list[str], reads: Mapping[str, int]) -> int:
        slugs = [key.removeprefix("/plog/") for key in keys]
        at_these = {"$or": [{"slug_key": {"$in": slugs}}, {"address_keys": {"$in": keys}}]}
        fields = {"slug_key": 1, "address_keys": 1, "published": 1, "popularity": 1}
        writes = []
        for document in await self._posts.find(at_these, fields).to_list(None):
            own = {f"/plog/{document['slug_key']}", *document["address_keys"]}
            rated = popularity(sum(reads.get(key, 0) for key in own), self._clock() - document["published"])
            if abs(rated - document["popularity"]) >= LEAST_CHANGE:
                writes.append(UpdateOne({"_id": document["_id"]}, {"$set": {"popularity": rated}}))
        if writes:
            await self._posts.bulk_write(writes, ordered=False)
        return len(writes)

    def _untold(self) -> Document:
        """What is stored with a change until the world has heard of it. `seen_in` gathers the categories that the post
        was in since it last had: each edit adds its own, and only the write that marks it told sets them back."""
        return {"told": False, "changed": self._clock(), "change": new_id()}

    async def _tell_if_seen(self, *versions: Post) -> None:
        if any(version.is_visible(self._clock()) for version in versions):
            await self.tell(versions[0])

    def _at(self, slug: str) -> Document:
        return {"slug_key": slug.casefold(), **self._visible()}

    def _visible(self) -> dict[str, Any]:
        return {"is_listed": True, "published": {"$lte": self._clock()}}

    async def _listed(
        self, query: Document, fields: Document | None = None, skip: int = 0, limit: int = 0
    ) -> list[Post]:
        cursor = self._posts.find(query, fields).sort(NEWEST).skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents, categories = await asyncio.gather(cursor.to_list(None), self._categories.all())
        return [Post.from_document(document, categories) for document in documents]

    async def _found(
        self, query: Document, fields: Document, limit: int, sort: Any = NEWEST, categories: Iterable[Category] = ()
    ) -> list[Post]:
        """What a query finds, knowing of no other categories than these: nothing else is read."""
        documents = await self._posts.find(query, fields).sort(sort).limit(limit).to_list(None)
        known = {category.id: category for category in categories}
        return [Post.from_document(document, known) for document in documents]


def _as_stored(counts: Counts) -> Document:
    return {"n": counts.n, "comment_count": counts.comments, "root_count": counts.roots}


def _taken(post: Post, error: DuplicateKey) -> Conflict:
    """What the clash of a unique index means."""
    taken = taken_key(error)
    if "address_keys" in taken:
        return Conflict("address-taken", f"Another post already has the former address {taken['address_keys']}.")
    return Conflict("slug-taken", f"Another post already has the address {post.path}.")
