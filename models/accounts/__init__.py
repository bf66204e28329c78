"""Accounts: who comments, moderates, owns.

A visitor's id lives in a signed cookie from the moment they might need one; their account is written with their first
act. Members sign in by a link that works once; a session is known by the hash of what its cookie carries.
"""

import asyncio

from lib import redis
from lib.channels import Event
from lib.mongo import DuplicateKey
from lib.tokens import digest, new_token
from models.accounts.account import (
    SESSION_LIFE,
    SESSIONS_CHANNEL,
    SPENT,
    Account,
    cleaned_email,
    cleaned_player_name,
    name_key,
)
from models.accounts.documents import AccountDocuments
from models.errors import Conflict, NotAllowed, NotFound
from models.tools import Tools

__all__ = ["SESSIONS_CHANNEL", "SESSION_LIFE", "SPENT", "Account", "Accounts", "session_id"]

PATIENCE = 1  # seconds for Redis to tell other processes


class Accounts:
    """All accounts. SITE_STAFF names addresses that are staff once they have signed in."""

    def __init__(self, tools: Tools) -> None:
        self._channels = tools.channels
        self._staff = tools.settings.staff
        self._title = tools.settings.title
        self.documents = AccountDocuments(tools)

    async def by_id(self, id: str) -> Account:
        """The account of an id, followed to the one that it was merged into."""
        account = await self.documents.find(id)
        if account is None:
            raise NotFound("There is no such account.")
        return account

    async def acting(self, id: str) -> Account:
        """The account of a visitor who does something; created with the first thing they do."""
        account = await self.documents.find(id)
        if account is not None:
            return account
        try:
            await self.documents.insert(id)
        except DuplicateKey:  # another act of theirs was faster
            return await self.by_id(id)
        return Account(id)

    async def rename(self, id: str, name: str) -> str:
        """Gives an account the name that others see in the quiz. Conflict if a member, staff or the site has it."""
        reserved = ("admin", "administrator", "moderator", "computer", self._title)
        name = cleaned_player_name(name, (*reserved, *await self.documents.staff_names()))
        key = name_key(name)
        if await self.documents.is_a_members_name(key, but=id):
            raise Conflict("name-taken", "A member has this name, or one that looks like it.")
        await self.documents.set_name(id, name, key)
        return name

    async def member(self, email: str) -> Account:
        """The member with this address, created if there is none."""
        email = cleaned_email(email)
        await self.documents.ensure_member(email)
        member = await self.documents.find_by_email(email)
        if member is None:
            raise NotFound("There is no such account.")
        return member

    async def make_staff(self, email: str) -> Account:
        member = await self.member(email)
        await self.documents.make_staff(member.id)
        return await self.by_id(member.id)

    async def signin_link(self, email: str) -> str:
        """The path of a link that signs this address in: once, within 15 minutes."""
        token = new_token()
        await self.documents.add_link(token, cleaned_email(email))
        return f"/signin/{token}"

    async def sign_in(self, token: str, visitor: str | None, agent: str) -> str:
        """Uses a link up and starts a session. Returns what the session cookie carries. NotAllowed if the link is
        spent.
        """
        email = await self.documents.use_link(token)
        if email is None:
            raise NotAllowed("link-spent", SPENT)
        member = await self._signed_in(email, visitor)
        secret = new_token()
        await self.documents.add_session(secret, member.id, agent)
        return secret

    async def sign_out(self, secret: str) -> None:
        await self.end_sessions(session_id(secret))

    async def end_sessions(self, *ids: str) -> None:
        """Ends sessions, and tells every process, which closes their live connections.

        While Redis is away nobody is told; a process then finds out when it looks again (handlers/live.py).
        """
        if not await self.documents.remove_sessions(ids):
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._channels.publish(Event(SESSIONS_CHANNEL, 0, {"ended": ids}))
        except (*redis.Away, TimeoutError):
            pass

    async def _signed_in(self, email: str, visitor: str | None) -> Account:
        """The member of this address. A new address turns the visitor's own account into the member, and nothing moves."""
        if visitor is not None:
            account = await self.acting(visitor)
            if await self.documents.find_by_email(email) is None:
                await self._become(account, email)
        member = await (self.make_staff(email) if email in self._staff else self.member(email))
        if visitor is not None and visitor != member.id:
            await self.documents.merge(visitor, member.id)
        return member

    async def _become(self, account: Account, email: str) -> None:
        try:
            await self.documents.set_email(account.id, email)
        except DuplicateKey:
            pass  # signed in elsewhere at the same moment: this account is merged instead


def session_id(secret: str) -> str:
    """What a session is stored under; it does not tell what its cookie carries."""
    return digest(secret)
