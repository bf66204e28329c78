"""The documents of posts: every query, write and index of this collection.

Lists are sorted by (date, id) in one index. What lists show of the text (`opening`) and of the comments (their count)
is stored with the post. Counts and popularity are not their author's to write: `save` leaves them as they are.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from lib.batches import Batches
from lib.documents import Document, Shape
from lib.mongo import ALL_AT_ONCE, ASCENDING, DESCENDING, DuplicateKey, IndexModel, UpdateOne, taken_key
from lib.untold import Kinds, Untold, kinds_of
from models.categories import Category, CategoryDocuments
from models.errors import Conflict, NotFound
from models.outbox import InvalidatePages
from models.posts.post import Post, address_key, popularity
from models.tools import Tools

POST = Shape(Post, {"id": "_id"})
NEWEST = [("published", DESCENDING), ("_id", DESCENDING)]
OLDEST = [("published", ASCENDING), ("_id", ASCENDING)]
POPULAR = [("popularity", DESCENDING), *NEWEST]
LISTED = dict.fromkeys(("_id", "slug", "title", "published", "edited", "categories", "comment_count", "summary"), 1)
COMPARED = {**LISTED, "popularity": 1, "keywords": 1}
WITHOUT_TEXTS = {"text": 0, "html": 0, "opening": 0}
COUNTED = ("_id", "comment_count", "root_count", "n", "popularity")
WITH_ADDRESSES = {"address_keys.0": {"$exists": True}}
CONSEQUENCES = (InvalidatePages,)
LONGEST_READ = 5  # seconds that all who ask for a post at once wait for it
MOST_ALIKE = 12  # posts that a post is compared with
RATED_AT_ONCE = 1000
LEAST_CHANGE = 1e-5  # of popularity
CHANGED = "Somebody else has just changed this post. Please look at it again."

Known = Mapping[str, Category]
Found = TypeVar("Found")


class Milestone(NamedTuple):
    """Where a post stands in a list: its date, and how many posts of the very same date come before it."""

    date: datetime
    before: int


@dataclass(frozen=True)
class Left:
    """A post with consequences that are left: the kinds of these, and the categories it was in since they last were
    carried out.
    """

    post: Post
    kinds: Kinds
    categories: frozenset[str]


class PostDocuments:
    """Reads posts together with their categories. Where `known` names the categories that matter, only posts are read."""

    def __init__(self, tools: Tools, categories: CategoryDocuments) -> None:
        self._posts = tools.mongo["posts"]
        self._repeatable = tools.mongo.repeatable("posts")
        self._versions = tools.mongo.repeatable("versions")
        self._categories = categories
        self._clock = tools.clock
        self._heads: Batches[None, Post] = Batches(self._read_head)
        older = {"categories": {"$ifNull": ["$seen_in", "$categories"]}}
        self.untold = Untold(self._posts, self._repeatable, tools.clock, CONSEQUENCES, older)

    async def create_indexes(self) -> None:
        listed = ("is_listed", ASCENDING)
        origin = [("origin.kind", ASCENDING), ("origin.host", ASCENDING), ("origin.id", ASCENDING)]
        await self._posts.create_indexes(
            [
                IndexModel("slug_key", unique=True),
                IndexModel("address_keys", unique=True, partialFilterExpression=WITH_ADDRESSES),
                IndexModel([listed, *NEWEST]),
                IndexModel([listed, ("categories", ASCENDING), *NEWEST]),
                IndexModel([listed, ("categories", ASCENDING), *POPULAR]),
                IndexModel([listed, ("keywords", ASCENDING), *POPULAR]),
                IndexModel(origin, unique=True, partialFilterExpression={"origin.id": {"$exists": True}}),
                *self.untold.indexes,
            ]
        )

    # One post

    async def by_id(self, id: str) -> Post:
        """The post of this id, visible or not."""
        return await self._one({"_id": id})

    async def by_slug(self, slug: str) -> Post:
        """The visible post of this slug, in any case."""
        return await self._one(self._at(slug))

    async def head_by_slug(self, slug: str) -> Post:
        """The same without texts and categories: enough to show and write comments.

        After each comment everyone who missed it may ask: one read serves all, and it begins after they asked.
        """
        return await self._heads.add(slug, None)

    async def find_by_address(self, address: str) -> Post | None:
        """The visible post that once lived at this address, however it is spelt; without its categories."""
        document = await self._posts.find_one({**formerly_at([address_key(address)]), **self._visible()})
        return _post(document, {}) if document else None

    async def taken_addresses(self, addresses: Iterable[str], by_others_than: str) -> dict[str, str]:
        """Which of these former addresses other posts have, visible or not, with the paths of those posts."""
        keys = {address: address_key(address) for address in addresses}
        query = {**formerly_at(list(keys.values())), "_id": {"$ne": by_others_than}}
        others = await self._found(query, {**LISTED, "addresses": 1}, known={}) if keys else []
        paths = {address_key(address): other.path for other in others for address in other.addresses}
        return {address: paths[key] for address, key in keys.items() if key in paths}

    async def find_by_origin(self, kind: str, host: str, id: str) -> tuple[Post, Document] | None:
        """The post that was imported from there, and its origin as it was stored then."""
        query = {"origin.kind": kind, "origin.host": host, "origin.id": id}
        document, categories = await self._with_categories(self._posts.find_one(query), None)
        return (_post(document, categories), document["origin"]) if document else None

    async def has_open_thread(self, id: str) -> bool:
        """Whether there is a visible post of this id whose comments may be seen."""
        return await self._has_any({"_id": id, **self._visible(), "has_hidden_comments": False})

    async def has_others(self, kind: str) -> bool:
        """Whether there is any post that was not imported from a source of this kind."""
        return await self._has_any({"origin.kind": {"$ne": kind}})

    # Many posts

    async def by_ids(self, ids: Iterable[str]) -> dict[str, Post]:
        """Posts as lists show them, by id, visible or not."""
        return {post.id: post for post in await self._found({"_id": {"$in": list(set(ids))}}, LISTED)}

    async def count(self) -> int:
        """How many visible posts there are."""
        return await self._posts.count_documents(self._visible())

    async def newest(
        self,
        start: int,
        stop: int,
        categories: Iterable[Category] = (),
        *,
        is_whole: bool = True,
        after: Milestone | None = None,
    ) -> list[Post]:
        """Visible posts from `start` up to `stop`, counted from a milestone if one is given, newest first; only those
        in any of these categories, if any are given. Each post before `start` costs time: see `PostReading.newest`.
        """
        query, before = self._from(after, categories)
        fields = {"text": 0} if is_whole else LISTED
        return await self._found(query, fields, skip=before + start, limit=stop - start)

    async def milestone_after(
        self, last: Milestone | None, number: int, categories: Iterable[Category] = ()
    ) -> Milestone | None:
        """The milestone so many posts behind the last one, or behind the first post of the list; None behind its end."""
        query, before = self._from(last, categories)
        cursor = self._posts.find(query, {"published": 1}).sort(NEWEST).skip(before + number - 1).limit(2)
        found = await cursor.to_list(None)
        if len(found) < 2:
            return None
        newer, post = found
        if newer["published"] != post["published"]:
            return Milestone(post["published"], before=0)
        same_date = {**query, "published": post["published"], "_id": {"$gt": post["_id"]}}
        return Milestone(post["published"], await self._posts.count_documents(same_date))

    async def version(self) -> int:
        """A number that differs after each change of the lists that visible posts are in."""
        document = await self._versions.find_one({"_id": "posts"})
        return int(document["n"]) if document else 0

    async def raise_version(self) -> None:
        """Not durable by itself: where this write is lost, so is the later one that takes the change out of the outbox."""
        await self._versions.update_one({"_id": "posts"}, {"$inc": {"n": 1}}, upsert=True)

    async def between(self, start: datetime | None, end: datetime | None, most: int = 0) -> list[Post]:
        """Visible posts as lists show them, published in [start, end)."""
        published = {"$lte": self._clock()} if end is None or end > self._clock() else {"$lt": end}
        if start is not None:
            published["$gte"] = start
        return await self._found({"is_listed": True, "published": published}, LISTED, limit=most)

    async def years(self) -> list[int]:
        """Years that have visible posts, newest first: one step in the index for each, however many posts it has."""
        years: list[int] = []
        query = self._visible()
        while newest := await self._posts.find_one(query, {"published": 1}, sort=NEWEST):
            years.append(newest["published"].year)
            query = {**query, "published": {"$lt": datetime(years[-1], 1, 1, tzinfo=UTC)}}
        return years

    async def has_more_than(self, number: int) -> bool:
        """Whether there are more visible posts than `number`."""
        return await self._has_any(self._visible(), beyond=number)

    async def neighbours(self, post: Post) -> list[Post | None]:
        """The visible posts just before and just after this one, by (date, id); without their categories."""
        at, now = post.published, self._clock()
        older: Document = {"is_listed": True, "published": {"$lte": at}}
        older["$or"] = [{"published": {"$lt": at}}, {"_id": {"$lt": post.id}}]
        newer: Document = {"is_listed": True, "published": {"$gte": at, "$lte": now}}
        newer["$or"] = [{"published": {"$gt": at}}, {"_id": {"$gt": post.id}}]
        found = await asyncio.gather(
            self._found(older, LISTED, limit=1, known={}),
            self._found(newer, LISTED, sort=OLDEST, limit=1, known={}),
        )
        return [posts[0] if posts else None for posts in found]

    async def alike(self, post: Post) -> list[Post]:
        """Visible posts that share categories or keywords with this one: of each the most popular; with the categories
        shared.
        """
        own = {category.id: category for category in post.categories}
        shared = {"categories": list(own), "keywords": list(post.keywords)}
        queries = (
            {**self._visible(), field: {"$in": values}, "_id": {"$ne": post.id}}
            for field, values in shared.items()
            if values
        )
        found = await asyncio.gather(
            *(self._found(query, COMPARED, sort=POPULAR, limit=MOST_ALIKE, known=own) for query in queries)
        )
        return list({other.id: other for posts in found for other in posts}.values())

    # Writing

    async def insert(self, post: Post, origin: Document | None) -> None:
        """Conflict if an address of it is taken."""
        entries = self.untold.entries(post.revision, CONSEQUENCES, categories=_ids(post))
        document = {**document_of(post), "untold": entries, "changed": self._clock()}
        try:
            await self._posts.insert_one({**document, **({"origin": origin} if origin else {})})
        except DuplicateKey as error:
            raise _taken(post, error) from error

    async def save(self, before: Post, after: Post, origin: Document | None) -> None:
        """Stores a changed post. Conflict if an address of it is taken, or if somebody else changed it meanwhile."""
        fields = {name: value for name, value in document_of(after).items() if name not in COUNTED}
        fields |= {"changed": self._clock(), **({"origin": origin} if origin is not None else {})}
        seen_in = sorted({*_ids(before), *_ids(after)})
        entries = self.untold.entries(after.revision, CONSEQUENCES, categories=seen_in)
        if before.is_visible(self._clock()) and after.published > self._clock():
            # Withdrawn until then: due at once, and again when it appears.
            entries += self.untold.entries(before.revision, CONSEQUENCES, categories=seen_in, is_due=True)
        change = {"$set": fields, "$push": {"untold": {"$each": entries}}}
        unchanged = {"_id": before.id, "revision": before.revision or {"$in": [0, None]}}
        try:
            result = await self._posts.update_one(unchanged, change)
        except DuplicateKey as error:
            raise _taken(after, error) from error
        if not result.matched_count:
            raise Conflict("changed", CHANGED)

    async def left(self, kinds: Kinds) -> list[Left]:
        """Posts with consequences that are left; scheduled ones once their time has come, or if they were visible
        before.
        """
        is_due = {"$or": [{"published": {"$lte": self._clock()}}, {"untold.is_due": True}]}
        return await self._left(await self.untold.documents(kinds, is_due))

    async def left_of(self, id: str) -> list[Left]:
        """The same for one post, now."""
        return await self._left(await self._posts.find({"_id": id, "untold.0": {"$exists": True}}).to_list(None))

    async def due(self, since: datetime) -> list[Left]:
        """Posts with consequences that are left, whose time has come since then."""
        query = {"untold.0": {"$exists": True}, "published": {"$gt": since, "$lte": self._clock()}}
        return await self._left(await self._posts.find(query).to_list(None))

    # What others than authors write: how threads stand, and how often posts are read

    async def set_thread(self, id: str, n: int, comments: int, roots: int) -> None:
        """Stores how a post's thread stands after change `n`; older counts never replace newer ones. Safe to repeat."""
        older = {"_id": id, "n": {"$lte": n}}
        await self._repeatable.update_one(older, {"$set": _thread(n, comments, roots)})

    async def threads(self) -> dict[str, tuple[int, int, int]]:
        """How all threads stand, by post: (n, comments, roots) as `set_thread` stored them."""
        cursor = self._posts.find({}, ("n", "comment_count", "root_count")).batch_size(ALL_AT_ONCE)
        return {d["_id"]: (d["n"], d["comment_count"], d["root_count"]) for d in await cursor.to_list(None)}

    async def correct_thread(self, id: str, wrong: tuple[int, int, int], right: tuple[int, int, int]) -> bool:
        """Replaces wrong counts, whatever their number. False if somebody has stored others meanwhile."""
        change = {"$set": _thread(*right), "$push": {"untold": {"$each": self.untold.entries(0, CONSEQUENCES)}}}
        result = await self._posts.update_one({"_id": id, **_thread(*wrong)}, change)
        return result.matched_count == 1

    async def rate(self, reads: Mapping[str, int]) -> int:
        """Stores how popular the posts at these addresses are, by how often each was read. Returns how many changed."""
        by_key = {address_key(address): number for address, number in reads.items()}
        keys, changed = sorted(by_key), 0
        for start in range(0, len(keys), RATED_AT_ONCE):
            changed += await self._rate(keys[start : start + RATED_AT_ONCE], by_key)
        return changed

    async def _rate(self, keys: list[str], reads: Mapping[str, int]) -> int:
        slugs = [key.removeprefix("/plog/") for key in keys]
        at_these = {"$or": [{"slug_key": {"$in": slugs}}, formerly_at(keys)]}
        fields = ("slug_key", "address_keys", "published", "popularity")
        writes = []
        for document in await self._posts.find(at_these, fields).to_list(None):
            own = {f"/plog/{document['slug_key']}", *document["address_keys"]}
            rated = popularity(sum(reads.get(key, 0) for key in own), self._clock() - document["published"])
            if abs(rated - document["popularity"]) >= LEAST_CHANGE:
                writes.append(UpdateOne({"_id": document["_id"]}, {"$set": {"popularity": rated}}))
        if writes:
            await self._posts.bulk_write(writes, ordered=False)
        return len(writes)

    async def _read_head(self, slug: str, readers: Sequence[None]) -> list[Post]:
        async with asyncio.timeout(LONGEST_READ):
            post = await self._one(self._at(slug), WITHOUT_TEXTS, known={})
        return [post] * len(readers)

    def _visible(self) -> Document:
        return {"is_listed": True, "published": {"$lte": self._clock()}}

    def _from(self, milestone: Milestone | None, categories: Iterable[Category]) -> tuple[Document, int]:
        """The query for a list of visible posts, and how many of what it finds come before the milestone."""
        query = self._visible()
        if ids := sorted(category.id for category in categories):
            query["categories"] = {"$in": ids}
        if milestone is None:
            return query, 0
        return {**query, "published": {"$lte": milestone.date}}, milestone.before

    def _at(self, slug: str) -> Document:
        return {"slug_key": slug.casefold(), **self._visible()}

    async def _one(self, query: Document, fields: Document | None = None, known: Known | None = None) -> Post:
        document, categories = await self._with_categories(self._posts.find_one(query, fields), known)
        if document is None:
            raise NotFound("There is no such post.")
        return _post(document, categories)

    async def _found(
        self,
        query: Document,
        fields: Document | None = None,
        *,
        sort: Sequence[tuple[str, int]] = NEWEST,
        limit: int = 0,
        skip: int = 0,
        known: Known | None = None,
    ) -> list[Post]:
        cursor = self._posts.find(query, fields).sort(sort).skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents, categories = await self._with_categories(cursor.to_list(None), known)
        return [_post(document, categories) for document in documents]

    async def _has_any(self, query: Document, beyond: int = 0) -> bool:
        return await self._posts.find_one(query, {"_id": 1}, skip=beyond) is not None

    async def _left(self, documents: Sequence[Document]) -> list[Left]:
        categories = await self._categories.all() if documents else {}
        return [
            Left(
                post,
                kinds_of(document),
                frozenset(id for entry in document["untold"] for id in entry.get("categories", ())),
            )
            for post, document in self.untold.readable(documents, lambda document: _post(document, categories))
        ]

    async def _with_categories(self, reading: Awaitable[Found], known: Known | None) -> tuple[Found, Known]:
        """What is being read, and the known categories, or else all of them, read at the same time."""
        if known is not None:
            return await reading, known
        return await asyncio.gather(reading, self._categories.all())


