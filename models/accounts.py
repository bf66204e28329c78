"""Accounts: who comments, moderates, owns. Every author is an account id for ever, anonymous at first.

A visitor's id lives in a signed cookie from the moment they might need one; the account itself is written with their first
act. Members came in by a sign-in link: links work once, sessions are known by the hash of what the cookie carries.
"""

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from lib import redis
from lib.channels import Event
from lib.clock import Clock
from lib.ids import new_id
from lib.mongo import Document, DuplicateKey, IndexModel, Mongo, UpdateOne
from lib.tokens import digest, new_token
from models.errors import Invalid, NotAllowed, NotFound

LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=90)
SESSIONS_CHANNEL = "sessions"
PATIENCE = 1  # seconds, for Redis to tell other processes
LONGEST_WRITE = timedelta(minutes=1)  # what was sent before a sign-in is stored by then
SPENT = "This link has been used or is older than 15 minutes. Please ask for a new one."


@dataclass(frozen=True)
class Account:
    """Somebody. Without `email` it is an anonymous visitor, with one a member."""

    id: str
    name: str = ""
    email: str | None = None
    is_staff: bool = False
    merged_into: str | None = None

    @property
    def is_member(self) -> bool:
        return self.email is not None

    @classmethod
    def from_document(cls, document: Document) -> "Account":
        return cls(
            id=document["_id"],
            name=document.get("name", ""),
            email=document.get("email"),
            is_staff=document.get("is_staff", False),
            merged_into=document.get("merged_into"),
        )


class Channels(Protocol):
    """Where other processes are told; raises `redis.Away` where they cannot be."""

    def publish(self, *events: Event) -> Awaitable[None]: ...


