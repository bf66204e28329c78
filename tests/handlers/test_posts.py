"""The pages of posts: home, its pages and filters, the archive, and each post."""

import json
import re
from dataclasses import replace
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
        """The numbers of the posts on a page, in their order."""
        return [int(n) for n in dict.fromkeys(re.findall(r"/plog/post-(\d+)-", self.text(path)))]

    def assert_moves(self, path: str, to: str) -> None:
        response = self.client.get(path)
        self.assertEqual((response.code, response.headers.get("Location")), (301, to), path)


class HomeTest(PageTest):
    def test_home_renders_two_posts_and_names_where_the_rest_is(self) -> None:
        self.posts(12)
        self.assertEqual(self.shown("/"), [0, 1])
        self.assertIn("/rest/2/10/", self.text("/"))
        self.assertEqual(self.shown("/rest/2/10/"), list(range(2, 10)))
        self.assertEqual(self.shown("/p2"), [10, 11])

    def test_a_page_is_ten_posts_and_the_last_one_may_be_full(self) -> None:
        self.posts(20)
        self.assertEqual(self.shown("/p2"), list(range(10, 20)))
        self.assertNotIn('href="/p3"', self.text("/p2"))
        for past in ("/p3", "/p999999", "/p0", "/p1000000000", "/p-1"):
            self.assertEqual(self.client.get(past).code, 404, past)

    def test_a_site_without_posts_has_a_home_and_an_archive(self) -> None:
        for path in ("/", "/plog/", "/rest/2/10/", "/rss.xml", "/atom.xml", "/feed.json", "/sitemap.xml"):
            self.text(path)

    def test_every_other_spelling_is_one_301_with_its_query(self) -> None:
        self.posts(11)
        moves = {"/p1": "/", "/P2/": "/p2", "//p02": "/p2", "/p1/?a=b&c": "/?a=b&c", "//": "/"}
        moves |= {"/PLOG": "/plog/", "/plog//": "/plog/", "/RSS.XML/?x": "/rss.xml?x", "/Sitemap.XML": "/sitemap.xml"}
        moves |= {"/rest/2/10": "/rest/2/10/", "/REST/02/10/": "/rest/2/10/", "/rest/02/10/": "/rest/2/10/"}
        for path, to in moves.items():
            self.assert_moves(path, to)

    def test_the_rest_has_bounds(self) -> None:
        self.posts(3)
        self.assertEqual(self.shown("/rest/0/20/"), [0, 1, 2])
        for path in ("/rest/2/21/", "/rest/5/5/", "/rest/9/2/", "/rest/-1/5/", "/rest/a/b/", "/rest/2/100/"):
            self.assertEqual(self.client.get(path).code, 404, path)

    def test_home_shows_a_post_as_far_as_its_author_cut_it(self) -> None:
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

    def test_a_filter_shows_posts_in_any_of_its_categories_and_names_itself(self) -> None:
        self.assertEqual(self.shown("/oc-Python"), [1, 2])
        self.assertEqual(self.shown("/oc-Python/oc-Web+development"), [0, 1, 2])
        page = self.text("/oc-Python/oc-Web+development")
        self.assertIn("Clear filter", page)
        self.assertIn("/oc-Python/oc-Web+development/atom.xml", page)

    def test_case_order_repetition_and_spaces_are_one_301_to_the_alphabetical_address(self) -> None:
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

    def test_letters_of_any_language_have_one_address_that_answers(self) -> None:
        self.assertEqual(self.shown("/oc-Caf%C3%A9"), [4])
        for path in ("/oc-caf%C3%A9", "/oc-Caf%c3%a9", "/oc-CAF%C3%89/"):
            self.assert_moves(path, "/oc-Caf%C3%A9")

    def test_unknown_ones_and_more_than_four_are_not_there(self) -> None:
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

    def test_a_filtered_page_has_ten_posts_at_once_and_its_own_pages(self) -> None:
        (many,) = self.categories("Many")
        for n in range(11):
            self.post_by(f"post-{n + 100}-", published=START - n * DAY, categories=(many,))
        self.assertEqual(self.shown("/oc-Many"), list(range(100, 110)))
        self.assertEqual(self.shown("/oc-Many/p2"), [110])
        self.assertIn('href="/oc-Many/p2"', self.text("/oc-Many"))


class ArchiveTest(PageTest):
    def test_the_archive_groups_by_month(self) -> None:
        self.post_by("one", published=START - 40 * DAY)
        self.posts(2)
        page = self.text("/plog/")
        self.assertLess(page.index("November 2026"), page.index("October 2026"))
        self.assertEqual(self.client.get("/plog/year/2026").code, 404)

    def test_beyond_a_thousand_posts_each_year_is_a_page(self) -> None:
        post = self.post_by("first", published=START - 900 * DAY)
        document = post.to_document()
        more = [{**document, "_id": f"{n:012}", "slug": f"post-{n}-", "slug_key": f"post-{n}-",
                 "published": START - n * timedelta(hours=1)} for n in range(1000)]  # fmt: skip
        self.run_now(self.site.mongo["posts"].insert_many(more))
        page = self.text("/plog/")
        self.assertIn('href="/plog/year/2024"', page)
        self.assertEqual(len(self.shown("/plog/")), 1000)
        self.assertNotIn("/plog/first", page)
        self.assertIn("/plog/first", self.text("/plog/year/2024"))
        self.assert_moves("/PLOG/Year/2024/", "/plog/year/2024")
        for year in ("2025", "0000", "9999"):
            self.assertEqual(self.client.get(f"/plog/year/{year}").code, 404, year)


