"""The lobby: where strangers who want to play find each other, whichever processes they are connected to."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lib import redis
from models.accounts import Accounts
from models.battles import DEFAULT, Battles, Record, Rules
from models.chores import every
from models.errors import SiteError
from models.lobby.documents import LobbyDocuments, Seeker
from models.lobby.presence import Presence, told
from models.lobby.writing import LobbyWriting, player_name
from models.points import Points, Standing
from models.questions import Questions
from models.tools import Tools

__all__ = ["Lobby", "Presence", "Seeker", "player_name", "rules_of", "told"]

SWEEP_SECONDS = 0.5
RENEW_SECONDS = 2.0  # a third of a lease


class Lobby:
    """Everybody who waits for an opponent."""

    def __init__(
        self, tools: Tools, accounts: Accounts, battles: Battles, questions: Questions, points: Points
    ) -> None:
        self.documents = LobbyDocuments(tools)
        self.presence = Presence(tools, self.documents, battles)
        self.writing = LobbyWriting(tools, self.documents, self.presence, accounts, battles, questions)
        self._battles = battles
        self._points = points
        self._channels = tools.channels
        self._running: asyncio.Future[Any] | None = None

    def start(self) -> None:
        """Begins what every public process does for the quiz: any of them may be the last one left."""
        self._running = asyncio.gather(
            every(SWEEP_SECONDS, self.note_absent),
            every(SWEEP_SECONDS, self.pass_time),
            every(SWEEP_SECONDS, self.start_stranded),
            every(SWEEP_SECONDS, self.keep_finished),
            every(RENEW_SECONDS, self.presence.renew),
        )

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    # Each of these goes on by itself: what fails in one delays no other. None is logged for what it has done.

    async def note_absent(self) -> None:
        await self.presence.sweep()

    async def pass_time(self) -> None:
        await self._battles.writing.sweep()

    async def start_stranded(self) -> None:
        await self.writing.start_stranded(rules_of)

    async def keep_finished(self) -> None:
        """Moves battles that are over to MongoDB, and tells their players where they stand now."""
        for record, standings in await self._battles.writing.keep_finished(self._points.count):
            await self._tell(record, standings)

    async def _tell(self, record: Record, standings: Sequence[tuple[Standing, int]]) -> None:
        events = [
            told(one.account, {"type": "points", "battle": record.battle.id, "points": one.points, "rank": rank})
            for one, rank in standings
        ]
        with suppress(*redis.Away):
            await self._channels.publish(*events)


def rules_of(id: str) -> Rules:
    """The rules of this id; custom rules are not there yet."""
    if id != DEFAULT.id:
        raise SiteError("unknown-rules", "There are no such rules.")
    return DEFAULT
