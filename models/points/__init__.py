"""Points and high scores, computed from finished battles."""

from models.battles import Battles, Record
from models.points.documents import PointDocuments
from models.points.standing import Standing, counted, ranked, standing_of
from models.tools import Tools

__all__ = ["Points", "Standing", "counted", "ranked", "standing_of"]


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
        standings = [(await self._recompute(account, record.battle.rules.id))[0] for account in accounts]
        return [(standing, await self.documents.rank(standing)) for standing in standings]

    async def recompute_all(self) -> list[Standing]:
        """Computes all standings anew. Returns those that were wrong."""
        recomputed = [await self._recompute(account, rules) for account, rules in await self._battles.players()]
        return [standing for standing, was_wrong in recomputed if was_wrong]

    async def _recompute(self, account: str, rules: str) -> tuple[Standing, bool]:
        """The standing as it is now, and whether another one was stored."""
        standing = standing_of(account, rules, await self._battles.finished_of(account, rules))
        return standing, await self.documents.store(standing)