class PostTest(PageTest):
    def test_what_nobody_may_see_is_nowhere(self) -> None:
        self.post_by("future", published=START + DAY)
        self.post_by("draft", is_draft=True)
        self.post_by("archived", is_archived=True)
        for slug in ("future", "draft", "archived", "unknown", "%00", "x" * 2000):
            for path in (f"/plog/{slug}", f"/plog/{slug}/comments", f"/plog/{slug}/comments.atom", f"/PLOG/{slug}/"):
                self.assertEqual(self.client.get(path).code, 404, path)

    def test_a_misspelling_in_any_combination_is_one_301_with_its_query(self) -> None:
        self.post_by("Grüße-2")
        right = "/plog/Gr%C3%BC%C3%9Fe-2"
        self.text(right)
        for path in (
            "/plog/gr%c3%bc%c3%9fe-2",
            "//PLOG//GR%C3%BCSSE-2//",
            "/plog/Gr%C3%BC%C3%9Fe%2D2/",
            "/plog%2Fgr%C3%BC%C3%9Fe-2",
        ):
            self.assert_moves(f"{path}?a=b&c=%20", f"{right}?a=b&c=%20")
        self.assert_moves("/plog/GR%C3%BCSSE-2/comments.atom/", f"{right}/comments.atom")
        self.assert_moves("/plog/gr%C3%BC%C3%9Fe-2/comments.atom", f"{right}/comments.atom")
        self.assert_moves("/plog/gr%C3%BC%C3%9Fe-2/comments?after=0", f"{right}/comments?after=0")

    def test_a_post_that_was_renamed_is_found_where_it_was(self) -> None:
        post = self.post_by("old")
        self.run_now(self.site.posts.edit(replace(post, slug="new")))
        for path, to in (
            ("/plog/OLD", "/plog/new"),
            ("/plog/old/?a", "/plog/new?a"),
            ("/plog/old/comments", "/plog/new/comments"),
        ):
            self.assert_moves(path, to)

    def test_head_is_get_without_a_body(self) -> None:
        self.post_by("hello")
        for path in (
            "/",
            "/plog/",
            "/plog/hello",
            "/plog/hello/comments",
            "/rss.xml",
            "/plog/HELLO",
            "/nowhere",
            "/robots.txt",
        ):
            get, head = self.client.get(path), self.client.fetch("HEAD", path)
            self.assertEqual((head.code, head.body), (get.code, b""), path)
            self.assertEqual({**head.headers, "Date": ""}, {**get.headers, "Date": ""}, path)

    def test_a_post_names_its_neighbours_and_relatives_once(self) -> None:
        (web,) = self.categories("Web")
        posts = self.posts(4, categories=(web,))
        page = self.text(posts[1].path)
        self.assertEqual(
            re.findall(r'rel="(prev|next)" href="([^"]+)"', page), [("prev", posts[2].path), ("next", posts[0].path)]
        )
        related = page[page.index('id="related"') :]
        self.assertEqual(
            [path in related for path in (posts[0].path, posts[2].path, posts[3].path)], [False, False, True]
        )

    def test_an_old_post_says_how_old_it_is(self) -> None:
        for years, words in ((2, ""), (3, "3 years ago"), (5, "5 years ago"), (7, "7 years ago")):
            self.post_by(f"aged-{years}", published=START - years * 366 * DAY)
            page = self.text(f"/plog/aged-{years}")
            self.assertEqual("years ago" in page, bool(words))
            self.assertIn(words, page)

    def test_a_post_describes_itself_to_machines(self) -> None:
        self.post_by(
            "hello", title='</script><script>alert(1)</script> "&', summary="About <hello>", keywords=("one", "two")
        )
        page = self.text("/plog/hello")
        address = f"{self.settings.url}/plog/hello"
        self.assertIn(f'<link rel="canonical" href="{address}">', page)
        self.assertIn(f'<meta property="og:url" content="{address}">', page)
        self.assertIn('<meta property="og:description" content="About &lt;hello&gt;">', page)
        (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
        described = json.loads(found)
        self.assertEqual(described["headline"], '</script><script>alert(1)</script> "&')
        self.assertEqual((described["url"], described["keywords"]), (address, ["one", "two"]))
        self.assertNotIn("<script>alert", page)

    def test_the_same_page_is_for_everybody(self) -> None:
        self.post_by("hello")
        stranger = self.client.get("/plog/hello")
        self.client.get("/me")
        self.assertEqual(self.client.get("/plog/hello").body, stranger.body)
        self.assertNotIn("Set-Cookie", stranger.headers)

    def test_an_address_that_is_no_text_is_no_crash(self) -> None:
        for path in ("/plog/%ff", "/oc-%ff", "/%ff", "/plog/%ff/comments", "/%ED%A0%80"):
            self.assertIn(self.client.get(path).code, (400, 404), path)
