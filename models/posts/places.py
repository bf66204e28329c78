"""Where in a list the n-th post is, without counting through all posts before it.

MongoDB's `skip` visits each key of the index: at 100,000 posts the last page took 16 times as long as the first. So each process
remembers the place of every thousandth post of a list, and a page skips from there. What is remembered holds for one version of
all posts: whatever changes the lists raises that version (`PostDocuments.raise_version`) before its consequences are carried out.
"""

from typing import NamedTuple

from models.categories import Category
from models.posts.documents import Place, PostDocuments

STRIDE = 1_000  # posts from one remembered place to the next
MOST_LISTS = 100  # whose places are remembered; the one least recently asked for is forgotten first


class _Remembered(NamedTuple):
    version: int
    places: tuple[Place, ...]


class Places:
    """The places that one process remembers. Other processes may change posts at any time."""

    def __init__(self, documents: PostDocuments, stride: int = STRIDE) -> None:
        self._documents = documents
        self._stride = stride
        self._lists: dict[tuple[Category, ...], _Remembered] = {}

    async def before(self, start: int, categories: tuple[Category, ...]) -> tuple[Place | None, int]:
        """The last place before post number `start` of a list, and how many posts to skip from there. A list that ends before
        that place has no post at that number either, whatever is skipped from its last place."""
        number, skip = divmod(start, self._stride)
        if not number:
            return None, skip
        places = await self._places(categories, number)
        return (places[-1] if places else None), skip + self._stride * (number - len(places))

    async def _places(self, categories: tuple[Category, ...], number: int) -> tuple[Place, ...]:
        """The first `number` places of a list, or as many as it has."""
        version = (
            await self._documents.version()
        )  # before places are read: a change while they are read makes them worthless
        known = self._lists.pop(categories, None)
        places = known.places if known and known.version == version else ()
        while len(places) < number:
            place = await self._documents.place_after(places[-1] if places else None, self._stride, categories)
            if place is None:
                break
            places = (*places, place)
        self._lists[categories] = _Remembered(version, places)
        if len(self._lists) > MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        return places[:number]
