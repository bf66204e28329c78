"""The documents of standings: one for each player and set of rules."""

from lib.documents import Shape
from lib.mongo import ASCENDING, DESCENDING, IndexModel
from models.points.standing import Standing
from models.tools import Tools

STANDING = Shape(Standing, {})


class PointDocuments:
    def __init__(self, tools: Tools) -> None:
        self._mongo = tools.mongo
        self._points = tools.mongo["points"]
        self._repeatable = tools.mongo.repeatable("points")

    async def create_indexes(self) -> None:
        ranked = [("rules", ASCENDING), ("points", DESCENDING), ("account", ASCENDING)]
        await self._points.create_indexes([IndexModel(ranked), IndexModel("account")])

    async def store(self, standing: Standing) -> bool:
        """Stores a standing. Returns whether it differs from the stored one."""
        key = {"_id": f"{standing.rules}:{standing.account}"}
        result = await self._repeatable.update_one(key, {"$set": STANDING.written(standing)}, upsert=True)
        return bool(result.modified_count or result.upserted_id)

    async def best(self, rules: str, most: int) -> list[Standing]:
        """The players with the most points by these rules; nobody without any."""
        query = {"rules": rules, "points": {"$gt": 0}}
        found = self._points.find(query).sort([("points", DESCENDING), ("account", ASCENDING)]).limit(most)
        return [STANDING.read(document) for document in await found.to_list(None)]

    async def rank(self, standing: Standing) -> int:
        """The place among all by these rules, from 1. Equal points share a place, and leave no gap behind them."""
        better = {"rules": standing.rules, "points": {"$gt": standing.points}}
        found = await self._mongo.aggregate(
            "points", [{"$match": better}, {"$group": {"_id": "$points"}}, {"$count": "n"}]
        )
        return 1 + (found[0]["n"] if found else 0)
