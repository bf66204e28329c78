"""The site map. Nothing else maps an address; whatever is not here is another spelling of something, or nowhere."""

from typing import Any

from handlers import accounts, comments, elsewhere, feeds, posts, stats, status
from handlers.admin import comments as admin_comments
from handlers.admin import home as admin_home
from handlers.base import NotFoundHandler
from lib.sockjs import Endpoint

SLUG = r"([^/]+)"
ID = r"([0-9a-v]{12})"
PAGE = r"p([1-9][0-9]{0,5})"
CATEGORIES = r"(oc-[^/]+(?:/oc-[^/]+){0,3})"
FEED = r"(rss\.xml|atom\.xml|feed\.json)"

EVERYWHERE: list[Any] = [
    (r"/status", status.StatusHandler),
    (r"/metrics", status.MetricsHandler),
]

PUBLIC: list[Any] = [
    (r"/", posts.HomeHandler),
    (rf"/(){PAGE}", posts.HomeHandler),
    (rf"/{CATEGORIES}", posts.HomeHandler),
    (rf"/{CATEGORIES}/{PAGE}", posts.HomeHandler),
    (r"/rest/([0-9]{1,2})/([0-9]{1,2})/", posts.RestHandler),
    (rf"/(){FEED}", feeds.FeedHandler),
    (rf"/{CATEGORIES}/{FEED}", feeds.FeedHandler),
    (r"/plog/", posts.ArchiveHandler),
    (r"/plog/year/([0-9]{4})", posts.ArchiveHandler),
    (rf"/plog/{SLUG}", posts.PostHandler),
    (rf"/plog/{SLUG}/{PAGE}", posts.PostHandler),
    (rf"/plog/{SLUG}/comments\.atom", feeds.CommentsFeedHandler),
    (rf"/plog/{SLUG}/comments", comments.CommentsHandler),
    (rf"/plog/{SLUG}/comments/preview", comments.PreviewHandler),
    (rf"/plog/{SLUG}/comments/{ID}", comments.CommentHandler),
    (r"/sitemap\.xml", feeds.SitemapHandler),
    (r"/(robots\.txt|humans\.txt|\.well-known/security\.txt)", feeds.TextHandler),
    (r"/stats/", stats.StatsHandler),
    (r"/me", accounts.MeHandler),
    (r"/signin", accounts.SigninHandler),
    (r"/signin/([\w-]{43})", accounts.SigninLinkHandler),
    (r"/signout", accounts.SignoutHandler),
]

ADMIN: list[Any] = [
    (r"/admin/", admin_home.AdminHomeHandler),
    (r"/admin/comments/", admin_comments.QueueHandler),
    (rf"/admin/comments/{ID}", admin_comments.QueuedHandler),
    (rf"/admin/comments/{ID}/approval", admin_comments.ApprovalHandler),
    (rf"/admin/comments/{ID}/text", admin_comments.TextHandler),
    (rf"/admin/comments/{ID}/reply", admin_comments.ReplyHandler),
]


def public_routes(live: Endpoint) -> list[Any]:
    return [*EVERYWHERE, *live.routes, *PUBLIC, (r".*", elsewhere.ElsewhereHandler)]


def admin_routes() -> list[Any]:
    return [*EVERYWHERE, *ADMIN, (r".*", NotFoundHandler)]
