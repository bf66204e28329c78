"""Categories: what posts are filed under. Each has an address of its own, `/oc-Web+development`, found in any case."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from lib.ids import new_id
from lib.mongo import Document, DuplicateKey, IndexModel, Mongo
from models.errors import NotFound

MOST_AT_ONCE = 4  # categories in one filter
SAFE = "+!$&'()*,;:@="  # what stands in a path as it is; browsers leave it alone


@dataclass(frozen=True)
class Category:
    id: str
    name: str
    address: str

    @property
    def path(self) -> str:
        return f"/oc-{quote(self.address, safe=SAFE)}"

    @property
    def tag(self) -> str:
        """Of the pages that list its posts."""
        return tag_of_category(self.id)

    @classmethod
    def from_document(cls, document: Document) -> "Category":
        return cls(id=document["_id"], name=document["name"], address=document["address"])


def tag_of_category(id: str) -> str:
    return f"category:{id}"


def addresses_in(path: str) -> list[str]:
    """`oc-A/oc-B` → A, B"""
    return [part[3:] for part in path.split("/")]


def address_of(name: str) -> str:
    """A category's address as its name gives it: spaces as `+`, without the characters that mean something in one."""
    return "+".join(re.sub(r"[/%?#+\x00-\x1f]", " ", name).split()) or "x"


def path_of(categories: tuple[Category, ...]) -> str:
    """The canonical address of home filtered to posts in any of these: alphabetical."""
    return "".join(category.path for category in sorted(categories, key=lambda c: c.address.casefold()))


class Categories:
    """All categories. There are few: pages read them all in one go and pick theirs."""

    def __init__(self, mongo: Mongo) -> None:
        self._categories = mongo["categories"]

    async def create_indexes(self) -> None:
        await self._categories.create_indexes([IndexModel("key", unique=True), IndexModel("name_key", unique=True)])

    async def all(self) -> dict[str, Category]:
        """Every category by its id."""
        return {document["_id"]: Category.from_document(document) async for document in self._categories.find({})}

    async def by_addresses(self, addresses: list[str]) -> tuple[Category, ...]:
        """The categories of these addresses, in any case; NotFound unless each is known, and for too many at once."""
        keys = list(dict.fromkeys("+".join(address.casefold().split()) for address in addresses))
        found = [Category.from_document(d) async for d in self._categories.find({"key": {"$in": keys}})]
        if not 0 < len(found) == len(keys) <= MOST_AT_ONCE:
            raise NotFound("There is no such category.")
        return tuple(sorted(found, key=lambda category: category.address.casefold()))

    async def named(self, name: str) -> Category:
        """The category of this name, in any case, made where there is none. Where an address is taken it gets a number."""
        name = " ".join(name.split())[:100]
        for attempt in range(100):
            known = await self._categories.find_one({"name_key": name.casefold()})
            if known:
                return Category.from_document(known)
            address = address_of(name) + (f"-{attempt + 1}" if attempt else "")
            fresh = {"_id": new_id(), "name": name, "address": address}
            try:
                await self._categories.insert_one({**fresh, "key": address.casefold(), "name_key": name.casefold()})
            except DuplicateKey:
                continue
            return Category.from_document(fresh)
        raise NotFound(f"No address is left for the category {name!r}.")
