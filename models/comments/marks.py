"""What may be written a little later, for all comments of a moment at once: that the world has heard of them, and who wrote.

Whoever dies before that leaves them untold, so that the worker tells them again (docs/decisions.md, "Told"): the mark of a
comment is written last, after the account of its author.
"""

import asyncio
import logging

from lib import mongo
from models.accounts import Accounts
from models.comments.comment import Comment
from models.comments.store import CommentStore

SOON = 0.25  # seconds
logger = logging.getLogger(__name__)


class Marks:
    """Comments that were told, and are not marked yet."""

    def __init__(self, store: CommentStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        self._waiting: list[Comment] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, *comments: Comment) -> None:
        """These versions were told."""
        self._waiting += comments
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon())

    async def write(self) -> None:
        """Write at once what waits."""
        comments, self._waiting = self._waiting, []
        if not comments:
            return
        try:
            await self._accounts.ensure({comment.author for comment in comments})
            await self._store.mark_told(comments)
        except mongo.Away:
            logger.warning("%d comments could not be marked as told; the worker will tell them again", len(comments))
        except asyncio.CancelledError:
            self._waiting = [*comments, *self._waiting]
            raise

    async def close(self) -> None:
        """The last ones."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait([self._writing])
        await self.write()

    async def _write_soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(SOON)
            try:
                await self.write()
            except Exception:
                logger.exception("Comments could not be marked as told; the worker will tell them again")
