"""Points and high scores, computed from finished battles."""

from models.battles import Battles, Record
from models.points.documents import PointDocuments
from models.points.standing import Standing, counted, standing_of
from models.tools import Tools

__all__ = ["Points", "Standing", "counted", "standing_of"]


class Points:
    """All standings."""

    def __init__(self, tools: Tools, battles: Battles) -> None:
        self.documents = PointDocuments(tools)
        self._battles = battles.documents

    async def count(self, record: Record) -> list[tuple[Standing, int]]:
        """Computes the standings of a battle's players anew, after MongoDB has it. Returns each with its rank."""
        accounts = record.accounts
        if len(accounts) < 2:
            return []
        standings = [await self.recompute(account, record.battle.rules.id) for account in accounts]
        return [(standing, await self.documents.rank(standing)) for standing in standings]

    async def recompute(self, account: str, rules: str) -> Standing:
        standing = standing_of(account, rules, await self._battles.finished_of(account, rules))
        await self.documents.store(standing)
        return standing

    async def recompute_all(self) -> list[Standing]:
        """Computes all standings anew. Returns those that were wrong."""
        wrong = []
        for account, rules in await self._battles.players():
            standing = standing_of(account, rules, await self._battles.finished_of(account, rules))
            if await self.documents.store(standing):
                wrong.append(standing)
        return wrong
