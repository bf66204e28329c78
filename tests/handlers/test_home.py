"""The home page, its numbered pages and its filters: each has one address."""

import re
from datetime import timedelta

from models.posts import Post
from tests.base import START, SiteTestCase

DAY = timedelta(days=1)


class PageTest(SiteTestCase):
    def posts(self, count: int, **changes: object) -> list[Post]:
        return [self.post_by(f"post-{n}-", published=START - n * DAY, **changes) for n in range(count)]

    def categories(self, *names: str) -> tuple:
        return tuple(self.run_now(self.site.categories.named(name)) for name in names)

    def text(self, path: str) -> str:
        response = self.client.get(path)
        self.assertEqual(response.code, 200, path)
        return response.body.decode()

    def shown(self, path: str) -> list[int]:
        """The numbers of the posts on a page, in the order of the page."""
        return [int(n) for n in dict.fromkeys(re.findall(r"/plog/post-(\d+)-", self.text(path)))]

    def assert_moves(self, path: str, to: str) -> None:
        response = self.client.get(path)
        self.assertEqual((response.code, response.headers.get("Location")), (301, to), path)


class HomeTest(PageTest):
    def test_home_renders_two_posts_and_names_the_address_of_the_rest(self) -> None:
        self.posts(12)
        self.assertEqual(self.shown("/"), [0, 1])
        self.assertIn("/rest/2/10/", self.text("/"))
        self.assertEqual(self.shown("/rest/2/10/"), list(range(2, 10)))
        self.assertEqual(self.shown("/p2"), [10, 11])

    def test_a_page_has_ten_posts_and_the_last_page_may_be_full(self) -> None:
        self.posts(20)
        self.assertEqual(self.shown("/p2"), list(range(10, 20)))
        self.assertNotIn('href="/p3"', self.text("/p2"))
        for past in ("/p3", "/p999999", "/p0", "/p1000000000", "/p-1"):
            self.assertEqual(self.client.get(past).code, 404, past)

    def test_a_site_without_posts_has_a_home_and_an_archive(self) -> None:
        for path in ("/", "/plog/", "/rest/2/10/", "/rss.xml", "/atom.xml", "/feed.json", "/sitemap.xml"):
            self.text(path)

    def test_every_other_spelling_redirects_once_and_keeps_its_query(self) -> None:
        self.posts(11)
        moves = {"/p1": "/", "/P2/": "/p2", "//p02": "/p2", "/p1/?a=b&c": "/?a=b&c", "//": "/"}
        moves |= {"/PLOG": "/plog/", "/plog//": "/plog/", "/RSS.XML/?x": "/rss.xml?x", "/Sitemap.XML": "/sitemap.xml"}
        moves |= {"/rest/2/10": "/rest/2/10/", "/REST/02/10/": "/rest/2/10/", "/rest/02/10/": "/rest/2/10/"}
        for path, to in moves.items():
            self.assert_moves(path, to)

    def test_a_former_address_that_looks_like_home_redirects_once_too(self) -> None:
        self.post_by("hello", addresses=("/?p=12",))
        for path in ("/?p=12", "/p1?p=12", "//?p=12", "/./?p=12", "/p1/?p=12"):
            self.assert_moves(path, "/plog/hello")
        self.assert_moves("/p1?p=12&a=b", "/plog/hello?a=b")
        self.assert_moves("/p1?p=13", "/?p=13")
        self.post_by("front", addresses=("/",))
        self.assert_moves("/p1", "/")

    def test_the_range_of_the_rest_is_bounded(self) -> None:
        self.posts(3)
        self.assertEqual(self.shown("/rest/0/20/"), [0, 1, 2])
        for path in ("/rest/2/21/", "/rest/5/5/", "/rest/9/2/", "/rest/-1/5/", "/rest/a/b/", "/rest/2/100/"):
            self.assertEqual(self.client.get(path).code, 404, path)

    def test_home_shows_a_post_up_to_its_cut(self) -> None:
        self.post_by("hello", text="Opening words\n\n<!--split-->\n\nClosing words")
        self.assertIn("Opening words", self.text("/"))
        self.assertNotIn("Closing words", self.text("/"))
        self.assertIn("Closing words", self.text("/plog/hello"))


class FilterTest(PageTest):
    def setUp(self) -> None:
        super().setUp()
        web, python, cafe = self.categories("Web development", "Python", "Café")
        for n, filed in enumerate(((web,), (python,), (web, python), (), (cafe,))):
            self.post_by(f"post-{n}-", published=START - n * DAY, categories=filed)

    def test_a_filter_shows_posts_in_any_of_its_categories_and_links_to_its_feed(self) -> None:
        self.assertEqual(self.shown("/oc-Python"), [1, 2])
        self.assertEqual(self.shown("/oc-Python/oc-Web+development"), [0, 1, 2])
        page = self.text("/oc-Python/oc-Web+development")
        self.assertIn("Clear filter", page)
        self.assertIn("/oc-Python/oc-Web+development/atom.xml", page)

    def test_other_case_order_repetition_and_spaces_redirect_once_to_the_alphabetical_address(self) -> None:
        both = "/oc-Python/oc-Web+development"
        for path in (
            "/oc-Web+development/oc-Python",
            "/oc-WEB+development/oc-python/",
            "/OC-python//oc-web%20development",
        ):
            self.assert_moves(path, both)
        for path in ("/oc-Python/oc-python", "/oc-Python/p1", "/oc-%50ython", "/oc-python/P1/"):
            self.assert_moves(path, "/oc-Python")
        self.assert_moves("/oc-web%2Bdevelopment?a=b", "/oc-Web+development?a=b")

    def test_categories_in_any_script_have_one_address(self) -> None:
        self.assertEqual(self.shown("/oc-Caf%C3%A9"), [4])
        for path in ("/oc-caf%C3%A9", "/oc-Caf%c3%a9", "/oc-CAF%C3%89/"):
            self.assert_moves(path, "/oc-Caf%C3%A9")

    def test_unknown_categories_and_more_than_four_are_not_found(self) -> None:
        self.categories(*"ABCDE")
        unknown = (
            "/oc-Nothing",
            "/oc-Python/oc-Nothing",
            "/oc-",
            "/oc-A/oc-B/oc-C/oc-D/oc-E",
            "/oc-Python/p2",
            "/oc-A",
        )
        for path in unknown:
            self.assertEqual(self.client.get(path).code, 404, path)

    def test_a_filtered_page_renders_ten_posts_at_once_and_has_its_own_pages(self) -> None:
        (many,) = self.categories("Many")
        for n in range(11):
            self.post_by(f"post-{n + 100}-", published=START - n * DAY, categories=(many,))
        self.assertEqual(self.shown("/oc-Many"), list(range(100, 110)))
        self.assertEqual(self.shown("/oc-Many/p2"), [110])
        self.assertIn('href="/oc-Many/p2"', self.text("/oc-Many"))
