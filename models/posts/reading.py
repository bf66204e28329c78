"""What pages need of posts beyond single queries: related posts, and one read for all who ask for the same thread at
once.
"""

import asyncio
from collections.abc import Iterable, Sequence

from lib.batches import Batches
from lib.misses import Misses
from models.categories import Category
from models.posts.documents import PostDocuments
from models.posts.milestones import Milestones
from models.posts.post import Post, ranked
from models.tools import Tools

LONGEST_READ = 5  # seconds that others wait for


class PostReading:
    def __init__(self, tools: Tools, documents: PostDocuments) -> None:
        self._documents = documents
        self._milestones = Milestones(documents)
        self._without_thread = Misses(lambda: tools.clock().timestamp())
        self._heads: Batches[None, Post] = Batches(self._read_head)

    async def head_by_slug(self, slug: str) -> Post:
        """A visible post without texts and categories. After each comment everyone who missed it may ask: one read
        serves all, and it begins after they asked.
        """
        return await self._heads.add(slug, None)

    async def has_open_thread(self, id: str) -> bool:
        """Whether there is a visible post of this id whose comments may be seen. "No" is remembered for some seconds."""
        if id in self._without_thread:
            return False
        is_open = await self._documents.has_open_thread(id)
        if not is_open:
            self._without_thread.add(id)
        return is_open

    async def newest(self, start: int, stop: int, categories: Iterable[Category] = ()) -> list[Post]:
        """Visible posts from `start` up to `stop`, newest first, as fast at the end of a long list as at its start;
        only those in any of these categories, if any are given.
        """
        categories = tuple(sorted(categories, key=lambda category: category.id))
        milestone, skip = await self._milestones.before(start, categories)
        return await self._documents.newest(skip, skip + stop - start, categories, after=milestone)

    async def related(self, post: Post) -> list[Post]:
        """Posts that share categories, then keywords, the most popular first; with the categories shared."""
        return ranked(post, await self._documents.alike(post))

    async def _read_head(self, slug: str, readers: Sequence[None]) -> list[Post]:
        async with asyncio.timeout(LONGEST_READ):
            post = await self._documents.head_by_slug(slug)
        return [post] * len(readers)
