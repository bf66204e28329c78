"""The category itself: frozen and pure. Posts are filed under categories; each has an address of its own,
`/oc-Web+development`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from models.outbox import InvalidatePages

LONGEST_NAME = 100
SAFE = "+!$&'()*,;:@="  # characters of a path that browsers do not encode


@dataclass(frozen=True)
class Category:
    id: str
    name: str
    address: str
    revision: int = 0

    @property
    def path(self) -> str:
        return f"/oc-{quote(self.address, safe=SAFE)}"

    @property
    def tag(self) -> str:
        """The page tag of pages that list its posts."""
        return tag_of_category(self.id)


def tag_of_category(id: str) -> str:
    return f"category:{id}"


def address_of(name: str) -> str:
    """The address that a category's name gives: spaces as `+`, without the characters that have a meaning in addresses."""
    return "+".join(re.sub(r"[/%?#+\x00-\x1f]", " ", name).split()) or "x"


def path_of(categories: Iterable[Category]) -> str:
    """The canonical address of home filtered to posts in any of these: in alphabetical order."""
    return "".join(category.path for category in sorted(categories, key=lambda c: c.address.casefold()))


def cleaned_name(name: str) -> str:
    return " ".join(name.split())[:LONGEST_NAME]


def key_of(name: str) -> str:
    """A name or an address as it is compared: without case."""
    return name.casefold()


def consequences(category: Category) -> tuple[InvalidatePages]:
    """What follows from another name: it may be on any page."""
    return (InvalidatePages(category.id, category.revision, tags=None),)
