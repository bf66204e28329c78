"""Every page answers with its expected status. A route that is missing in the tables below fails."""

import re

from handlers import routes
from models.comments import Attempt, Author
from tests.base import SiteTestCase

GET = {
    "/": 200,
    "/p2": 200,
    "/oc-Web": 200,
    "/oc-Web/p2": 200,
    "/oc-Live/oc-Web": 200,
    "/oc-Live/oc-Web/p2": 200,
    "/oc-Live/oc-Web/rss.xml": 200,
    "/rest/2/10/": 200,
    "/rest/0/2/": 200,
    "/rss.xml": 200,
    "/atom.xml": 200,
    "/feed.json": 200,
    "/oc-Web/rss.xml": 200,
    "/plog/": 200,
    "/plog/year/2026": 404,  # the archive is one page until there are a thousand posts
    "/plog/hello": 200,
    "/plog/hello/p1": 404,  # all comments are on the post itself
    "/plog/hello/comments.atom": 200,
    "/plog/hello/comments": 200,
    "/plog/hello/comments/preview": 405,
    "/plog/hello/comments/{id}": 303,
    "/sitemap.xml": 200,
    "/robots.txt": 200,
    "/humans.txt": 200,
    "/.well-known/security.txt": 200,
    "/stats/": 200,
    "/quiz/": 200,
    "/quiz/name": 405,
    "/quiz/battle": 200,
    "/quiz/highscores": 200,
    "/quiz/battles/{id}": 404,
    "/me": 200,
    "/signin": 200,
    f"/signin/{'x' * 43}": 200,
    "/signout": 303,
    "/status": 200,
    "/metrics": 200,
    "/live/": 200,
    "/live/info": 200,
}
ADMIN = {
    "/admin/": 200,
    "/admin/comments/": 200,
    "/admin/comments/{id}": 200,
    "/admin/comments/{id}/approval": 405,
    "/admin/comments/{id}/text": 405,
    "/admin/comments/{id}/reply": 405,
    "/status": 200,
    "/metrics": 200,
}


class SmokeTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        web, _ = (self.run_now(self.site.categories.named(name)) for name in ("Web", "Live"))
        posts = [
            self.post_by("hello", categories=(web,)),
            *(self.post_by(f"{n}", categories=(web,)) for n in range(10)),
        ]
        ada = Author("0" * 12, is_staff=True)
        self.comment = self.run_now(self.site.comments.writing.add(posts[0], ada, Attempt("Hello")))

    def test_every_public_page_answers(self) -> None:
        for path, status in GET.items():
            self.assertEqual(self.client.get(path.format(id=self.comment.id)).code, status, path)

    def test_every_admin_page_answers(self) -> None:
        ada = self.admin_client()
        for path, status in ADMIN.items():
            self.assertEqual(ada.get(path.format(id=self.comment.id)).code, status, path)

    def test_every_route_is_requested_by_these_tests(self) -> None:
        for table, paths in ((routes.PUBLIC, GET), (routes.ADMIN, ADMIN), (routes.EVERYWHERE, GET)):
            for page in table:
                met = any(re.fullmatch(page.pattern, path.format(id="0" * 12)) for path in paths)
                self.assertTrue(met, f"no path in tests/test_smoke.py matches {page.pattern}")
