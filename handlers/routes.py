"""The site map: every address, every live channel and every live message. Nothing else maps one.

What else must know addresses is derived from these tables (redirects of other spellings, which hits are counted) or
compared with them by a test (nginx.conf, docs/interface.md). Adding a page is one line here, one handler, one template
and one documented row.
"""

import re
from dataclasses import dataclass
from typing import Any

from tornado.web import RequestHandler

from handlers import accounts, addresses, battles, comments, feeds, posts, stats, status
from handlers.admin import comments as admin_comments
from handlers.admin import home as admin_home
from handlers.admin.base import AdminElsewhereHandler
from handlers.live import Live, LiveChannel, LiveConnection, Tables
from models.comments import STAFF_CHANNEL

SLUG = r"([^/]+)"
ID = r"([0-9a-v]{12})"
PAGE = r"p([1-9][0-9]{0,5})"
CATEGORY = r"(oc-[^/]+)"
CATEGORIES = r"(oc-[^/]+(?:/oc-[^/]+){1,3})"
FEED = r"(rss\.xml|atom\.xml|feed\.json)"
RECORD = r"(\.json|\.log\.json)?"
TOKEN = r"([\w-]{43})"


@dataclass(frozen=True)
class Page:
    """An address and who answers there. A counted page has its hits in /stats/; a cached one may be served from disk by
    nginx.
    """

    pattern: str
    handler: type[RequestHandler]
    is_cached: bool = False
    is_counted: bool = False

    @property
    def address(self) -> str | None:
        """The address of a page without a variable part."""
        return None if "(" in self.pattern else self.pattern.replace("\\", "")


EVERYWHERE = (
    Page(r"/status", status.StatusHandler),
    Page(r"/metrics", status.MetricsHandler),
)

PUBLIC = (
    Page(r"/", posts.HomeHandler, is_cached=True, is_counted=True),
    Page(rf"/(){PAGE}", posts.HomeHandler, is_cached=True, is_counted=True),
    Page(rf"/{CATEGORY}", posts.HomeHandler, is_cached=True, is_counted=True),
    Page(rf"/{CATEGORY}/{PAGE}", posts.HomeHandler, is_cached=True, is_counted=True),
    Page(rf"/{CATEGORIES}", posts.HomeHandler),
    Page(rf"/{CATEGORIES}/{PAGE}", posts.HomeHandler),
    Page(r"/rest/(2)/(10)/", posts.RestHandler, is_cached=True, is_counted=True),
    Page(r"/rest/([0-9]{1,2})/([0-9]{1,2})/", posts.RestHandler),
    Page(rf"/(){FEED}", feeds.FeedHandler, is_cached=True, is_counted=True),
    Page(rf"/{CATEGORY}/{FEED}", feeds.FeedHandler, is_cached=True, is_counted=True),
    Page(rf"/{CATEGORIES}/{FEED}", feeds.FeedHandler),
    Page(r"/plog/", posts.ArchiveHandler, is_cached=True, is_counted=True),
    Page(r"/plog/year/([0-9]{4})", posts.ArchiveHandler, is_cached=True, is_counted=True),
    Page(rf"/plog/{SLUG}", posts.PostHandler, is_cached=True, is_counted=True),
    Page(rf"/plog/{SLUG}/{PAGE}", posts.PostHandler, is_cached=True, is_counted=True),
    Page(rf"/plog/{SLUG}/comments\.atom", feeds.CommentsFeedHandler, is_cached=True, is_counted=True),
    Page(rf"/plog/{SLUG}/comments", comments.CommentsHandler),
    Page(rf"/plog/{SLUG}/comments/preview", comments.PreviewHandler),
    Page(rf"/plog/{SLUG}/comments/{ID}", comments.CommentHandler),
    Page(r"/sitemap\.xml", feeds.SitemapHandler, is_cached=True, is_counted=True),
    Page(r"/robots\.txt", feeds.RobotsHandler),
    Page(r"/humans\.txt", feeds.HumansHandler),
    Page(r"/\.well-known/security\.txt", feeds.SecurityHandler),
    Page(r"/stats/", stats.StatsHandler),
    Page(r"/quiz/", battles.LobbyHandler),
    Page(r"/quiz/name", battles.NameHandler),
    Page(r"/quiz/battle", battles.BattleHandler),
    Page(r"/quiz/highscores", battles.HighscoresHandler),
    Page(rf"/quiz/battles/{ID}{RECORD}", battles.ReplayHandler),
    Page(r"/me", accounts.MeHandler),
    Page(r"/signin", accounts.SigninHandler),
    Page(rf"/signin/{TOKEN}", accounts.SigninLinkHandler),
    Page(r"/signout", accounts.SignoutHandler),
)

ADMIN = (
    Page(r"/admin/", admin_home.AdminHomeHandler),
    Page(r"/admin/comments/", admin_comments.QueueHandler),
    Page(rf"/admin/comments/{ID}", admin_comments.QueuedHandler),
    Page(rf"/admin/comments/{ID}/approval", admin_comments.ApprovalHandler),
    Page(rf"/admin/comments/{ID}/text", admin_comments.TextHandler),
    Page(rf"/admin/comments/{ID}/reply", admin_comments.ReplyHandler),
)

LIVE = Tables(
    channels=(
        LiveChannel("comments:", comments.may_follow_thread, is_public=True),
        LiveChannel(STAFF_CHANNEL, admin_comments.may_follow_staff, is_public=False),
    ),
    messages={
        "follow": LiveConnection.follow,
        "leave": LiveConnection.leave,
        "ping": LiveConnection.ping,
        "seek": battles.seek,
        "unseek": battles.unseek,
        "computer": battles.play_computer,
        "resume": battles.resume,
        "answer": battles.answer,
        "alternatives": battles.alternatives,
        "loaded": battles.loaded,
        "typing": battles.typing,
        "give-up": battles.give_up,
        "rematch": battles.rematch,
    },
)

COUNTED = re.compile("|".join(page.pattern for page in PUBLIC if page.is_counted))
FIXED = frozenset(page.address for page in (*EVERYWHERE, *PUBLIC, *ADMIN) if page.address)


def public_routes(live: Live) -> list[Any]:
    elsewhere = (r".*", addresses.ElsewhereHandler, {"fixed": FIXED})
    return [*map(route, EVERYWHERE), *live.routes, *map(route, PUBLIC), elsewhere]


def admin_routes() -> list[Any]:
    elsewhere = (r".*", AdminElsewhereHandler, {"fixed": FIXED})
    return [*map(route, EVERYWHERE), *map(route, ADMIN), elsewhere]


def route(page: Page) -> tuple[str, type[RequestHandler]]:
    return page.pattern, page.handler
