"""The admin's first page: how much of everything there is, and what waits."""

import asyncio

from handlers.admin.base import StaffHandler
from handlers.base import staff
from models.comments import Status

WAITING = 10
NEWEST = 5


class AdminHomeHandler(StaffHandler):
    @staff
    async def get(self) -> None:
        moderation = self.site.comments.moderation
        counts, queue, newest = await asyncio.gather(
            moderation.counts(),
            moderation.queue(Status.HELD, most=WAITING),
            self.site.posts.documents.newest(0, NEWEST),
        )
        waiting = queue[:WAITING]
        by_id = await self.site.posts.documents.by_ids(comment.post for comment in waiting)
        rows = [(comment, by_id[comment.post]) for comment in waiting if comment.post in by_id]
        self.page("admin/home.html", counts=counts, comments=rows, posts=newest)
