"""What pages need of posts beyond single queries: long lists, related posts, and whether a thread may be followed."""

from collections.abc import Iterable

from lib.misses import Misses
from models.categories import Category
from models.posts.documents import PostDocuments
from models.posts.milestones import Milestones
from models.posts.post import Post, ranked
from models.tools import Tools


class PostReading:
    def __init__(self, tools: Tools, documents: PostDocuments) -> None:
        self._documents = documents
        self._milestones = Milestones(documents)
        self._without_thread = Misses(lambda: tools.clock().timestamp())

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
