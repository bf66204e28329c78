"""The lobby: where strangers who want to play find each other, whichever processes they are connected to."""

import asyncio
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
from models.points import Points
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
        self._running = asyncio.gather(every(SWEEP_SECONDS, self.sweep), every(RENEW_SECONDS, self.presence.renew))

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def sweep(self) -> None:
        """Carries out what processes left that have died, and what follows from players who have gone."""
        await self.presence.sweep()
        await self._battles.writing.sweep()
        await self.writing.sweep(rules_of)
        await self._battles.writing.keep_finished(self._count)

    async def _count(self, record: Record) -> None:
        """Counts points, and tells both players where they stand now."""
        standings = await self._points.count(record)
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
