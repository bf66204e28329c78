"""Posts: what the maker writes. A post is seen once its date has come, unless it is a draft or archived.

Every address that a post ever had stays in `addresses`, so that old links arrive. Lists are sorted by (date, id) in one
index; what they show of the text (`opening`) and of the comments (their count) is stored with the post.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log10
from typing import Any
from urllib.parse import quote, unquote

from lib.clock import Clock, iso
from lib.ids import new_id
from lib.markup import plain, post_html
from lib.mongo import ASCENDING, DESCENDING, Document, DuplicateKey, IndexModel, Mongo, UpdateOne, taken_key
from lib.tokens import digest
from models.categories import Categories, Category, tag_of_category
from models.errors import Conflict, Invalid, NotFound
from models.pages import ARCHIVE, FEEDS, HOME, SITEMAP, Pages

NEWEST = [("published", DESCENDING), ("_id", DESCENDING)]
LISTED = {
    "_id": 1,
    "slug": 1,
    "title": 1,
    "published": 1,
    "edited": 1,
    "categories": 1,
    "comment_count": 1,
    "summary": 1,
}
COUNTED = ("_id", "comment_count", "root_count", "n", "popularity")  # never the author's to write
LONGEST_TITLE = 200
LONGEST_TEXT = 1_000_000
MOST_RELATED = 4
RATED_AT_ONCE = 1000
LEAST_CHANGE = 1e-5  # of popularity
UNTOLD_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class Post:
    """One post. In lists the texts are empty; `categories` are whole things, in the order they were given.

    `description` is what search engines and link previews show: the summary, else how the text begins.
    `comment_count` and `root_count` were counted when `n` was the newest change of its comments.
    """

    id: str
    slug: str
    title: str
    published: datetime
    edited: datetime
    text: str = ""
    format: str = "markdown"
    html: str = ""
    opening: str | None = None
    summary: str = ""
    description: str = ""
    url: str | None = None
    categories: tuple[Category, ...] = ()
    keywords: tuple[str, ...] = ()
    has_closed_comments: bool = False
    has_hidden_comments: bool = False
    is_archived: bool = False
    is_draft: bool = False
    comment_count: int = 0
    root_count: int = 0
    n: int = 0
    popularity: float = 0.0
    addresses: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"/plog/{quote(self.slug)}"

    @property
    def channel(self) -> str:
        return f"comments:{self.id}"

    @property
    def tag(self) -> str:
        """Of the pages that show this post: its own, and lists with its date, categories and count of comments."""
        return tag_of_post(self.id)

    @property
    def title_tag(self) -> str:
        """Of the pages that only name it: those of its neighbours and relatives."""
        return f"title:{self.id}"

    @property
    def takes_comments(self) -> bool:
        return not (self.has_closed_comments or self.has_hidden_comments)

    def is_visible(self, at: datetime) -> bool:
        return self.published <= at and not self.is_archived and not self.is_draft

    def age(self, at: datetime) -> int:
        """Whole years since it was published."""
        birthday_comes = (at.month, at.day) < (self.published.month, self.published.day)
        return at.year - self.published.year - birthday_comes

    @property
    def content_digest(self) -> str:
        """What tells whether somebody has edited it since: a digest of all that an author writes."""
        names = ",".join(sorted(category.name for category in self.categories))
        words = (self.title, self.slug, self.text, self.format, self.summary, self.url or "", iso(self.published))
        return digest(*words, names, ",".join(self.keywords), str(self.is_draft))

    @classmethod
    def from_document(cls, document: Document, categories: dict[str, Category]) -> "Post":
        given: Document = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        known = tuple(categories[id] for id in document["categories"] if id in categories)
        given |= {name: tuple(given[name]) for name in ("keywords", "addresses") if name in given}
        return cls(**{**given, "id": document["_id"], "categories": known})

    def to_document(self) -> Document:
        document = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "id"}
        listed = {name: list(getattr(self, name)) for name in ("keywords", "addresses")}
        categories = [category.id for category in self.categories]
        is_listed = not self.is_draft and not self.is_archived
        keys = {"slug_key": self.slug.casefold(), "is_listed": is_listed}
        keys |= {"address_keys": sorted({address_key(address) for address in self.addresses})}
        return {**document, **listed, **keys, "_id": self.id, "categories": categories}


class Posts:
    """All posts, and who may see which."""

    def __init__(self, mongo: Mongo, categories: Categories, pages: Pages, clock: Clock) -> None:
        self._mongo = mongo
        self._posts = mongo["posts"]
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
        document, categories = await asyncio.gather(
            self._posts.find_one({"slug_key": slug.casefold(), **self._visible()}), self._categories.all()
        )
        if document is None:
            raise NotFound("There is no such post.")
        return Post.from_document(document, categories)

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

    async def years(self) -> list[tuple[int, int]]:
        """Years that have visible posts, newest first, each with how many."""
        pipeline: list[Document] = [
            {"$match": self._visible()},
            {"$group": {"_id": {"$year": "$published"}, "count": {"$sum": 1}}},
            {"$sort": {"_id": -1}},
        ]
        return [(row["_id"], row["count"]) for row in await self._mongo.aggregate("posts", pipeline)]

    async def neighbours(self, post: Post) -> tuple[Post | None, Post | None]:
        """The visible posts just before and just after this one, by (date, id)."""
        at, now = post.published, self._clock()
        same_time = {"published": at}
        older = {"$or": [{"published": {"$lt": at}}, {**same_time, "_id": {"$lt": post.id}}], "is_listed": True}
        newer = {
            "$or": [{"published": {"$gt": at, "$lte": now}}, {**same_time, "_id": {"$gt": post.id}}],
            "is_listed": True,
        }
        before, after = await asyncio.gather(
            self._listed(older, LISTED, limit=1), self._listed(newer, LISTED, limit=1, sort=_reversed(NEWEST))
        )
        return (before[0] if before else None), (after[0] if after else None)

    async def related(self, post: Post) -> list[Post]:
        """Visible posts that share categories, then keywords, the most popular first."""
        popular = [("popularity", DESCENDING), *NEWEST]
        fields = {**LISTED, "popularity": 1, "keywords": 1}
        shared = [
            {"categories": {"$in": [category.id for category in post.categories]}},
            {"keywords": {"$in": list(post.keywords)}},
        ]
        found = await asyncio.gather(
            *(
                self._listed({**self._visible(), **either, "_id": {"$ne": post.id}}, fields, limit=12, sort=popular)
                for either in shared
            )
        )
        return ranked(post, {other.id: other for posts in found for other in posts}.values())

    async def add(self, post: Post, origin: Document | None = None) -> Post:
        """Store a new post, rendered, and tell the world if it may be seen. Conflict where an address of it is taken."""
        post = rendered(replace(post, id=post.id or new_id(), edited=self._clock()))
        document = {**post.to_document(), **self._untold(post), **({"origin": origin} if origin else {})}
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
        change = {k: v for k, v in post.to_document().items() if k not in COUNTED} | self._untold(post, before)
        if origin is not None:
            change["origin"] = origin
        try:
            await self._posts.update_one({"_id": post.id}, {"$set": change})
        except DuplicateKey as error:
            raise _taken(post, error) from error
        await self._tell_if_seen(post, before)
        return post

    async def tell(self, post: Post) -> None:
        """Forget every page that shows the post, or would; safe to repeat. A scheduled one is told when its time comes."""
        document = await self._posts.find_one({"_id": post.id}, {"seen_in": 1, "changed": 1})
        neighbours = [other for other in await self.neighbours(post) if other is not None]
        tags = [post.tag, post.title_tag, HOME, ARCHIVE, FEEDS, SITEMAP, *(other.tag for other in neighbours)]
        await self._pages.forget(*tags, *(tag_of_category(id) for id in document["seen_in"]))
        if post.published <= self._clock():
            as_told = {"_id": post.id, "changed": document["changed"]}
            await self._posts.update_one(as_told, {"$set": {"told": True}})

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

    async def set_comment_count(self, id: str, count: int, roots: int, n: int) -> None:
        """Store counts that are at least as new as change `n`; those of older news never replace those of newer."""
        older = {"_id": id, "n": {"$lte": n}}
        await self._posts.update_one(older, {"$set": {"comment_count": count, "root_count": roots, "n": n}})

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

    def _untold(self, post: Post, before: Post | None = None) -> Document:
        """What is stored with a change until the world has heard of it: also where the post was to be seen so far."""
        categories = {category.id for version in (post, before) if version for category in version.categories}
        return {"told": False, "changed": self._clock(), "seen_in": sorted(categories)}

    async def _tell_if_seen(self, *versions: Post) -> None:
        if any(version.is_visible(self._clock()) for version in versions):
            await self.tell(versions[0])

    def _visible(self) -> dict[str, Any]:
        return {"is_listed": True, "published": {"$lte": self._clock()}}

    async def _listed(
        self, query: Document, fields: Document | None = None, skip: int = 0, limit: int = 0, sort: Any = NEWEST
    ) -> list[Post]:
        cursor = self._posts.find(query, fields or None).sort(sort).skip(skip).limit(limit)
        documents, categories = await asyncio.gather(cursor.to_list(None), self._categories.all())
        return [Post.from_document(document, categories) for document in documents]


def address_key(address: str) -> str:
    """An address as it is looked for: decoded, in any case, without empty parts or a final slash; its query as it is."""
    path, mark, query = address.partition("?")
    words = [word for word in unquote(path).casefold().split("/") if word]
    return f"/{'/'.join(words)}{mark}{query}"


def popularity(reads: int, age: timedelta) -> float:
    """log10(1 + reads per day): ten times the readers are one more. A day that has begun counts as one."""
    return log10(1 + reads / max(1.0, age / timedelta(days=1)))


def tag_of_post(id: str) -> str:
    return f"post:{id}"


def rendered(post: Post) -> Post:
    """The post with its HTML made anew from its text. Invalid where there is no title, or far too much text."""
    problems = {}
    if not 0 < len(post.title.strip()) <= LONGEST_TITLE:
        problems["title"] = f"A title has 1 to {LONGEST_TITLE} characters."
    if len(post.text) > LONGEST_TEXT:
        problems["text"] = f"A post has at most {LONGEST_TEXT:,} characters."
    if not post.slug or "/" in post.slug:
        problems["slug"] = "A slug is a word for the address, without a slash."
    if problems:
        raise Invalid(problems)
    html = post_html(post.text, post.format)
    return replace(post, html=html.html, opening=html.opening, description=post.summary or plain(html.html, 200))


def ranked(post: Post, others: Iterable[Post]) -> list[Post]:
    """Those most related to a post: by shared categories, then shared keywords, then popularity, then date."""
    categories, keywords = set(post.categories), set(post.keywords)

    def kinship(other: Post) -> tuple[int, int, float, datetime]:
        shared = len(categories.intersection(other.categories)), len(keywords.intersection(other.keywords))
        return *shared, other.popularity, other.published

    return sorted(others, key=kinship, reverse=True)[:MOST_RELATED]


def _taken(post: Post, error: DuplicateKey) -> Conflict:
    """What the clash of a unique index means."""
    taken = taken_key(error)
    if "address_keys" in taken:
        return Conflict("address-taken", f"Another post already has the former address {taken['address_keys']}.")
    return Conflict("slug-taken", f"Another post already has the address {post.path}.")


def _reversed(sort: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(field, -direction) for field, direction in sort]
