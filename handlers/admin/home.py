"""The admin's first page: how much of everything there is, and what is newest."""

import asyncio

from handlers.admin.base import StaffHandler
from handlers.base import staff

NEWEST = 10


class AdminHomeHandler(StaffHandler):
    @staff
    async def get(self) -> None:
        comments, posts = self.site.comments, self.site.posts
        counts, newest, count = await asyncio.gather(comments.counts(), comments.newest(NEWEST), posts.count())
        by_id = await posts.by_ids(comment.post for comment in newest)
        rows = [(comment, by_id[comment.post]) for comment in newest if comment.post in by_id]
        self.page("admin/home.html", counts={**counts, "posts": count}, comments=rows)
