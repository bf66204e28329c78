"""The documents of hits: one row for each page and day with their sums, and for each host the last batch read from its
log.

No line is counted twice and none is lost: a batch of counts and how far the log is read with it are stored in one
write, and only then added. Each row knows the last batch that it took from each host, so a batch that was added half
way is added again. Of two workers of a host at once only one can store the batch of a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from lib.documents import Document
from lib.mongo import ASCENDING, DESCENDING, DuplicateKey, IndexModel, UpdateOne
from models.hits.tally import ALL, Tally, rolled_up
from models.tools import Tools

DAYS_BY_PAGE = 366  # days for which each page's numbers are kept; those of all pages and of all days stay


@dataclass(frozen=True)
class Batch:
    """What one look at the log of a host found, and how far the log is read with it."""

    number: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)
    tallies: tuple[Tally, ...] = ()
    is_added: bool = True

    @classmethod
    def from_document(cls, document: Document) -> "Batch":
        tallies = tuple(Tally(*row) for row in document["tallies"])
        return cls(document["number"], document["positions"], tallies, document["is_added"])

    def to_document(self) -> Document:
        rows = [[t.day, t.page, t.hits, t.misses, t.reads] for t in self.tallies]
        return {"number": self.number, "positions": dict(self.positions), "tallies": rows, "is_added": self.is_added}


class HitDocuments:
    def __init__(self, tools: Tools) -> None:
        self._hits = tools.mongo["hits"]
        self._batches = tools.mongo["hit_batches"]
        self._host = tools.host
        self._clock = tools.clock

    async def create_indexes(self) -> None:
        by_asked = [("day", ASCENDING), ("asked", DESCENDING), ("page", ASCENDING)]
        await self._hits.create_indexes([IndexModel(by_asked), IndexModel([("page", ASCENDING), ("day", ASCENDING)])])

    async def total(self) -> Tally:
        """Of all pages on all days."""
        return next(iter(await self._found({"_id": _id(ALL, ALL)}, 1)), Tally())

    async def since(self) -> str | None:
        """The first day that was counted."""
        first = await self._found({"page": ALL, "day": {"$gt": ALL}}, 1, "day", ASCENDING)
        return first[0].day if first else None

    async def top(self, number: int) -> list[Tally]:
        """The pages most asked for."""
        return await self._found({"day": ALL, "page": {"$gt": ALL}}, number)

    async def days(self, number: int) -> list[Tally]:
        """All pages on each of the last days, today last."""
        today = self._clock().date()
        days = [(today - timedelta(days=n)).isoformat() for n in reversed(range(number))]
        found = {tally.day: tally for tally in await self._found({"page": ALL, "day": {"$in": days}}, number)}
        return [found.get(day, Tally(day)) for day in days]

    async def reads(self, prefix: str) -> dict[str, int]:
        """How often people read each page whose address begins so."""
        query = {"day": ALL, "page": {"$gte": prefix, "$lt": prefix + "\x7f"}, "reads": {"$gt": 0}}
        return {document["page"]: document["reads"] async for document in self._hits.find(query)}

    async def forget_old(self) -> int:
        """Removes what each page had on days long past. Returns how many rows."""
        oldest = (self._clock() - timedelta(days=DAYS_BY_PAGE)).date().isoformat()
        old = {"day": {"$gt": ALL, "$lt": oldest}, "page": {"$gt": ALL}}
        return (await self._hits.delete_many(old)).deleted_count

    async def last_batch(self) -> Batch:
        """The last batch of this host, added: its worker may have died after storing it."""
        document = await self._batches.find_one({"_id": self._host})
        batch = Batch.from_document(document) if document else Batch()
        if not batch.is_added:
            await self.add(batch)
        return batch

    async def store(self, batch: Batch) -> bool:
        """Stores a batch after the one before it. False if there is another of its number."""
        before = {"_id": self._host, "number": batch.number - 1}
        try:
            result = await self._batches.update_one(before, {"$set": batch.to_document()}, upsert=batch.number == 1)
        except DuplicateKey:
            return False
        return bool(result.matched_count or result.upserted_id)

    async def add(self, batch: Batch) -> None:
        """Adds a stored batch to all rows that do not have it yet."""
        if batch.tallies:
            rows = [_added(tally, self._host, batch.number) for tally in rolled_up(batch.tallies)]
            await self._hits.bulk_write(rows, ordered=False)
        await self._batches.update_one({"_id": self._host, "number": batch.number}, {"$set": {"is_added": True}})

    async def _found(self, query: Document, most: int, by: str = "asked", direction: int = DESCENDING) -> list[Tally]:
        cursor = self._hits.find(query).sort([(by, direction), ("page", ASCENDING)]).limit(most)
        return [
            Tally(*(row[name] for name in ("day", "page", "hits", "misses", "reads")))
            for row in await cursor.to_list(None)
        ]


def _added(tally: Tally, host: str, number: int) -> UpdateOne:
    """Adds a tally to its row, unless that has it: decided and done in one write."""
    taken = {"$ifNull": [f"$batches.{host}", 0]}
    is_new = {"$lt": [taken, number]}
    counts = {"hits": tally.hits, "misses": tally.misses, "reads": tally.reads, "asked": tally.asked}
    row: Document = {"day": {"$literal": tally.day}, "page": {"$literal": tally.page}}
    for name, count in counts.items():
        row[name] = {"$add": [{"$ifNull": [f"${name}", 0]}, {"$cond": [is_new, count, 0]}]}
    row[f"batches.{host}"] = {"$max": [taken, number]}
    return UpdateOne({"_id": _id(tally.day, tally.page)}, [{"$set": row}], upsert=True)


def _id(day: str, page: str) -> str:
    return f"{day} {page}"