def _post(document: Document, categories: Known) -> Post:
    filed = tuple(categories[id] for id in document["categories"] if id in categories)
    return replace(POST.read({**document, "categories": ()}), categories=filed)


def document_of(post: Post) -> Document:
    """A post as it is stored, but for the outbox's fields."""
    keys = {"slug_key": post.slug.casefold(), "is_listed": not post.is_draft and not post.is_archived}
    keys |= {"address_keys": sorted({address_key(address) for address in post.addresses})}
    return {**POST.written(post), **keys, "categories": _ids(post)}


def formerly_at(keys: Sequence[str]) -> Document:
    """The query for posts that once lived at an address with one of these keys. It repeats the condition of the partial
    index: MongoDB uses that index only for queries which say the same, and reads all posts for others.
    """
    return {"address_keys": {"$in": list(keys)}, **WITH_ADDRESSES}


def _ids(post: Post) -> list[str]:
    return [category.id for category in post.categories]


def _thread(n: int, comments: int, roots: int) -> Document:
    return {"n": n, "comment_count": comments, "root_count": roots}


def _taken(post: Post, error: DuplicateKey) -> Conflict:
    taken = taken_key(error)
    if "address_keys" in taken:
        return Conflict("address-taken", f"Another post already has the former address {taken['address_keys']}.")
    return Conflict("slug-taken", f"Another post already has the address {post.path}.")
