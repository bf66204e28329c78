"""What programs read: feeds in three formats, the sitemap, and the small text files."""

from datetime import timedelta

from handlers.addresses import post_at
from handlers.base import BaseHandler, public
from handlers.caching import CachedHandler, cached
from lib.feeds import MAX_SITEMAP, Entry, Feed, atom, json_feed, rss, sitemap
from lib.markup import absolute_html
from models.categories import path_of
from models.comments import Comment
from models.pages import FEEDS, SITEMAP
from models.posts import Post

NEWEST = 10
WRITERS = {"rss.xml": (rss, "rss+xml"), "atom.xml": (atom, "atom+xml"), "feed.json": (json_feed, "feed+json")}


class FeedHandler(CachedHandler):
    @public
    @cached
    async def get(self, categories: str | None, name: str) -> None:
        """The newest posts of the site, or of some categories."""
        filter = await self.site.categories.in_path(categories)
        path = f"{path_of(filter)}/{name}"
        if self.request.path != path:
            self.move_to(path)
        posts = await self.site.posts.documents.newest(0, NEWEST, filter)
        if len(filter) <= 1:
            self.cache_under(FEEDS)
        title = " · ".join((self.site.settings.title, *(category.name for category in filter)))
        self.answer(name, title, path_of(filter) or "/", path, tuple(self._entry(post) for post in posts))

    def answer(self, name: str, title: str, page: str, path: str, entries: tuple[Entry, ...]) -> None:
        """Send a feed about a page of this site."""
        settings = self.site.settings
        about = f"New on {self.site.tools.own_host}"
        address, own = self.site.settings.absolute(page), self.site.settings.absolute(path)
        feed = Feed(title, address, own, about, settings.language, settings.title, entries)
        write, kind = WRITERS[name]
        send_xml(self, write(feed), kind)

    def _entry(self, post: Post) -> Entry:
        address = self.site.settings.absolute(post.path)
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
    @cached
    async def get(self, slug: str, name: str = "atom.xml") -> None:
        """The newest comments under one post. An old one that is approved late changes it, too."""
        post = await post_at(self, slug)
        comments = [] if post.has_hidden_comments else await self.site.comments.documents.newest_under(post, NEWEST * 5)
        self.cache_under(post.tag)
        entries = tuple(self._comment(post, comment) for comment in comments)
        self.answer("atom.xml", f"Comments on {post.title}", post.path, f"{post.path}/comments.atom", entries)

    def _comment(self, post: Post, comment: Comment) -> Entry:
        address = self.site.settings.absolute(f"{post.path}/comments/{comment.id}")
        return Entry(
            title=f"{comment.name or 'Anonymous'} on {post.title}",
            address=address,
            published=comment.created,
            updated=comment.edited or comment.created,
            html=absolute_html(comment.html, address),
            author=comment.name or "Anonymous",
        )


class SitemapHandler(CachedHandler):
    @public
    @cached
    async def get(self) -> None:
        posts = await self.site.posts.documents.between(None, None, MAX_SITEMAP)
        self.cache_under(SITEMAP)
        filed = sorted({category.path for post in posts for category in post.categories})
        places = [(self.site.settings.absolute(path), None) for path in ("/", "/plog/", *filed)]
        dated = [(self.site.settings.absolute(post.path), post.changed) for post in posts]
        send_xml(self, sitemap([*places, *dated]), "xml")


class RobotsHandler(BaseHandler):
    @public
    async def get(self) -> None:
        sitemap = self.site.settings.absolute("/sitemap.xml")
        send_text(self, "User-agent: *", "Disallow: /admin/", f"Sitemap: {sitemap}")


class HumansHandler(BaseHandler):
    @public
    async def get(self) -> None:
        send_text(self, f"{self.site.settings.title} is written by people and runs on Plog.")


class SecurityHandler(BaseHandler):
    """https://www.rfc-editor.org/rfc/rfc9116"""

    @public
    async def get(self) -> None:
        settings = self.site.settings
        expires = f"{self.site.clock() + timedelta(days=180):%Y-%m-%dT00:00:00Z}"
        canonical = settings.absolute("/.well-known/security.txt")
        send_text(self, f"Contact: {settings.absolute('/')}", f"Expires: {expires}", f"Canonical: {canonical}")


def send_text(handler: BaseHandler, *lines: str) -> None:
    handler.set_header("Content-Type", "text/plain; charset=utf-8")
    handler.finish("\n".join(lines) + "\n")


def send_xml(handler: BaseHandler, text: str, kind: str) -> None:
    handler.set_header("Content-Type", f"application/{kind}; charset=utf-8")
    handler.finish(text)
