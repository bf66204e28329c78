"""Every thousandth post of a list, remembered: a page far back begins at one, and nobody counts through all posts
before it.

MongoDB's `skip` visits each key of the index: at 100,000 posts the last page took 16 times as long as the first. What
is remembered holds for one version of all posts: whatever changes the lists raises that version
(`PostDocuments.raise_version`) before its consequences are carried out.
"""

from typing import NamedTuple

from models.categories import Category
from models.posts.documents import Milestone, PostDocuments

STRIDE = 1_000  # posts from one milestone to the next
MOST_LISTS = 100  # whose milestones are remembered; the list least recently asked for is forgotten first


class _Remembered(NamedTuple):
    version: int
    milestones: tuple[Milestone, ...]


class Milestones:
    """The milestones that one process remembers. Other processes may change posts at any time."""

    def __init__(self, documents: PostDocuments, stride: int = STRIDE) -> None:
        self._documents = documents
        self._stride = stride
        self._lists: dict[tuple[Category, ...], _Remembered] = {}

    async def before(self, start: int, categories: tuple[Category, ...]) -> tuple[Milestone | None, int]:
        """The last milestone before post number `start` of a list, and how many posts to skip from there. A list that
        ends before that milestone has no post at that number either, whatever is skipped from its last milestone.
        """
        number, skip = divmod(start, self._stride)
        if not number:
            return None, skip
        milestones = await self._first(number, categories)
        return (milestones[-1] if milestones else None), skip + self._stride * (number - len(milestones))

    async def _first(self, number: int, categories: tuple[Category, ...]) -> tuple[Milestone, ...]:
        """The first milestones of a list: so many, or all that it has."""
        version = await self._documents.version()  # first: a change while milestones are read makes them worthless
        known = self._lists.pop(categories, None)
        milestones = known.milestones if known and known.version == version else ()
        while len(milestones) < number:
            last = milestones[-1] if milestones else None
            found = await self._documents.milestone_after(last, self._stride, categories)
            if found is None:
                break
            milestones = (*milestones, found)
        self._lists[categories] = _Remembered(version, milestones)
        if len(self._lists) > MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        return milestones[:number]
