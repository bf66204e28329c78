"""Categories: what posts are filed under. Each has an address of its own, `/oc-Web+development`, found in any case."""

import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from lib import redis
from lib.ids import new_id
from lib.mongo import Document, DuplicateKey, IndexModel, Mongo, taken_key
from lib.pagecache import Unwritable
from models.errors import Conflict, Invalid, NotFound
from models.pages import Pages

MOST_AT_ONCE = 4  # categories in one filter
LONGEST_NAME = 100
ADDRESSES_TRIED = 100
SAFE = "+!$&'()*,;:@="  # what stands in a path as it is; browsers leave it alone

logger = logging.getLogger(__name__)


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


def address_of(name: str) -> str:
    """A category's address as its name gives it: spaces as `+`, without the characters that mean something in one."""
    return "+".join(re.sub(r"[/%?#+\x00-\x1f]", " ", name).split()) or "x"


def path_of(categories: tuple[Category, ...]) -> str:
    """The canonical address of home filtered to posts in any of these: alphabetical."""
    return "".join(category.path for category in sorted(categories, key=lambda c: c.address.casefold()))


class Categories:
    """All categories. There are few: pages read them all in one go and pick theirs.

    What one was called before stays with it, so that old links arrive and imports find it; a name that is in use goes first.
    """

    def __init__(self, mongo: Mongo, pages: Pages) -> None:
        self._categories = mongo["categories"]
        self._pages = pages

    async def create_indexes(self) -> None:
        untold = IndexModel("told", partialFilterExpression={"told": False})
        await self._categories.create_indexes(
            [IndexModel("key", unique=True), IndexModel("name_key", unique=True), untold]
        )

    async def all(self) -> dict[str, Category]:
        """Every category by its id."""
        return {document["_id"]: Category.from_document(document) async for document in self._categories.find({})}

    async def in_path(self, path: str | None) -> tuple[Category, ...]:
        """The categories that a path names, as `oc-A/oc-B` does; none in none. NotFound as by their addresses."""
        return await self.by_addresses([part[3:] for part in path.split("/")]) if path else ()

    async def by_addresses(self, addresses: list[str]) -> tuple[Category, ...]:
        """The categories of these addresses, in any case; NotFound unless each is known, and for too many at once."""
        keys = dict.fromkeys("+".join(address.casefold().split()) for address in addresses)
        found = await self._called("key", *keys)
        if not 0 < len(found) == len(keys) <= MOST_AT_ONCE:
            raise NotFound("There is no such category.")
        return tuple(sorted(set(found.values()), key=lambda category: category.address.casefold()))

    async def named(self, name: str) -> Category:
        """The category of this name, in any case, made where there is none. Where an address is taken it gets a number."""
        name = _cleaned(name)
        for attempt in range(ADDRESSES_TRIED):
            known = await self._called("name_key", name.casefold())
            if known:
                return known[name.casefold()]
            fresh = {"_id": new_id(), **_named(name, attempt)}
            with suppress(DuplicateKey):
                await self._categories.insert_one(fresh)
                return Category.from_document(fresh)
        raise NotFound(f"No address is left for the category {name!r}.")

    async def rename(self, name: str, to: str) -> Category:
        """Give a category another name, and an address after it. Conflict where another one has that name."""
        known = (await self._called("name_key", _cleaned(name).casefold())).get(_cleaned(name).casefold())
        if known is None:
            raise NotFound(f"There is no category {name!r}.")
        if not (to := _cleaned(to)):
            raise Invalid({"name": "A category needs a name."})
        before = {"former.key": _key(known.address), "former.name_key": known.name.casefold()}
        for attempt in range(ADDRESSES_TRIED):
            change = {"$set": {**_named(to, attempt), "told": False}, "$addToSet": before}
            try:
                await self._categories.update_one({"_id": known.id}, change)
            except DuplicateKey as error:
                if "name_key" in taken_key(error):
                    raise Conflict("name-taken", f"There is a category {to!r} already.") from error
                continue
            try:
                await self.tell(known.id)
            except Unwritable as error:
                logger.warning("%s is renamed but that could not be told; the worker will. %s", known.name, error)
            return (await self.all())[known.id]
        raise NotFound(f"No address is left for the category {to!r}.")

    async def tell(self, id: str) -> bool:
        """Forget all pages, for the name may be on any; safe to repeat.

        False where Redis is away: the worker repeats it. So it does where this raises `Unwritable`.
        """
        try:
            await self._pages.forget_all()
        except redis.Away:
            return False
        await self._categories.update_one({"_id": id}, {"$set": {"told": True}})
        return True

    async def untold(self) -> list[str]:
        """The ids of those that whoever renamed them left untold."""
        return [document["_id"] async for document in self._categories.find({"told": False}, {"_id": 1})]

    async def _called(self, field: str, *keys: str) -> dict[str, Category]:
        """Which category each of these means, by its `key` or `name_key`: now, or else formerly."""
        query = {"$or": [{field: {"$in": keys}}, {f"former.{field}": {"$in": keys}}]}
        documents = await self._categories.find(query).to_list(None)
        former = {key: d for d in documents for key in d.get("former", {}).get(field, ())}
        meant = former | {document[field]: document for document in documents}
        return {key: Category.from_document(meant[key]) for key in keys if key in meant}


def _cleaned(name: str) -> str:
    return " ".join(name.split())[:LONGEST_NAME]


def _named(name: str, attempt: int) -> Document:
    """What a category of this name is stored with, at one of the addresses that may be free."""
    address = address_of(name) + (f"-{attempt + 1}" if attempt else "")
    return {"name": name, "name_key": name.casefold(), "address": address, "key": _key(address)}


def _key(address: str) -> str:
    return address.casefold()
