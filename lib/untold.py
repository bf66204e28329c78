"""The outbox's entries in the documents of one collection: which consequences of which change are still to be carried
out. Each word's `documents.py` opens its collection and hands it in here.

A change and the fact that the world has not heard of it are one write: it appends an entry `{kind, revision}` to the
document's `untold` for each kind of consequence, and sets `changed`. An entry is removed once that consequence of that
revision is done.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, TypeVar

from lib.clock import Clock
from lib.documents import Document, Malformed
from lib.mongo import ASCENDING, Collection, IndexModel

REPEATED_AFTER = timedelta(seconds=5)  # by then whoever made the change has carried out its consequences, or died
MOST_AT_ONCE = 1000

Kinds = frozenset[str]
Thing = TypeVar("Thing")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consequence:
    """What follows from revision `revision` of document `id`. It may be carried out twice, so that must do no harm.

    `is_for_worker`: only the worker can carry it out.
    """

    kind: ClassVar[str]
    is_for_worker: ClassVar[bool] = False

    id: str
    revision: int


class Untold:
    """The entries of one collection, whose idempotent writes go to `repeatable`.

    `consequences` are all that its documents may have; `older` adds fields to adopted entries.
    """

    def __init__(
        self,
        collection: Collection,
        repeatable: Collection,
        clock: Clock,
        consequences: Sequence[type[Consequence]],
        older: Document | None = None,
    ) -> None:
        self._collection = collection
        self._repeatable = repeatable
        self._clock = clock
        self._kinds = [consequence.kind for consequence in consequences]
        self._worker_kinds = Kinds(consequence.kind for consequence in consequences if consequence.is_for_worker)
        self._older = older or {}
        self._malformed: set[str] = set()

    @property
    def web_kinds(self) -> Kinds:
        """The kinds that every process can carry out."""
        return Kinds(self._kinds) - self._worker_kinds

    @property
    def indexes(self) -> list[IndexModel]:
        """Only documents with entries are in them, so they stay small. The second serves `adopt` alone."""
        return [
            IndexModel("changed", partialFilterExpression={"untold.0": {"$exists": True}}),
            IndexModel("told", partialFilterExpression={"told": False}),
        ]

    def entries(self, revision: int, consequences: Iterable[type[Consequence]], **fields: object) -> list[Document]:
        """One entry for each kind of consequence that revision `revision` has: one that it has not would stay for
        ever.
        """
        return [{"kind": consequence.kind, "revision": revision, **fields} for consequence in consequences]

    async def documents(self, kinds: Kinds, query: Document | None = None) -> list[Document]:
        """Documents with entries of these kinds that `query` finds; longest waiting first.

        Only those that were changed 5 s ago or earlier, unless the kinds are the worker's own: no web process is
        carrying them out. Entries of unknown kinds are left alone: they are a newer version's.
        """
        due: Document = {"untold.0": {"$exists": True}, "untold.kind": {"$in": sorted(kinds)}}
        if not kinds <= self._worker_kinds:
            due["changed"] = {"$lt": self._clock() - REPEATED_AFTER}
        found = self._collection.find({**due, **(query or {})})
        return await found.sort([("changed", ASCENDING)]).limit(MOST_AT_ONCE).to_list(None)

    def readable(
        self, documents: Iterable[Document], read: Callable[[Document], Thing]
    ) -> Iterator[tuple[Thing, Document]]:
        """What can be read of these documents, each with its document. A malformed one is logged once and holds up no
        other.
        """
        for document in documents:
            try:
                yield read(document), document
            except Malformed as error:
                if document["_id"] not in self._malformed:
                    logger.error("document %s is malformed, so its consequences wait: %s", document["_id"], error)
                self._malformed.add(document["_id"])

    async def remove(self, done: Iterable[Consequence]) -> None:
        """Removes the entries of these consequences: one write for all of the same kinds and revision, as new documents
        are.
        """
        kinds_by_change: dict[tuple[str, int], set[str]] = defaultdict(set)
        for one in done:
            kinds_by_change[one.id, one.revision].add(one.kind)
        ids: dict[tuple[int, tuple[str, ...]], list[str]] = defaultdict(list)
        for (id, revision), kinds in kinds_by_change.items():
            ids[revision, tuple(sorted(kinds))].append(id)
        for (revision, kinds_done), those in ids.items():
            entries = {"kind": {"$in": kinds_done}, "revision": {"$lte": revision}}
            await self._repeatable.update_many({"_id": {"$in": those}}, {"$pull": {"untold": entries}})

    async def adopt(self) -> None:
        """Gives documents of the version before, whose outbox was one field `told: false`, an entry of each kind."""
        revision = {"$ifNull": ["$revision", 0]}
        entries = [{"kind": {"$literal": kind}, "revision": revision, **self._older} for kind in self._kinds]
        untold = {"$concatArrays": [{"$ifNull": ["$untold", []]}, entries]}
        changed = {"$ifNull": ["$changed", self._clock() - 2 * REPEATED_AFTER]}  # categories had no such field
        left = {"told": False, "changed": {"$not": {"$gte": self._clock() - REPEATED_AFTER}}}
        adopted = {"$set": {"untold": untold, "changed": changed}}
        await self._collection.update_many(left, [adopted, {"$unset": "told"}])


def kinds_of(document: Document) -> Kinds:
    """The kinds of consequences that this document has entries for."""
    return Kinds(entry["kind"] for entry in document["untold"])
