"""The one door to MongoDB: opens the database with Motor or, where chosen, with PyMongo's own asyncio client.

Both speak the same verbs; what differs between them (aggregating, closing) is settled here. Majority writes and
UTC dates are the client's defaults, so that no caller has to remember them.
"""

import asyncio
import inspect
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import ASCENDING, DESCENDING, IndexModel, ReplaceOne, UpdateOne, WriteConcern
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, NetworkTimeout, WaitQueueTimeoutError

__all__ = [
    "ALL_AT_ONCE",
    "ASCENDING",
    "DESCENDING",
    "Away",
    "Document",
    "DuplicateKey",
    "IndexModel",
    "Mongo",
    "ReplaceOne",
    "UpdateOne",
    "also",
    "insert_in_order",
    "taken_key",
]

Document = dict[str, Any]
DuplicateKey = DuplicateKeyError
Away = (AutoReconnect, NetworkTimeout, WaitQueueTimeoutError)  # ServerSelectionTimeoutError is an AutoReconnect
PATIENCE = 2  # seconds
ALL_AT_ONCE = 10_000  # documents in the first batch of a cursor, which has 101 unless told otherwise


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

    def __getitem__(self, name: str) -> Any:
        """A collection, in the driver's own asyncio words."""
        return self._database[name]

    def repeatable(self, name: str) -> Any:
        """The same, for writes that are not waited for until they are on disk: whoever lost them makes them again."""
        return self._database.get_collection(name, write_concern=WriteConcern(w=1))

    async def aggregate(self, name: str, pipeline: list[Document]) -> list[Document]:
        """Everything that a pipeline over a collection yields."""
        cursor = self._database[name].aggregate(pipeline)
        if inspect.isawaitable(cursor):
            cursor = await cursor
        documents: list[Document] = await cursor.to_list(None)
        return documents

    async def ping(self) -> None:
        """Returns where the server answers; raises one of `Away` where it does not."""
        await self._database.command("ping")

    async def settle(self) -> None:
        """Returns once all that can be read now is on disk: a read may be ahead of that, and a kill of the server take it.

        A majority write that changes nothing waits for the journal (tried: 100 of 100 lost without, none with it).
        """
        await self._database["settled"].update_one({"_id": 0}, {"$set": {"is_settled": True}})

    async def drop(self) -> None:
        """Throw the whole database away: for tests and benchmarks."""
        await self._client.drop_database(self._database.name)

    async def close(self) -> None:
        """Close the client; bounded, since closing waits long for a server that is gone."""
        closing = self._client.close()
        if inspect.isawaitable(closing):
            await asyncio.wait([asyncio.ensure_future(closing)], timeout=PATIENCE)


def also(name: str, *stages: Document) -> Document:
    """A stage that adds what other stages yield of a collection: several questions in one round trip."""
    return {"$unionWith": {"coll": name, "pipeline": list(stages)}}


async def insert_in_order(collection: Any, documents: list[Document]) -> tuple[int, Document]:
    """Insert documents one after the other, in one round trip, until one clashes with what is there.

    How many are stored now, and the fields of the unique index that the next one clashed with, and their values.
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
    """The fields of the unique index that a write clashed with, and the values that were taken."""
    key: Document = (error.details or {}).get("keyValue") or {}
    return key


def _client(driver: str) -> Any:
    if driver == "motor":
        from motor.motor_asyncio import AsyncIOMotorClient

        return AsyncIOMotorClient
    from pymongo import AsyncMongoClient

    return AsyncMongoClient
