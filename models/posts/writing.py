"""What the maker does with posts: add and edit them. Every address that a post ever had stays in `addresses`, so old
links arrive.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lib import mongo
from lib.documents import Document
from lib.ids import new_id
from lib.untold import REPEATED_AFTER, Consequence, Kinds
from models.errors import Conflict
from models.outbox import InvalidatePages, Outbox, tags_of
from models.pages import Pages
from models.posts.documents import CHANGED, Left, PostDocuments
from models.posts.post import Post, consequences, rendered
from models.tools import Tools

logger = logging.getLogger(__name__)


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
        """Stores a changed post, rendered again; its former address stays among its addresses. Conflict and Invalid as
        in `add`.
        """
        before = await self._documents.by_id(post.id)
        if post.revision != before.revision:
            raise Conflict("changed", CHANGED)
        former = [before.path] if before.slug.casefold() != post.slug.casefold() else []
        taken = await self._documents.taken_addresses(former, post.id)  # one that another post had before stays there
        kept = (address for address in former if address not in taken)
        addresses = tuple(dict.fromkeys((*before.addresses, *post.addresses, *kept)))
        post = rendered(replace(post, addresses=addresses, edited=self._clock(), revision=before.revision + 1))
        await self._documents.save(before, post, origin)
        if any(version.is_visible(self._clock()) for version in (before, post)):
            await self.tell(post.id)
        return post

    async def show_due(self) -> int:
        """Invalidates the pages of this host that a scheduled post belongs on once its time has come. Returns how many
        came.

        Every host does this for itself, so that a post appears on time also while Redis is away. The outbox does the
        rest.
        """
        due = await self._documents.due(since=self._shown_until)
        for left in due:
            self._pages.invalidate(tags_of(await self._consequences(left)))
        self._shown_until = self._clock() - REPEATED_AFTER
        return len(due)

    async def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        for left in await self._documents.left(kinds & {InvalidatePages.kind}):
            yield await self._consequences(left)

    async def tell(self, id: str) -> None:
        """Carries out all consequences that are left for this post. Where MongoDB is away by now, the worker does it
        later.
        """
        try:
            for left in await self._documents.left_of(id):
                await self._outbox.tell(self._documents.untold, await self._consequences(left))
        except mongo.Away:
            logger.warning("post %s is stored, but its consequences were not carried out; the worker will", id)

    async def _consequences(self, left: Left) -> list[InvalidatePages]:
        """What follows from changes of a post. All milestones are given up first: a page may be asked for as soon as
        others hear.
        """
        neighbours, _ = await asyncio.gather(self._documents.neighbours(left.post), self._documents.raise_version())
        told = consequences(left.post, left.categories, [other for other in neighbours if other is not None])
        if left.post.published > self._clock():  # withdrawn: what its own revision entered waits until it appears
            return [replace(consequence, revision=left.post.revision - 1) for consequence in told]
        return list(told)
