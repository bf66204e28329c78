"""The documents of comments: every query, write and index of this collection, and the substrings that are watched for.

Published changes are numbered (numbering.py): `n` is the number of a comment's newest change, `numbers` are all it ever
had, unique in its thread. A comment whose consequences are not all carried out may not be durable yet; whoever reads
one waits for the journal first, because a killed MongoDB would lose what was shown and give its number away again.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from lib.batches import Batches
from lib.documents import Document, Shape
from lib.ids import is_id
from lib.mongo import ALL_AT_ONCE, ASCENDING, DESCENDING, Cursor, IndexModel, Sort, also, insert_in_order
from lib.untold import Kinds, Untold, kinds_of
from models.comments.comment import Comment, Counts, Status, words_of
from models.errors import NotFound
from models.outbox import EnsureAccount, InvalidatePages, PublishEvents
from models.posts import Post
from models.tools import Tools

COMMENT = Shape(Comment, {"id": "_id", "address": "network"})
NUMBERED = {"$gt": 0}
OLDEST_CHANGE = [("n", ASCENDING)]
NEWEST_CHANGE = [("n", DESCENDING)]
NEWEST = [("created", DESCENDING), ("_id", DESCENDING)]
ROOTS = {"depth": 0, "place": NUMBERED}  # exactly the numbered ones have a place, so the index of roots serves alone
NOT_SHOWN = ("text", "agent", "network", "email", "words", "numbers", "counts", "origin", "changed")  # on no page
CONSEQUENCES = (EnsureAccount, InvalidatePages, PublishEvents)
ADDRESSES_KEPT = timedelta(days=30)


class CommentDocuments:
    def __init__(self, tools: Tools) -> None:
        self._mongo = tools.mongo
        self._comments = tools.mongo["comments"]
        self._substrings = tools.mongo["substrings"]
        self._clock = tools.clock
        self._barrier: Batches[None, None] = Batches(self._wait_for_journal)
        self.untold = Untold(self._comments, tools.mongo.repeatable("comments"), tools.clock, CONSEQUENCES)

    async def create_indexes(self) -> None:
        up, down = ASCENDING, DESCENDING
        has_numbers, has_place = {"numbers": {"$exists": True}}, {"place": NUMBERED}
        has_address, has_origin = {"network": {"$gt": ""}}, {"origin.id": {"$exists": True}}
        origin = [("origin.kind", up), ("origin.host", up), ("origin.id", up)]
        await self._comments.create_indexes(
            [
                IndexModel([("post", up), ("n", up)], unique=True, partialFilterExpression={"n": NUMBERED}),
                IndexModel([("post", up), ("numbers", up)], unique=True, partialFilterExpression=has_numbers),
                IndexModel(
                    [("post", up), ("depth", up), ("place", up)], partialFilterExpression=has_place, name="roots"
                ),
                IndexModel([("root", up)]),
                IndexModel([("status", up), ("created", down), ("_id", down)]),
                IndexModel([("post", up), ("status", up), ("created", down), ("_id", down)]),
                IndexModel([("author", up), ("status", up)]),
                IndexModel([("words", up), ("created", down)]),
                IndexModel([("network", up), ("created", up)], partialFilterExpression=has_address),
                IndexModel(origin, unique=True, partialFilterExpression=has_origin),
                *self.untold.indexes,
            ]
        )

    # One comment

    async def by_id(self, id: str) -> Comment:
        comment = await self.find(id)
        if comment is None:
            raise NotFound("There is no such comment.")
        return comment

    async def find(self, id: str) -> Comment | None:
        return next(iter(await self.by_ids([id])), None) if is_id(id) else None

    async def by_id_under(self, post: Post, id: str) -> Comment:
        """The comment of this id under this post: never one of another post."""
        comment = await self.by_id(id)
        if comment.post != post.id:
            raise NotFound("There is no such comment.")
        return comment

    async def by_ids(self, ids: Sequence[str]) -> list[Comment]:
        return await self._whole({"_id": {"$in": ids}})

    async def held_of(self, author: str, post: Post) -> list[Comment]:
        """An author's comments that wait for approval under a post, oldest first."""
        return await self._whole({"post": post.id, "author": author, "status": Status.HELD}, [("created", ASCENDING)])

    # Threads, as pages show them

    async def under(self, post: Post) -> list[Comment]:
        """All numbered comments of a post, by ascending number: a change moves its comment ahead of the scan, so none
        is missed.
        """
        return await self._shown({"post": post.id, "n": NUMBERED}, OLDEST_CHANGE)

    async def newest_roots(self, post: Post, most: int) -> list[Comment]:
        return await self._shown({"post": post.id, **ROOTS}, [("place", DESCENDING)], most)

    async def oldest_roots(self, post: Post, start: int, most: int) -> list[Comment]:
        return await self._shown({"post": post.id, **ROOTS}, [("place", ASCENDING)], most, start)

    async def replies_under(self, roots: Iterable[str]) -> list[Comment]:
        """All numbered replies in the trees of these roots."""
        return await self._shown({"root": {"$in": sorted(roots)}, "n": NUMBERED, "depth": {"$gt": 0}})

    async def trees_of(self, roots: Iterable[str]) -> list[Comment]:
        """All numbered comments in the trees of these roots."""
        return await self._shown({"root": {"$in": sorted(roots)}, "n": NUMBERED})

    async def gone_in_trees_of(self, roots: Iterable[str]) -> list[Comment]:
        """Those of them that are not published any more."""
        gone = {"$ne": Status.PUBLISHED}
        return await self._shown({"root": {"$in": sorted(roots)}, "n": NUMBERED, "status": gone})

    async def changes_after(self, post: Post, n: int, most: int) -> list[Comment]:
        return await self._shown({"post": post.id, "n": {"$gt": max(0, n)}}, OLDEST_CHANGE, most)

    async def newest_under(self, post: Post, most: int) -> list[Comment]:
        """Published comments of a post, newest first."""
        return await self._shown({"post": post.id, "status": Status.PUBLISHED}, NEWEST, most)

    async def roots_before(self, root: Comment) -> int:
        """How many roots of its post are older than this one."""
        place = {"$gt": 0, "$lt": root.place}
        return await self._comments.count_documents({"post": root.post, "depth": 0, "place": place})

    async def newest_n(self, post: str) -> int:
        """The number of the newest change under a post; 0 if there is none."""
        newest = await self._comments.find_one({"post": post, "n": NUMBERED}, ("n",), sort=NEWEST_CHANGE)
        return newest["n"] if newest else 0

    async def count_published(self) -> int:
        return await self._comments.count_documents({"status": Status.PUBLISHED})

    # Moderation

    async def queue(self, status: Status, before: str | None, most: int) -> list[Comment]:
        """Comments of a status, newest first, older than the one with the id `before`."""
        query: Document = {"status": status}
        if before is not None:
            last = await self.by_id(before)
            query["created"] = {"$lte": last.created}
            query["$or"] = [{"created": {"$lt": last.created}}, {"_id": {"$lt": last.id}}]
        return await self._whole(query, NEWEST, most)

    async def count_by_status(self, statuses: Sequence[Status]) -> dict[Status, int]:
        counts = await asyncio.gather(*(self._comments.count_documents({"status": status}) for status in statuses))
        return dict(zip(statuses, counts, strict=True))

    async def facts(self, id: str, text: str, since: datetime, author: str) -> tuple[bool, bool, tuple[str, ...]]:
        """What rules need, in one round trip: whether somebody wrote the same words since then, whether the author has
        a published comment other than `id`, and the substrings that are watched for.
        """
        same = {"words": words_of(text), "created": {"$gt": since}}
        published = {"author": author, "status": "published"}
        pipeline: list[Document] = [{"$match": same}, {"$limit": 1}, {"$project": {"_id": "repeated"}}]
        two = {"$limit": 2}  # not `_id: {$ne: id}`, for which MongoDB may scan all comments by their id
        pipeline.append(also("comments", {"$match": published}, two, {"$project": {"_id": "approved", "id": "$_id"}}))
        pipeline.append(also("substrings", {"$project": {"_id": 0, "substring": "$_id"}}))
        found = await self._mongo.aggregate("comments", pipeline)
        is_repeated = any(fact.get("_id") == "repeated" for fact in found)
        has_approved = any(fact.get("id", id) != id for fact in found)
        return is_repeated, has_approved, tuple(fact["substring"] for fact in found if "substring" in fact)

    async def watch_for(self, substring: str) -> None:
        """From now on `facts` has this substring; it is in small letters."""
        await self._substrings.update_one({"_id": substring}, {"$set": {}}, upsert=True)

    # Writing

    async def insert(self, comments: Sequence[Comment]) -> tuple[int, Collection[str]]:
        """Inserts new comments in order, up to the first clash. Returns how many, and the fields that the next one
        clashed with.
        """
        now = self._clock()
        documents = [
            document_of(comment)
            | ({"numbers": [comment.n]} if comment.is_numbered else {})
            | {"untold": self.untold.entries(comment.revision, CONSEQUENCES), "changed": now}
            for comment in comments
        ]
        inserted, taken = await insert_in_order(self._comments, documents)
        return inserted, taken.keys()

    async def save(self, before: Comment, after: Comment, *, is_numbered: bool) -> bool:
        """Stores what differs, if nobody changed the comment since it was read. DuplicateKey if its number is taken.

        Fields that stay the same are not written: `move` and `forget_addresses` change some at any time.
        """
        stored = document_of(before)
        differing = {name: value for name, value in document_of(after).items() if (name, value) not in stored.items()}
        change: Document = {"$set": differing | {"changed": self._clock()}}
        change["$push"] = {"untold": {"$each": self.untold.entries(after.revision, CONSEQUENCES)}}
        if is_numbered:
            change["$push"]["numbers"] = after.n
        unchanged = {"_id": before.id, "revision": before.revision}
        return (await self._comments.update_one(unchanged, change)).matched_count == 1

    async def left(self, kinds: Kinds) -> list[tuple[Comment, Kinds]]:
        """Comments with consequences of these kinds that are left, and all kinds that are left."""
        documents = await self.untold.documents(kinds)
        if documents:
            await self._barrier.add("", None)
        return [(comment, kinds_of(document)) for comment, document in self.untold.readable(documents, COMMENT.read)]

    async def move(self, author: str, to: str) -> None:
        """Gives all that an account wrote to another account. Safe to repeat."""
        await self._comments.update_many({"author": author}, {"$set": {"author": to}})

    async def forget_addresses(self) -> int:
        """Removes network addresses and browsers of comments older than 30 days. Returns of how many."""
        old = {"network": {"$gt": ""}, "created": {"$lt": self._clock() - ADDRESSES_KEPT}}
        return (await self._comments.update_many(old, {"$set": {"network": "", "agent": ""}})).modified_count

    # Counts of threads

    async def counts(self, post: str) -> Counts:
        """The counts of a thread after its newest change."""
        query, fields = {"post": post, "n": NUMBERED}, ("n", "counts")
        newest = await self._comments.find_one(query, fields, sort=NEWEST_CHANGE)
        if newest is None:
            return Counts()
        counts = Counts(*newest.get("counts") or ())
        return counts if counts.n == newest["n"] else (await self.count_threads(post))[post]

    async def count_threads(self, *posts: str) -> dict[str, Counts]:
        """The counts of these threads, or of all, counted comment by comment: for changes that carry none, or wrong
        ones.
        """
        chosen: list[Document] = [{"$match": {"post": {"$in": posts}}}] if posts else []
        published, root = ({"$sum": {"$cond": [{"$eq": it}, 1, 0]}} for it in (["$status", "published"], ["$depth", 0]))
        group: Document = {"_id": "$post", "n": {"$max": "$n"}, "comments": published, "roots": root}
        found = await self._mongo.aggregate("comments", [*chosen, {"$match": {"n": NUMBERED}}, {"$group": group}])
        return {one.pop("_id"): Counts(**one) for one in found}

    async def correct_counts(self, post: str, counts: Counts) -> None:
        """Replaces the counts of change `counts.n`, if that is still its comment's newest change."""
        await self._comments.update_one({"post": post, "n": counts.n}, {"$set": {"counts": counts}})

    async def _whole(self, query: Document, sort: Sort | None = None, limit: int = 0) -> list[Comment]:
        return await self._read(self._comments.find(query), sort, limit, 0)

    async def _shown(self, query: Document, sort: Sort | None = None, limit: int = 0, skip: int = 0) -> list[Comment]:
        """Comments with only what pages show of them."""
        return await self._read(self._comments.find(query, dict.fromkeys(NOT_SHOWN, 0)), sort, limit, skip)

    async def _read(self, cursor: Cursor, sort: Sort | None, limit: int, skip: int) -> list[Comment]:
        cursor = cursor.skip(skip).limit(limit).batch_size(ALL_AT_ONCE)
        documents = await (cursor.sort(sort) if sort else cursor).to_list(None)
        if any(map(may_be_lost, documents)):
            await self._barrier.add("", None)
        return [COMMENT.read(document) for document in documents]

    async def _wait_for_journal(self, _: str, readers: Sequence[None]) -> Sequence[None]:
        """One journal barrier for all who have read by then."""
        await self._mongo.settle()
        return readers


def document_of(comment: Comment) -> Document:
    """A comment as it is stored, but for the outbox's fields. Only the write that takes a number sets n, place and
    counts.
    """
    document = COMMENT.written(comment) | {"words": words_of(comment.text)}
    if comment.counts is None:
        for field in ("n", "place", "counts"):
            document.pop(field, None)
    return document


def may_be_lost(document: Document) -> bool:
    """Whether a server that is killed may lose what was read: the change may be so new that it is not in the journal
    yet.

    Where only pages are left to invalidate, the other entries were removed after the change was in the journal.
    """
    return (
        any(entry["kind"] != InvalidatePages.kind for entry in document.get("untold", ()))
        or document.get("told") is False
    )
