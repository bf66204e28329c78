"""The documents of categories. `former` keeps the names and addresses that one had before, so that old links and
imports find it.
"""

from collections.abc import Sequence

from lib.documents import Document, Shape
from lib.mongo import IndexModel
from lib.untold import Kinds, Untold, kinds_of
from models.categories.category import Category, key_of
from models.outbox import InvalidatePages
from models.tools import Tools

CATEGORY = Shape(Category, {"id": "_id"})
CONSEQUENCES = (InvalidatePages,)


class CategoryDocuments:
    def __init__(self, tools: Tools) -> None:
        self._categories = tools.mongo["categories"]
        self._clock = tools.clock
        self.untold = Untold(self._categories, tools.mongo.repeatable("categories"), tools.clock, CONSEQUENCES)

    async def create_indexes(self) -> None:
        unique = [IndexModel("key", unique=True), IndexModel("name_key", unique=True)]
        await self._categories.create_indexes([*unique, *self.untold.indexes])

    async def all(self) -> dict[str, Category]:
        """Every category by its id. There are few: readers fetch them all at once and pick theirs."""
        return {d["_id"]: CATEGORY.read(d) for d in await self._categories.find({}).to_list(None)}

    async def by_address(self, *keys: str) -> dict[str, Category]:
        """The categories that have these addresses (as `key_of` makes them), or had them and nobody else has now."""
        return await self._called("key", keys)

    async def by_name(self, *keys: str) -> dict[str, Category]:
        return await self._called("name_key", keys)

    async def insert(self, category: Category) -> None:
        """DuplicateKey if its name or address is taken."""
        await self._categories.insert_one({**CATEGORY.written(category), **_keys(category)})

    async def rename(self, before: Category, after: Category) -> bool:
        """False if somebody else renamed it meanwhile. DuplicateKey if another category has that name or address."""
        change = {
            "$set": {**CATEGORY.written(after), **_keys(after), "changed": self._clock()},
            "$addToSet": {"former.key": key_of(before.address), "former.name_key": key_of(before.name)},
            "$push": {"untold": {"$each": self.untold.entries(after.revision, CONSEQUENCES)}},
        }
        unchanged = {"_id": before.id, "revision": before.revision or {"$in": [0, None]}}
        return (await self._categories.update_one(unchanged, change)).matched_count == 1

    async def left(self, kinds: Kinds) -> list[tuple[Category, Kinds]]:
        """Categories with consequences of these kinds that are left, and all kinds that are left."""
        documents = await self.untold.documents(kinds)
        return [(category, kinds_of(document)) for category, document in self.untold.readable(documents, CATEGORY.read)]

    async def _called(self, field: str, keys: Sequence[str]) -> dict[str, Category]:
        """By each key the category that has it now, else the one that had it formerly."""
        query = {"$or": [{field: {"$in": keys}}, {f"former.{field}": {"$in": keys}}]}
        found = await self._categories.find(query).to_list(None)
        former = {key: d for d in found for key in d.get("former", {}).get(field, ())}
        meant = former | {document[field]: document for document in found}
        return {key: CATEGORY.read(meant[key]) for key in keys if key in meant}


def _keys(category: Category) -> Document:
    return {"name_key": key_of(category.name), "key": key_of(category.address)}
