"""What the maker does with posts: add and edit them. Every address that a post ever had stays in `addresses`, so old links arrive."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lib.documents import Document
from lib.ids import new_id
from models.outbox import InvalidatePages, Outbox, tags_of
from models.pages import Pages
from models.posts.documents import Left, PostDocuments
from models.posts.post import Post, consequences, rendered
from models.tools import Tools
from models.untold import REPEATED_AFTER, Consequence

NO_REVISION = -1  # a consequence of it removes no entry


class PostWriting:
    def __init__(self, tools: Tools, documents: PostDocuments, pages: Pages, outbox: Outbox) -> None:
        self._documents = documents
        self._pages = pages
        self._outbox = outbox
        self._clock = tools.clock
        self._shown_until = datetime.min.replace(tzinfo=UTC)  # posts scheduled until then are visible on this host

    async def add(self, post: Post, origin: Document | None = None) -> Post:
        """Stores a new post, rendered. Conflict if an address of it is taken, Invalid if it makes no sense."""
        post = rendered(replace(post, id=post.id or new_id(), edited=self._clock()))
        await self._documents.insert(post, origin)
        if post.is_visible(self._clock()):
            await self.tell(post.id)
        return post

    async def edit(self, post: Post, origin: Document | None = None) -> Post:
        """Stores a changed post, rendered again; its former address stays among its addresses. Conflict and Invalid as in `add`."""
        before = await self._documents.by_id(post.id)
        former = {before.path} if before.slug.casefold() != post.slug.casefold() else set()
        addresses = tuple(dict.fromkeys((*before.addresses, *post.addresses, *former)))
        edited = replace(post, addresses=addresses, edited=self._clock(), revision=before.revision + 1)
        post = rendered(edited)
        await self._documents.save(before, post, origin)
        if any(version.is_visible(self._clock()) for version in (before, post)):
            await self.tell(post.id)
        return post

    async def show_due(self) -> int:
        """Invalidates the pages of this host that a scheduled post belongs on once its time has come. Returns how many came.

        Every host does this for itself, so that a post appears on time also while Redis is away. The outbox does the rest.
        """
        due = await self._documents.due(since=self._shown_until)
        for left in due:
            self._pages.invalidate(tags_of(await self._consequences(left)))
        self._shown_until = self._clock() - REPEATED_AFTER
        return len(due)

    async def left(self) -> AsyncIterator[Sequence[Consequence]]:
        for left in await self._documents.left():
            yield [c for c in await self._consequences(left) if c.kind in left.kinds]

    async def tell(self, id: str) -> None:
        """Carries out all consequences that are left for this post."""
        for left in await self._documents.left_of(id):
            told = await self._consequences(left)
            if (
                left.post.published > self._clock()
            ):  # it was visible and is scheduled now: told again when its time comes
                told = [replace(c, revision=NO_REVISION) for c in told]
            await self._outbox.tell(self._documents.untold, told)

    async def _consequences(self, left: Left) -> list[InvalidatePages]:
        """What follows from changes of a post. All milestones are given up first: a page may be asked for as soon as others hear."""
        neighbours, _ = await asyncio.gather(self._documents.neighbours(left.post), self._documents.raise_version())
        return list(consequences(left.post, left.categories, [other for other in neighbours if other is not None]))
