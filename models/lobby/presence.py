"""Who is here to play: each player has a lease of six seconds, held by the player's newest connection.

Every process renews the leases of its connections in one batch. A lease that runs out ends a seek; a player in a battle
is gone, and has fifteen seconds to come back.
"""

from collections.abc import Mapping

from lib.channels import Event
from lib.leases import Leases
from models.battles import Battles
from models.lobby.documents import LobbyDocuments
from models.tools import Tools

LIFE = 6000  # milliseconds of a lease
AFTER_CLOSE = 1000  # milliseconds: a reload of the page must not end a seek


class Presence:
    """The players who are connected to this process, and those of all whose leases run out."""

    def __init__(self, tools: Tools, documents: LobbyDocuments, battles: Battles, life: int = LIFE) -> None:
        self._documents = documents
        self._battles = battles
        self._channels = tools.channels
        self._leases = Leases(tools.redis, "player", life)
        self.here: dict[str, str] = {}  # the account of each connection of this process that plays

    async def enter(self, account: str, connection: str) -> None:
        """From now on this connection plays for this account; an older one is told that it was taken over."""
        previous = await self._leases.take(account, connection, await self._battles.writing.now())
        self.here[connection] = account
        if previous not in (None, connection):
            await self._channels.publish(told(account, {"type": "taken-over", "connection": previous}))
        await self._note_back(account)

    async def leave(self, connection: str) -> None:
        """After a connection was closed. A seek ends a second later; a battle waits for the whole lease."""
        account = self.here.get(connection)
        if account is None:
            return
        try:
            if await self._leases.holder(account) == connection:
                await self._documents.cancel_rematch(account)
            if await self._battles.documents.find_id_of(account) is None:
                now = await self._battles.writing.now()
                await self._leases.shorten(account, connection, now + AFTER_CLOSE)
        finally:
            self.here.pop(connection, None)

    async def count(self) -> int:
        """How many players are here, in all processes."""
        return await self._leases.count()

    async def renew(self) -> None:
        """Renews the leases of all players of this process."""
        held = [(account, connection) for connection, account in self.here.items()]
        for account in await self._leases.renew(held, await self._battles.writing.now()):
            await self._note_back(account)

    async def sweep(self) -> int:
        """Does what follows from leases that have run out, in whichever process. Returns how many did."""
        now = await self._battles.writing.now()
        number = 0
        for account in await self._leases.expired(now):
            if await self._leases.is_held(account, now):
                continue  # the player came back a moment ago
            await self._documents.unseek(account)
            await self._note_gone(account)
            number += await self._leases.settle(account, now)
            if await self._leases.is_held(account, now):
                await self._note_back(account)  # and now they would be away although they are here
        return number

    async def _note_gone(self, account: str) -> None:
        if id := await self._battles.documents.find_id_of(account):
            await self._battles.writing.note_gone(id, account)

    async def _note_back(self, account: str) -> None:
        if id := await self._battles.documents.find_id_of(account):
            await self._battles.writing.note_back(id, account)


def told(account: str, message: Mapping[str, object]) -> Event:
    """A message to all connections of one player."""
    return Event(f"player:{account}", 0, message)
