"""What programs read: feeds in three formats, the sitemap, and the small text files."""

from datetime import timedelta

from handlers.base import BaseHandler, public
from handlers.caching import KeptHandler, kept
from lib.feeds import MAX_SITEMAP, Entry, Feed, atom, json_feed, rss, sitemap
from lib.markup import absolute_html
from models.categories import path_of
from models.comments import Comment
from models.pages import FEEDS, SITEMAP
from models.posts import Post

NEWEST = 10
WRITERS = {"rss.xml": (rss, "rss+xml"), "atom.xml": (atom, "atom+xml"), "feed.json": (json_feed, "feed+json")}


class FeedHandler(KeptHandler):
    @public
    @kept
    async def get(self, categories: str | None, name: str) -> None:
        """The newest posts of the site, or of some categories."""
        filter = await self.site.categories.in_path(categories)
        path = f"{path_of(filter)}/{name}"
        if self.request.path != path:
            self.move_to(path)
        posts = await self.site.lists.newest(0, NEWEST, filter)
        if len(filter) <= 1:
            self.keep(FEEDS)
        title = " · ".join((self.site.settings.title, *(category.name for category in filter)))
        self.answer(name, title, path_of(filter) or "/", path, tuple(self._entry(post) for post in posts))

    def answer(self, name: str, title: str, page: str, path: str, entries: tuple[Entry, ...]) -> None:
        """Send a feed about a page of this site."""
        settings = self.site.settings
        about = f"New on {self.site.own_host}"
        address, own = self.absolute(page), self.absolute(path)
        feed = Feed(title, address, own, about, settings.language, settings.title, entries)
        write, kind = WRITERS[name]
        self.xml(write(feed), kind)

    def _entry(self, post: Post) -> Entry:
        address = self.absolute(post.path)
        return Entry(
            title=post.title,
            address=address,
            published=post.published,
            updated=post.changed,
            html=absolute_html(post.html, address),
            summary=post.description,
            categories=tuple(category.name for category in post.categories),
            url=post.url,
        )


class CommentsFeedHandler(FeedHandler):
    @public
    @kept
    async def get(self, slug: str, name: str = "atom.xml") -> None:
        """The newest comments under one post. An old one that is approved late changes it, too."""
        post = await self.post_at(slug)
        comments = [] if post.has_hidden_comments else await self.site.threads.newest_under(post, NEWEST * 5)
        self.keep(post.tag)
        entries = tuple(self._comment(post, comment) for comment in comments)
        self.answer("atom.xml", f"Comments on {post.title}", post.path, f"{post.path}/comments.atom", entries)

    def _comment(self, post: Post, comment: Comment) -> Entry:
        address = self.absolute(f"{post.path}/comments/{comment.id}")
        return Entry(
            title=f"{comment.name or 'Anonymous'} on {post.title}",
            address=address,
            published=comment.created,
            updated=comment.edited or comment.created,
            html=absolute_html(comment.html, address),
            author=comment.name or "Anonymous",
        )


class SitemapHandler(KeptHandler):
    @public
    @kept
    async def get(self) -> None:
        posts = await self.site.lists.archive(most=MAX_SITEMAP)
        self.keep(SITEMAP)
        filed = sorted({category.path for post in posts for category in post.categories})
        places = [(self.absolute(path), None) for path in ("/", "/plog/", *filed)]
        dated = [(self.absolute(post.path), post.changed) for post in posts]
        self.xml(sitemap([*places, *dated]), "xml")


class TextHandler(BaseHandler):
    """robots.txt, humans.txt and security.txt."""

    @public
    async def get(self, name: str) -> None:
        settings = self.site.settings
        texts = {
            "robots.txt": ("User-agent: *", "Disallow: /admin/", f"Sitemap: {self.absolute('/sitemap.xml')}"),
            "humans.txt": (f"{settings.title} is written by people and runs on Plog.",),
            ".well-known/security.txt": (
                f"Contact: {self.absolute('/')}",
                f"Expires: {self.site.clock() + timedelta(days=180):%Y-%m-%dT00:00:00Z}",
                f"Canonical: {self.absolute('/.well-known/security.txt')}",
            ),
        }
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("\n".join(texts[name]) + "\n")
