"""The only importer of MongoDB's drivers: opens the database with Motor or, by setting, with PyMongo's asyncio client.

Both have the same methods, which `Collection` and `Cursor` describe for the type checker; the differences (aggregate,
close) are hidden here. Majority writes and UTC dates are the client's defaults, so that no caller has to remember them.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Any, Protocol, cast

from bson.codec_options import CodecOptions
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, NetworkTimeout, WaitQueueTimeoutError
from pymongo.results import BulkWriteResult, DeleteResult, InsertManyResult, InsertOneResult, UpdateResult

from lib.documents import Document

__all__ = [
    "ALL_AT_ONCE",
    "ASCENDING",
    "DESCENDING",
    "Away",
    "Collection",
    "Document",
    "DuplicateKey",
    "IndexModel",
    "Mongo",
    "UpdateOne",
    "also",
    "insert_in_order",
    "taken_key",
]

DuplicateKey = DuplicateKeyError
Away = (AutoReconnect, NetworkTimeout, WaitQueueTimeoutError)  # ServerSelectionTimeoutError is an AutoReconnect
PATIENCE = 2  # seconds to connect, find a server, or close
ALL_AT_ONCE = 10_000  # documents in a cursor's first batch, whose default is 101: one round trip instead of two
Query = Mapping[str, Any]
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Sort = Sequence[tuple[str, int]]


class Cursor(Protocol):
    """The documents that a query finds, read in batches."""

    def sort(self, keys: Sort, /) -> "Cursor": ...
    def skip(self, number: int, /) -> "Cursor": ...
    def limit(self, number: int, /) -> "Cursor": ...
    def batch_size(self, number: int, /) -> "Cursor": ...
    def to_list(self, length: int | None, /) -> Awaitable[list[Document]]: ...
    def __aiter__(self) -> AsyncIterator[Document]: ...


class Collection(Protocol):
    """The methods of a collection that Plog uses, as both drivers have them. Each may raise one of `Away`."""

    def find(self, query: Query, fields: Query | Sequence[str] | None = None, /) -> Cursor: ...
    def find_one(
        self, query: Query, fields: Query | Sequence[str] | None = None, /, *, sort: Sort | None = None, skip: int = 0
    ) -> Awaitable[Document | None]: ...
    def count_documents(self, query: Query, /) -> Awaitable[int]: ...
    def find_one_and_delete(self, query: Query, /) -> Awaitable[Document | None]: ...
    def insert_one(self, document: Document, /) -> Awaitable[InsertOneResult]: ...
    def insert_many(self, documents: Sequence[Document], /) -> Awaitable[InsertManyResult]: ...
    def update_one(self, query: Query, update: Update, /, *, upsert: bool = False) -> Awaitable[UpdateResult]: ...
    def update_many(self, query: Query, update: Update, /) -> Awaitable[UpdateResult]: ...
    def delete_one(self, query: Query, /) -> Awaitable[DeleteResult]: ...
    def delete_many(self, query: Query, /) -> Awaitable[DeleteResult]: ...
    def bulk_write(self, writes: Sequence[UpdateOne], /, *, ordered: bool = True) -> Awaitable[BulkWriteResult]: ...
    def create_indexes(self, indexes: Sequence[IndexModel], /) -> Awaitable[list[str]]: ...


class Mongo:
    """One client and its database (the one that the address names, else `plog`)."""

    def __init__(self, url: str, driver: str = "motor") -> None:
        self._client = _client(driver)(
            url,
            w="majority",
            tz_aware=True,
            serverSelectionTimeoutMS=PATIENCE * 1000,
            connectTimeoutMS=PATIENCE * 1000,
            socketTimeoutMS=30_000,
        )
        self._database = self._client.get_default_database("plog", codec_options=CodecOptions(tz_aware=True))

    def __getitem__(self, name: str) -> Collection:
        return cast(Collection, self._database[name])

    def repeatable(self, name: str) -> Collection:
        """Returns a collection whose writes do not wait for the journal: for idempotent writes, retried if lost."""
        return cast(Collection, self._database.get_collection(name, write_concern=WriteConcern(w=1)))

    async def aggregate(self, name: str, pipeline: list[Document]) -> list[Document]:
        """Returns all documents that a pipeline over a collection yields."""
        cursor = self._database[name].aggregate(pipeline)
        if inspect.isawaitable(cursor):
            cursor = await cursor
        documents: list[Document] = await cursor.to_list(None)
        return documents

    async def ping(self) -> None:
        """Raises one of `Away` if the server does not answer."""
        await self._database.command("ping")

    async def settle(self) -> None:
        """Journal barrier: waits until everything readable so far is durable. A killed server may lose what is not.

        A majority write that changes nothing waits for the journal. Measured with a killed server: 100 of 100 writes
        lost without the barrier, none with it.
        """
        await self._database["settled"].update_one({"_id": 0}, {"$set": {"is_settled": True}})

    async def drop(self) -> None:
        """Drops the whole database, for tests and benchmarks."""
        await self._client.drop_database(self._database.name)

    async def close(self) -> None:
        """Closes the client. Waits `PATIENCE` at most, because closing takes long if the server is gone."""
        closing = self._client.close()
        if inspect.isawaitable(closing):
            await asyncio.wait([asyncio.ensure_future(closing)], timeout=PATIENCE)


def also(name: str, *stages: Document) -> Document:
    """Returns a pipeline stage that appends the results of stages over another collection, in the same round trip."""
    return {"$unionWith": {"coll": name, "pipeline": list(stages)}}


async def insert_in_order(collection: Collection, documents: list[Document]) -> tuple[int, Document]:
    """Inserts documents in order, in one round trip, up to the first duplicate key.

    Returns how many were inserted, and the unique index's fields and values that the next one clashed with (empty if
    none did).
    """
    try:
        await collection.insert_many(documents)
    except BulkWriteError as error:
        details = error.details or {}
        failed: Document = next(iter(details.get("writeErrors", ())), {})
        if "keyValue" not in failed or details.get("writeConcernErrors"):
            raise
        return failed["index"], failed["keyValue"]
    return len(documents), {}


def taken_key(error: DuplicateKeyError) -> Document:
    """Returns the fields and values of the unique index that a write clashed with."""
    key: Document = (error.details or {}).get("keyValue") or {}
    return key


def _client(driver: str) -> Any:
    if driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient
    from pymongo import AsyncMongoClient

    return AsyncMongoClient
