"""The admin's first page: how much of everything there is, and what is newest."""

import asyncio

from handlers.admin.base import StaffHandler
from handlers.base import staff

NEWEST = 10


class AdminHomeHandler(StaffHandler):
    @staff
    async def get(self) -> None:
        comments = self.site.comments
        counts, held, posts = await asyncio.gather(
            comments.counts(), comments.queue("held", most=NEWEST), self.site.posts.archive(most=NEWEST)
        )
        by_id = await self.site.posts.by_ids(comment.post for comment in held)
        rows = [(comment, by_id[comment.post]) for comment in held[:NEWEST] if comment.post in by_id]
        self.page("admin/home.html", counts=counts, comments=rows, posts=posts)
