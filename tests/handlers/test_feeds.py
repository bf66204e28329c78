"""Feeds, the sitemap, and text files such as robots.txt."""

import json
from datetime import timedelta
from xml.etree import ElementTree

from tornado.httpclient import HTTPResponse

from models.comments import Attempt, Author, Comment
from tests.base import START, SiteTestCase, approve

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = 'A <b>title</b> & "more" ]]> \x0b </title><script>'
FEEDS = {"/rss.xml": "application/rss+xml", "/atom.xml": "application/atom+xml", "/feed.json": "application/feed+json"}


class FeedsTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = self.run_now(self.site.categories.named("Web & more"))
        self.post_by(
            "hello", title=HOSTILE, text="See [that](/plog/other) and ![it](/photos/x.webp)", categories=(self.web,)
        )
        self.post_by("other", published=START - timedelta(days=2))

    def get(self, path: str, **headers: str) -> HTTPResponse:
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def titles(self, path: str) -> list[str]:
        body = self.get(path).body
        if path.endswith(".json"):
            return [item["title"] for item in json.loads(body)["items"]]
        root = ElementTree.fromstring(body)
        is_atom = root.tag == f"{ATOM}feed"
        entries = root.findall(f"{ATOM}entry") if is_atom else root.findall("channel/item")
        return [entry.findtext(f"{ATOM}title" if is_atom else "title") or "" for entry in entries]

    def test_all_three_formats_list_the_newest_posts_and_are_well_formed(self) -> None:
        for path, kind in FEEDS.items():
            response = self.get(path)
            self.assertEqual(response.headers["Content-Type"], f"{kind}; charset=utf-8")
            first, second = self.titles(path)
            self.assertEqual((first.replace("\x0b", ""), second), (HOSTILE.replace("\x0b", ""), "Other"), path)

    def test_urls_in_feeds_are_absolute(self) -> None:
        for path in FEEDS:
            body = self.get(path).body.decode()
            self.assertIn(f"{self.settings.url}/plog/other", body)
            self.assertNotIn('href="/', body.replace("&quot;", '"'))

    def test_a_feed_has_at_most_ten_posts_and_only_visible_ones(self) -> None:
        for n in range(12):
            self.post_by(f"more-{n}", published=START - timedelta(days=n + 10))
        self.post_by("future", published=START + timedelta(days=1))
        for path in FEEDS:
            self.assertEqual(len(self.titles(path)), 10)
            self.assertNotIn("Future", self.titles(path))

    def test_a_filtered_feed_has_only_posts_of_its_categories_and_one_address(self) -> None:
        for path in FEEDS:
            self.assertEqual(len(self.titles(f"{self.web.path}{path}")), 1)
            response = self.get(f"/oc-WEB%20%26%20more{path}?x")
            self.assertEqual((response.code, response.headers["Location"]), (301, f"{self.web.path}{path}?x"))
            self.assertEqual(self.get(f"/oc-Nothing{path}").code, 404)

    def test_an_unchanged_feed_answers_304_by_etag_and_never_by_date(self) -> None:
        """No Last-Modified: nginx has none for a cached page, and would compare If-Modified-Since with a made-up date."""
        self.comment()
        for path in (*FEEDS, "/plog/hello/comments.atom"):
            response = self.get(path)
            self.assertNotIn("Last-Modified", response.headers)
            again = self.get(path, If_None_Match=response.headers["Etag"])
            self.assertEqual((again.code, again.body), (304, b""), path)
            self.assertEqual(again.headers["Etag"], response.headers["Etag"])
            self.assertIn("Content-Security-Policy", again.headers)
            for headers in ({"If_None_Match": '"other"'}, {"If_Modified_Since": "Sat, 21 Nov 2026 12:00:00 GMT"}):
                self.assertEqual(self.get(path, **headers).code, 200, (path, headers))

    def test_an_old_comment_that_is_approved_late_changes_the_comments_feed(self) -> None:
        path = "/plog/hello/comments.atom"
        held = self.comment(is_staff=False)
        self.clock.pass_by(hours=1)
        self.comment("Cy")
        before = self.get(path).headers
        self.clock.pass_by(hours=1)
        self.run_now(approve(self.site, held.id))
        self.assertEqual(self.get(path, If_None_Match=before["Etag"]).code, 200)

    def test_a_new_post_changes_the_feed(self) -> None:
        before = self.get("/rss.xml").headers
        self.clock.pass_by(hours=1)
        self.post_by("newer", published=self.clock())
        self.assertEqual(self.get("/rss.xml", If_None_Match=before["Etag"]).code, 200)

    def comment(self, name: str = "Bo <b>", is_staff: bool = True) -> Comment:
        post = self.run_now(self.site.posts.documents.by_slug("hello"))
        author = Author("0" * 12, is_staff=is_staff)
        return self.run_now(self.site.comments.writing.add(post, author, Attempt(f"Words of {name}", name)))

    def test_a_post_has_a_feed_of_its_published_comments(self) -> None:
        self.comment()
        post = self.run_now(self.site.posts.documents.by_slug("hello"))
        self.run_now(self.site.comments.writing.add(post, Author("1" * 12), Attempt("Waiting to be seen")))
        body = self.get("/plog/hello/comments.atom").body.decode()
        (entry,) = ElementTree.fromstring(body).findall(f"{ATOM}entry")
        self.assertEqual(entry.findtext(f"{ATOM}author/{ATOM}name"), "Bo <b>")
        self.assertNotIn("Waiting", body)
        address = entry.findtext(f"{ATOM}id") or ""
        self.assertEqual(self.get(address.removeprefix(self.settings.url)).code, 303)

    def test_links_in_a_comments_feed_are_marked_as_user_content(self) -> None:
        self.comment("https://spam.example/")
        body = self.get("/plog/hello/comments.atom").body
        content = ElementTree.fromstring(body).findtext(f"{ATOM}entry/{ATOM}content") or ""
        self.assertIn('<a href="https://spam.example/" rel="nofollow ugc noopener">', content)

    def test_hidden_comments_are_in_no_feed(self) -> None:
        self.comment()
        self.run_now(
            self.site.tools.mongo["posts"].update_one({"slug": "hello"}, {"$set": {"has_hidden_comments": True}})
        )
        answer = self.get("/plog/hello/comments.atom")
        self.assertEqual((answer.code, ElementTree.fromstring(answer.body).findall(f"{ATOM}entry")), (200, []))

    def test_every_address_in_the_sitemap_answers(self) -> None:
        self.run_now(self.site.categories.named("Without posts"))
        self.post_by("draft", is_draft=True, categories=(self.run_now(self.site.categories.named("Drafts")),))
        found = ElementTree.fromstring(self.get("/sitemap.xml").body)
        addresses = [element.text or "" for element in found.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
        paths = ["/", "/plog/", self.web.path, "/plog/hello", "/plog/other"]
        self.assertEqual(addresses, [self.settings.url + path for path in paths])
        for path in paths:
            self.assertEqual(self.get(path).code, 200, path)

    def test_robots_and_other_text_files_are_served(self) -> None:
        robots = self.get("/robots.txt")
        self.assertEqual(robots.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertIn(f"Sitemap: {self.settings.url}/sitemap.xml", robots.body.decode())
        self.assertEqual(self.get("/humans.txt").code, 200)
        security = self.get("/.well-known/security.txt").body.decode()
        self.assertIn(f"Contact: {self.settings.url}", security)
        self.assertIn("Expires: 2027-", security)
