"""The documents of accounts, of sign-in links and of sessions. Links and sessions are stored under the hash of their
secret.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from lib.documents import Document, Shape
from lib.ids import new_id
from lib.mongo import DuplicateKey, IndexModel, UpdateOne
from lib.tokens import digest
from models.accounts.account import LINK_LIFE, SESSION_LIFE, Account
from models.tools import Tools

ACCOUNT = Shape(Account, {"id": "_id"})
LONGEST_AGENT = 300
LONGEST_WRITE = timedelta(minutes=1)  # what was sent before a sign-in is stored by then
MOST_MERGED = 100  # accounts in one answer


class AccountDocuments:
    def __init__(self, tools: Tools) -> None:
        self._accounts = tools.mongo["accounts"]
        self._repeatable = tools.mongo.repeatable("accounts")
        self._links = tools.mongo["signin_links"]
        self._sessions = tools.mongo["sessions"]
        self._clock = tools.clock

    async def create_indexes(self) -> None:
        unique_email = IndexModel("email", unique=True, partialFilterExpression={"email": {"$type": "string"}})
        named = IndexModel("name_key", sparse=True)
        staff = IndexModel("is_staff", partialFilterExpression={"is_staff": True})
        await self._accounts.create_indexes([unique_email, IndexModel("is_moved", sparse=True), named, staff])
        await self._links.create_indexes([IndexModel("expires", expireAfterSeconds=0)])
        await self._sessions.create_indexes([IndexModel("expires", expireAfterSeconds=0), IndexModel("account")])

    async def by_ids(self, ids: Collection[str]) -> dict[str, Account]:
        """Accounts by the ids that were asked for; those that were merged are followed."""
        found = await self._accounts.find({"_id": {"$in": list(ids)}}).to_list(None)
        accounts = {document["_id"]: ACCOUNT.read(document) for document in found}
        for id, account in accounts.items():
            if account.merged_into:
                accounts[id] = await self.find(id) or account
        return accounts

    async def find(self, id: str) -> Account | None:
        """The account of an id, followed to the one that it was merged into. None before its first act."""
        document = await self._accounts.find_one({"_id": id})
        while document and document.get("merged_into"):
            document = await self._accounts.find_one({"_id": document["merged_into"]})
        return ACCOUNT.read(document) if document else None

    async def find_by_email(self, email: str) -> Account | None:
        document = await self._accounts.find_one({"email": email})
        return ACCOUNT.read(document) if document else None

    async def is_a_members_name(self, key: str, but: str) -> bool:
        """Whether a member other than this account has a name that looks like this one."""
        query = {"name_key": key, "email": {"$type": "string"}, "_id": {"$ne": but}}
        return await self._accounts.find_one(query, {"_id": 1}) is not None

    async def set_name(self, id: str, name: str, key: str) -> None:
        await self._accounts.update_one({"_id": id}, {"$set": {"name": name, "name_key": key}})

    async def staff_names(self) -> list[str]:
        found = await self._accounts.find({"is_staff": True}, {"name": 1}).to_list(None)
        return [document["name"] for document in found if document.get("name")]

    async def merged(self) -> list[Account]:
        """Merged accounts whose comments are still to be moved to their member, or may still arrive."""
        found = self._accounts.find({"is_moved": False}).limit(MOST_MERGED)
        return [ACCOUNT.read(document) for document in await found.to_list(None)]

    async def ensure(self, ids: Collection[str]) -> None:
        """Creates those accounts that do not exist. Safe to repeat."""
        fresh = {"$setOnInsert": self._fresh()}
        writes = [UpdateOne({"_id": id}, fresh, upsert=True) for id in ids]
        await self._repeatable.bulk_write(writes, ordered=False)

    async def insert(self, id: str) -> None:
        """DuplicateKey if it exists."""
        await self._accounts.insert_one({"_id": id, **self._fresh()})

    async def ensure_member(self, email: str) -> None:
        """Creates a member with this address if there is none."""
        try:
            fresh = {**self._fresh(), "_id": new_id()}
            await self._accounts.update_one({"email": email}, {"$setOnInsert": fresh}, upsert=True)
        except DuplicateKey:
            pass  # created by somebody else at the same moment

    async def make_staff(self, id: str) -> None:
        await self._accounts.update_one({"_id": id}, {"$set": {"is_staff": True}})

    async def set_email(self, id: str, email: str) -> None:
        """Turns an anonymous account into a member. DuplicateKey if another account has the address."""
        await self._accounts.update_one({"_id": id, "email": None}, {"$set": {"email": email}})

    async def merge(self, visitor: str, member: str) -> None:
        """Marks an anonymous account as merged into a member's; a member's own account is never merged into another."""
        anonymous = {"_id": visitor, "email": None, "merged_into": None}
        merged = {"merged_into": member, "merged_at": self._clock(), "is_moved": False}
        await self._accounts.update_one(anonymous, {"$set": merged})

    async def mark_moved(self, id: str) -> None:
        """Nothing is left to move. Not before a minute: another tab may have sent a comment just before the sign-in."""
        is_settled = {"$not": {"$gt": self._clock() - LONGEST_WRITE}}
        await self._accounts.update_one({"_id": id, "merged_at": is_settled}, {"$unset": {"is_moved": ""}})

    # Sign-in links and sessions

    async def add_link(self, token: str, email: str) -> None:
        await self._links.insert_one({"_id": digest(token), "email": email, "expires": self._clock() + LINK_LIFE})

    async def has_link(self, token: str) -> bool:
        return await self._links.find_one(self._open(token)) is not None

    async def use_link(self, token: str) -> str | None:
        """The e-mail address of a link, which is spent from now on. None if there is no such link."""
        link = await self._links.find_one_and_delete(self._open(token))
        return str(link["email"]) if link else None

    async def add_session(self, secret: str, account: str, agent: str) -> None:
        now = self._clock()
        session = {"account": account, "agent": agent[:LONGEST_AGENT], "created": now, "expires": now + SESSION_LIFE}
        await self._sessions.insert_one({"_id": digest(secret), **session})

    async def account_of_session(self, secret: str) -> Account | None:
        session = await self._sessions.find_one(self._open(secret))
        return await self.find(session["account"]) if session else None

    async def remove_sessions(self, ids: Collection[str]) -> bool:
        """Whether there was any of these."""
        return (await self._sessions.delete_many({"_id": {"$in": list(ids)}})).deleted_count > 0

    def _open(self, secret: str) -> Document:
        return {"_id": digest(secret), "expires": {"$gt": self._clock()}}

    def _fresh(self) -> dict[str, str | bool | datetime | None]:
        return {"name": "", "is_staff": False, "merged_into": None, "created": self._clock()}
