"""All counts of hits: nginx writes a line for each, where no process is asked, and the worker adds them up here.

Nothing is counted twice, and nothing is lost: a batch of counts and how far the log is read with it are stored in one
write, and only then added. Each row knows the last batch that it took from each host, so a batch may be added again by
whoever finds it half added. Two workers at once take turns: only one can store the batch of a number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lib.clock import Clock
from lib.logfollower import LogFollower
from lib.mongo import ASCENDING, DESCENDING, Document, DuplicateKey, IndexModel, Mongo, UpdateOne
from models.hits.tally import ALL, Tally, rolled_up, tallies_in

LARGEST_LOG = 16_000_000  # bytes, before it is put aside
MOST_LINES = 20_000  # after which a look ends; there is one every two seconds
SILENT = 60.0  # seconds after which nginx is surely done with a log that was put aside
DAYS_BY_PAGE = 366  # days for which each page's numbers are kept; those of all pages and of all days stay


@dataclass(frozen=True)
class Batch:
    """What one look at the log of a host found, and how far it is read with that."""

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


class Hits:
    """All counts, and the log of this host that they come from."""

    def __init__(self, mongo: Mongo, log: LogFollower, host: str, clock: Clock) -> None:
        self._mongo = mongo
        self._hits = mongo["hits"]
        self._batches = mongo["hit_batches"]
        self._log = log
        self._host = host
        self._clock = clock

    async def create_indexes(self) -> None:
        by_asked = [("day", ASCENDING), ("asked", DESCENDING), ("page", ASCENDING)]
        await self._hits.create_indexes([IndexModel(by_asked), IndexModel([("page", ASCENDING), ("day", ASCENDING)])])

    async def count(self) -> None:
        """Count what this host's log has that was not counted yet, and keep that log small.

        Not all of a flood at once: a core that counts serves nobody. The rest is counted when it is over.
        """
        batch, counted = await self._last(), 0
        while counted < MOST_LINES and (reading := self._log.read(batch.positions)):
            counted += len(reading.lines)
            batch = Batch(batch.number + 1, reading.positions, tallies_in(reading.lines), is_added=False)
            if not await self._store(batch):
                return  # another worker of this host was faster
            await self._add(batch)
        self._log.put_aside(LARGEST_LOG)  # the worker asks nginx for a new one
        self._log.remove_read(batch.positions, SILENT)

    async def forget_old(self) -> int:
        """Forget what each page had on days long past."""
        oldest = (self._clock() - timedelta(days=DAYS_BY_PAGE)).date().isoformat()
        result = await self._hits.delete_many({"day": {"$gt": ALL, "$lt": oldest}, "page": {"$gt": ALL}})
        return int(result.deleted_count)

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

    async def _found(self, query: Document, most: int, by: str = "asked", direction: int = DESCENDING) -> list[Tally]:
        documents = await self._hits.find(query).sort([(by, direction), ("page", ASCENDING)]).limit(most).to_list(None)
        return [Tally(*(row[name] for name in ("day", "page", "hits", "misses", "reads"))) for row in documents]

    async def _last(self) -> Batch:
        """The last batch of this host, added: whoever stored it may have died."""
        document = await self._batches.find_one({"_id": self._host})
        batch = Batch.from_document(document) if document else Batch()
        if not batch.is_added:
            await self._add(batch)
        return batch

    async def _store(self, batch: Batch) -> bool:
        """Store a batch after the one before it; False where there is another of its number."""
        before = {"_id": self._host, "number": batch.number - 1}
        try:
            result = await self._batches.update_one(before, {"$set": batch.to_document()}, upsert=batch.number == 1)
        except DuplicateKey:
            return False
        return bool(result.matched_count or result.upserted_id)

    async def _add(self, batch: Batch) -> None:
        if batch.tallies:
            rows = [_added(tally, self._host, batch.number) for tally in rolled_up(batch.tallies)]
            await self._hits.bulk_write(rows, ordered=False)
        stored = {"_id": self._host, "number": batch.number}
        await self._batches.update_one(stored, {"$set": {"is_added": True}})


def _added(tally: Tally, host: str, number: int) -> UpdateOne:
    """Adds a tally to its row, unless that has it: decided and done in one write."""
    taken = {"$ifNull": [f"$batches.{host}", 0]}
    is_new = {"$lt": [taken, number]}
    counts = {"hits": tally.hits, "misses": tally.misses, "reads": tally.reads, "asked": tally.asked}
    row: dict[str, Any] = {"day": {"$literal": tally.day}, "page": {"$literal": tally.page}}
    for name, count in counts.items():
        row[name] = {"$add": [{"$ifNull": [f"${name}", 0]}, {"$cond": [is_new, count, 0]}]}
    row[f"batches.{host}"] = {"$max": [taken, number]}
    return UpdateOne({"_id": _id(tally.day, tally.page)}, [{"$set": row}], upsert=True)


def _id(day: str, page: str) -> str:
    return f"{day} {page}"