class Accounts:
    """All accounts, the links that sign in, and the sessions of those who did."""

    def __init__(self, mongo: Mongo, channels: Channels, clock: Clock, staff: tuple[str, ...] = ()) -> None:
        self._accounts = mongo["accounts"]
        self._repeatable = mongo.repeatable("accounts")
        self._links = mongo["signin_links"]
        self._sessions = mongo["sessions"]
        self._channels = channels
        self._clock = clock
        self._staff = staff

    async def create_indexes(self) -> None:
        unique_email = IndexModel("email", unique=True, partialFilterExpression={"email": {"$type": "string"}})
        await self._accounts.create_indexes([unique_email, IndexModel("is_moved", sparse=True)])
        await self._links.create_indexes([IndexModel("expires", expireAfterSeconds=0)])
        await self._sessions.create_indexes([IndexModel("expires", expireAfterSeconds=0), IndexModel("account")])

    async def find(self, id: str) -> Account | None:
        """The account of an id, followed to whatever it was merged into; None before its first act."""
        document = await self._accounts.find_one({"_id": id})
        while document and document.get("merged_into"):
            document = await self._accounts.find_one({"_id": document["merged_into"]})
        return Account.from_document(document) if document else None

    async def by_id(self, id: str) -> Account:
        account = await self.find(id)
        if account is None:
            raise NotFound("There is no such account.")
        return account

    async def acting(self, id: str) -> Account:
        """The account of a visitor who does something for the first time or again: written now, where it was not yet."""
        account = await self.find(id)
        if account is not None:
            return account
        try:
            await self._accounts.insert_one({"_id": id, **self._fresh()})
        except DuplicateKey:  # it did something elsewhere in the same moment
            return await self.by_id(id)
        return Account(id)

    async def ensure(self, ids: Collection[str]) -> None:
        """Write the accounts of all who have just done something, where they are not there yet."""
        fresh = {"$setOnInsert": self._fresh()}
        writes = [UpdateOne({"_id": id}, fresh, upsert=True) for id in ids]
        await self._repeatable.bulk_write(writes, ordered=False)

    async def member(self, email: str) -> Account:
        """The member with this address, made where there is none."""
        email = _cleaned(email)
        fresh = {**self._fresh(), "_id": new_id()}
        try:
            await self._accounts.update_one({"email": email}, {"$setOnInsert": fresh}, upsert=True)
        except DuplicateKey:
            pass  # made by somebody else in the same moment
        return Account.from_document(await self._accounts.find_one({"email": email}))

    async def make_staff(self, email: str) -> Account:
        member = await self.member(email)
        await self._accounts.update_one({"_id": member.id}, {"$set": {"is_staff": True}})
        return await self.by_id(member.id)

    async def signin_link(self, email: str) -> str:
        """The path of a link that signs this address in: once, within 15 minutes. Only its hash is kept."""
        token = new_token()
        link = {"_id": digest(token), "email": _cleaned(email), "expires": self._clock() + LINK_LIFE}
        await self._links.insert_one(link)
        return f"/signin/{token}"

    async def has_link(self, token: str) -> bool:
        return await self._links.find_one(self._open_link(token)) is not None

    async def sign_in(self, token: str, visitor: str | None, agent: str) -> str:
        """Use a link up and start a session: what the session cookie is to carry. NotAllowed where the link is spent."""
        link = await self._links.find_one_and_delete(self._open_link(token))
        if link is None:
            raise NotAllowed("link-spent", SPENT)
        member = await self._signed_in(link["email"], visitor)
        return await self._start_session(member, agent)

    async def of_session(self, secret: str) -> Account | None:
        """Who is signed in with this session, if it still runs."""
        session = await self._sessions.find_one({"_id": session_id(secret), "expires": {"$gt": self._clock()}})
        return await self.find(session["account"]) if session else None

    async def sign_out(self, secret: str) -> None:
        await self.end_sessions(session_id(secret))

    async def end_sessions(self, *ids: str) -> None:
        """End sessions, and tell every process, which closes their live connections.

        Where Redis is away nobody is told; a process then finds out when it looks again (handlers/live.py).
        """
        ended = await self._sessions.delete_many({"_id": {"$in": ids}})
        if not ended.deleted_count:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._channels.publish(Event(SESSIONS_CHANNEL, 0, {"ended": ids}))
        except redis.Away:
            pass

    async def _start_session(self, member: Account, agent: str) -> str:
        secret = new_token()
        now = self._clock()
        session = {"account": member.id, "agent": agent[:300], "created": now, "expires": now + SESSION_LIFE}
        await self._sessions.insert_one({"_id": session_id(secret), **session})
        return secret

    async def _signed_in(self, email: str, visitor: str | None) -> Account:
        """The member of this address. A new address turns the visitor's own account into the member, and nothing moves."""
        known = await self._accounts.find_one({"email": email})
        if visitor is not None:
            account = await self.acting(visitor)
            if known is None:
                await self._become(account, email)
        member = await (self.make_staff(email) if email in self._staff else self.member(email))
        if visitor is not None and visitor != member.id:
            await self._merge(visitor, member)
        return member

    async def _become(self, account: Account, email: str) -> None:
        change = {"$set": {"email": email}}
        try:
            await self._accounts.update_one({"_id": account.id, "email": None}, change)
        except DuplicateKey:
            pass  # signed in elsewhere in the same moment: this account will be merged instead

    async def _merge(self, visitor: str, member: Account) -> None:
        """Mark an anonymous account as this member's; a member's own account is never merged into another."""
        anonymous = {"_id": visitor, "email": None, "merged_into": None}
        merged = {"merged_into": member.id, "merged_at": self._clock(), "is_moved": False}
        await self._accounts.update_one(anonymous, {"$set": merged})

    async def merged(self) -> list[Account]:
        """Merged accounts whose comments are still to be moved to their member, or may still arrive."""
        documents = await self._accounts.find({"is_moved": False}).limit(100).to_list(None)
        return [Account.from_document(document) for document in documents]

    async def mark_moved(self, account: Account) -> None:
        """Nothing is left to move; not before a minute: another tab may have sent a comment just before the sign-in."""
        is_settled = {"$not": {"$gt": self._clock() - LONGEST_WRITE}}
        await self._accounts.update_one({"_id": account.id, "merged_at": is_settled}, {"$unset": {"is_moved": ""}})

    def _open_link(self, token: str) -> Document:
        return {"_id": digest(token), "expires": {"$gt": self._clock()}}

    def _fresh(self) -> dict[str, Any]:
        return {"name": "", "is_staff": False, "merged_into": None, "created": self._clock()}


def session_id(secret: str) -> str:
    """What a session is known by, without telling what its cookie carries."""
    return digest(secret)


def _cleaned(email: str) -> str:
    """The address as it is kept; Invalid where it cannot be one. How letters will find out whether it is real."""
    email = email.strip().lower()
    local, _, domain = email.rpartition("@")
    if not local or "." not in domain or any(c.isspace() or ord(c) < 32 for c in email) or len(email) > 254:
        raise Invalid({"email": f"{email[:100]!r} is not an e-mail address."})
    return email
