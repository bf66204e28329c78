"""Commands to MongoDB as they were recorded, and how a bare handler repeats them. Knows nothing of the site."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pymongo import UpdateMany, UpdateOne, WriteConcern

from lib.ids import new_id
from lib.mongo import Document, Mongo

READS = ("find", "getMore", "aggregate")
BY_DRIVER = {
    "lsid",
    "$db",
    "$readPreference",
    "$clusterTime",
    "txnNumber",
}  # fields that the driver adds to every command
OF_FIND = {"find", "filter", "projection", "sort", "skip", "limit", "batchSize", "singleBatch"}
OF_AGGREGATE = {"aggregate", "pipeline", "cursor"}
OF_INSERT = {"insert", "documents", "ordered", "writeConcern"}
OF_UPDATE = {"update", "updates", "ordered", "writeConcern"}
MARK = 1_000_000  # a recorded n that occurs nowhere else in a command; each repetition replaces it by its own
Fresh = dict[Any, Any]


@dataclass(frozen=True)
class Command:
    """One command as it was sent, with the times when it began and ended (seconds)."""

    verb: str
    collection: str
    words: Document
    began: float = 0.0
    ended: float = 0.0

    @property
    def is_read(self) -> bool:
        return self.verb in READS


@dataclass(frozen=True)
class Task:
    """What a bare handler does for one address: rounds of commands, each sent at once; an answer; more rounds."""

    body: bytes
    rounds: tuple[tuple[Command, ...], ...] = ()
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    afterwards: tuple[tuple[Command, ...], ...] = ()

    def fresh(self, number: int) -> Fresh:
        """Maps values that must be unique in MongoDB, inserted ids and MARK, to the values of one repetition."""
        ids = made_ids(command for commands in (*self.rounds, *self.afterwards) for command in commands)
        return {**{id: new_id() for id in ids}, MARK: MARK + number} if ids else {}


@dataclass(frozen=True)
class Tasks:
    """All tasks of a bare process by path, and the database that they use."""

    by_path: dict[str, Task] = field(default_factory=dict)
    mongo_url: str = ""
    driver: str = "motor"


def rounds(commands: Iterable[Command]) -> tuple[tuple[Command, ...], ...]:
    """Groups commands into rounds: each command was sent after a command of the round before was answered."""
    ordered: list[list[Command]] = []
    for command in sorted(commands, key=lambda c: c.began):
        waited = [n for n, earlier in enumerate(ordered) if any(c.ended <= command.began for c in earlier)]
        place = max(waited, default=-1) + 1
        ordered += [[]] if place == len(ordered) else []
        ordered[place].append(command)
    return tuple(map(tuple, ordered))


def made_ids(commands: Iterable[Command]) -> list[Any]:
    """Returns the ids of all documents that these commands insert."""
    found: list[Any] = []
    for command in commands:
        found += [document["_id"] for document in command.words.get("documents", ())]
        found += [one["q"]["_id"] for one in command.words.get("updates", ()) if one.get("upsert")]
    return found


async def repeated(mongo: Mongo, command: Command, fresh: Fresh) -> None:
    """Sends a command again through the driver. Raises NotImplementedError for a command that it does not know."""
    words = {name: value for name, value in command.words.items() if name not in BY_DRIVER}
    collection = mongo[command.collection]
    if command.verb == "find" and words.keys() <= OF_FIND:
        await _found(collection, words)
    elif command.verb == "aggregate" and words.keys() <= OF_AGGREGATE:
        await mongo.aggregate(command.collection, words["pipeline"])
    elif command.verb == "insert" and words.keys() <= OF_INSERT:
        await _inserted(_as_safe(collection, words), renewed(words["documents"], fresh))
    elif command.verb == "update" and words.keys() <= OF_UPDATE:
        await _updated(_as_safe(collection, words), renewed(words["updates"], fresh))
    elif command.verb != "getMore":  # the cursor of a find sends it
        raise NotImplementedError(f"the bare handler cannot repeat {command.verb} with {', '.join(words)}")


def renewed(value: Any, fresh: Fresh) -> Any:
    """Returns the value with everything in `fresh` replaced, at any depth."""
    if isinstance(value, dict):
        return {name: renewed(one, fresh) for name, one in value.items()}
    if isinstance(value, list):
        return [renewed(one, fresh) for one in value]
    return fresh.get(value, value)


def _found(collection: Any, words: Document) -> Awaitable[Any]:
    options = {"filter": words.get("filter"), "projection": words.get("projection"), "skip": words.get("skip", 0)}
    options["sort"] = list(words["sort"].items()) if "sort" in words else None
    if words.get("singleBatch"):
        found: Awaitable[Any] = collection.find_one(**options)
        return found
    cursor = collection.find(**options, limit=words.get("limit", 0), batch_size=words.get("batchSize", 0))
    everything: Awaitable[Any] = cursor.to_list(None)
    return everything


def _as_safe(collection: Any, words: Document) -> Any:
    """Returns the collection with the command's write concern."""
    return collection.with_options(write_concern=WriteConcern(**words.get("writeConcern", {})))


def _inserted(collection: Any, documents: list[Document]) -> Awaitable[Any]:
    many: Awaitable[Any] = collection.insert_many(documents) if documents[1:] else collection.insert_one(documents[0])
    return many


def _updated(collection: Any, updates: list[Document]) -> Awaitable[Any]:
    one, *others = updates
    kinds = {True: (collection.update_many, UpdateMany), False: (collection.update_one, UpdateOne)}
    if not others:
        changed: Awaitable[Any] = kinds[one["multi"]][0](one["q"], one["u"], upsert=one["upsert"])
    else:
        changed = collection.bulk_write([kinds[u["multi"]][1](u["q"], u["u"], upsert=u["upsert"]) for u in updates])
    return changed
