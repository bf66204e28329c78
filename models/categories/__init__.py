"""Categories: what posts are filed under. The only importer of their documents; posts read all of them through it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from lib.ids import new_id
from lib.mongo import DuplicateKey, taken_key
from lib.untold import Consequence, Kinds, Untold
from models.categories.category import (
    SAFE,
    Category,
    address_of,
    cleaned_name,
    consequences,
    key_of,
    path_of,
    tag_of_category,
)
from models.categories.documents import CATEGORY, CategoryDocuments
from models.errors import Conflict, Invalid, NotFound
from models.outbox import Outbox
from models.tools import Tools

__all__ = ["CATEGORY", "SAFE", "Categories", "Category", "CategoryDocuments", "path_of", "tag_of_category"]

MOST_AT_ONCE = 4  # categories in one filter
ADDRESSES_TRIED = 100


class Categories:
    """All categories."""

    def __init__(self, tools: Tools, outbox: Outbox) -> None:
        self._outbox = outbox
        self.documents = CategoryDocuments(tools)

    @property
    def untold(self) -> Untold:
        return self.documents.untold

    async def in_path(self, path: str | None) -> tuple[Category, ...]:
        """The categories that a path such as `oc-A/oc-B` names; none without a path. NotFound as in `by_addresses`."""
        return await self.by_addresses([part[3:] for part in path.split("/")]) if path else ()

    async def by_addresses(self, addresses: Sequence[str]) -> tuple[Category, ...]:
        """The categories of these addresses, in any case, alphabetically. NotFound if one is unknown or there are too
        many.
        """
        keys = dict.fromkeys("+".join(key_of(address).split()) for address in addresses)
        found = await self.documents.by_address(*keys)
        if not 0 < len(found) == len(keys) <= MOST_AT_ONCE:
            raise NotFound("There is no such category.")
        return tuple(sorted(set(found.values()), key=lambda category: category.address.casefold()))

    async def named(self, name: str) -> Category:
        """The category of this name, in any case; created if there is none, with a number after its address if that is
        taken.
        """
        name = cleaned_name(name)
        for address in _addresses_of(name):
            if known := await self._find_by_name(name):
                return known
            fresh = Category(new_id(), name, address)
            with suppress(DuplicateKey):
                await self.documents.insert(fresh)
                return fresh
        raise NotFound(f"No address is left for the category {name!r}.")

    async def rename(self, name: str, to: str) -> Category:
        """Gives a category another name, and an address made from it. Conflict if another category has that name."""
        before = await self._find_by_name(cleaned_name(name))
        if before is None:
            raise NotFound(f"There is no category {name!r}.")
        if not (to := cleaned_name(to)):
            raise Invalid({"name": "A category needs a name."})
        after = await self._renamed(before, to)
        await self._outbox.tell(self.untold, consequences(after))
        return after

    async def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        for category, left in await self.documents.left(kinds):
            yield [c for c in consequences(category) if c.kind in kinds & left]

    async def _renamed(self, before: Category, to: str) -> Category:
        for address in _addresses_of(to):
            after = replace(before, name=to, address=address, revision=before.revision + 1)
            try:
                if await self.documents.rename(before, after):
                    return after
            except DuplicateKey as error:
                if "name_key" in taken_key(error):
                    raise Conflict("name-taken", f"There is a category {to!r} already.") from error
            else:
                raise Conflict("changed", f"Somebody else has just renamed {before.name!r}. Please try again.")
        raise NotFound(f"No address is left for the category {to!r}.")

    async def _find_by_name(self, name: str) -> Category | None:
        return (await self.documents.by_name(key_of(name))).get(key_of(name))


def _addresses_of(name: str) -> Iterator[str]:
    """The addresses that may be free for a category of this name."""
    address = address_of(name)
    yield address
    yield from (f"{address}-{number}" for number in range(2, ADDRESSES_TRIED + 1))
