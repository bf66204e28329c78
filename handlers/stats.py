"""How often pages are read, and how many of them cost no Python. Never cached: its numbers are always current."""

import asyncio

from handlers.base import BaseHandler, public

PAGES = 100
DAYS = 30


class StatsHandler(BaseHandler):
    @public
    async def get(self) -> None:
        """Hits and misses in all, by day and by page; and how much there is to read."""
        hits = self.site.hits.documents
        total, since, days, pages, posts, comments = await asyncio.gather(
            hits.total(),
            hits.since(),
            hits.days(DAYS),
            hits.top(PAGES),
            self.site.posts.documents.count(),
            self.site.comments.documents.count_published(),
        )
        shown = {"total": total, "since": since, "days": days, "pages": pages, "posts": posts, "comments": comments}
        self.page("stats.html", **shown, canonical=self.site.settings.absolute(self.request.path))
