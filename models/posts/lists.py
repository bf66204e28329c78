"""Posts among others: the newest, the archive, neighbours by date and relatives by subject. Only those that are visible."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from lib.clock import Clock
from lib.mongo import ASCENDING, DESCENDING, Document
from models.categories import Category
from models.posts.post import Post, ranked
from models.posts.store import LISTED, NEWEST, PostStore

OLDEST = [("published", ASCENDING), ("_id", ASCENDING)]
POPULAR = [("popularity", DESCENDING), *NEWEST]
COMPARED = {**LISTED, "popularity": 1, "keywords": 1}
MOST_ALIKE = 12  # posts that a post is compared with to find its relatives


class Lists:
    """The lists that visible posts are in, newest first."""

    def __init__(self, store: PostStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def newest(
        self, start: int, stop: int, categories: Iterable[Category] = (), whole: bool = True
    ) -> list[Post]:
        """Posts from `start` up to `stop`; in any of these categories, if any are named."""
        ids = [category.id for category in categories]
        query = {**self._store.visible(), **({"categories": {"$in": ids}} if ids else {})}
        return await self._store.found(query, {"text": 0} if whole else LISTED, skip=start, limit=stop - start)

    async def archive(self, after: datetime | None = None, before: datetime | None = None, most: int = 0) -> list[Post]:
        """Posts without their texts, in [after, before)."""
        query = self._store.visible()
        if after is not None:
            query["published"]["$gte"] = after
        if before is not None and before <= self._clock():
            query["published"] = {**{k: v for k, v in query["published"].items() if k != "$lte"}, "$lt": before}
        return await self._store.found(query, LISTED, limit=most)

    async def years(self) -> list[int]:
        """Years that have posts: from one to the next in the index, however many posts each has."""
        years: list[int] = []
        query = self._store.visible()
        while newest := await self._store.first(query, {"published": 1}, NEWEST):
            years.append(newest["published"].year)
            query = {**query, "published": {"$lt": datetime(years[-1], 1, 1, tzinfo=UTC)}}
        return years

    async def has_more_than(self, number: int) -> bool:
        """Whether there are more posts than so many."""
        return await self._store.has_any(self._store.visible(), beyond=number)

    async def neighbours(self, post: Post) -> tuple[Post | None, Post | None]:
        """The posts just before and just after this one, by (date, id): without their categories."""
        at, now = post.published, self._clock()
        older: Document = {"is_listed": True, "published": {"$lte": at}}
        older["$or"] = [{"published": {"$lt": at}}, {"_id": {"$lt": post.id}}]
        newer: Document = {"is_listed": True, "published": {"$gte": at, "$lte": now}}
        newer["$or"] = [{"published": {"$gt": at}}, {"_id": {"$gt": post.id}}]
        before, after = await asyncio.gather(
            self._store.found(older, LISTED, limit=1, known={}),
            self._store.found(newer, LISTED, sort=OLDEST, limit=1, known={}),
        )
        return (before[0] if before else None), (after[0] if after else None)

    async def related(self, post: Post) -> list[Post]:
        """Posts that share categories, then keywords, the most popular first; with the categories shared."""
        own = {category.id: category for category in post.categories}
        shared = {"categories": list(own), "keywords": list(post.keywords)}
        alike = (
            {**self._store.visible(), field: {"$in": values}, "_id": {"$ne": post.id}}
            for field, values in shared.items()
            if values
        )
        found = await asyncio.gather(
            *(self._store.found(query, COMPARED, sort=POPULAR, limit=MOST_ALIKE, known=own) for query in alike)
        )
        return ranked(post, {other.id: other for posts in found for other in posts}.values())
