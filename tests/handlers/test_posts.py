"""The archive and the pages of posts: each has one address."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from models.posts.documents import document_of
from tests.base import START
from tests.handlers.test_home import DAY, PageTest


class ArchiveTest(PageTest):
    def test_the_archive_groups_by_month(self) -> None:
        self.post_by("one", published=START - 40 * DAY)
        self.posts(2)
        page = self.text("/plog/")
        self.assertLess(page.index("November 2026"), page.index("October 2026"))
        self.assertEqual(self.client.get("/plog/year/2026").code, 404)

    def test_from_a_thousand_posts_on_each_year_has_a_page(self) -> None:
        post = self.post_by("first", published=START - 900 * DAY)
        document = document_of(post)
        more = [{**document, "_id": f"{n:012}", "slug": f"post-{n}-", "slug_key": f"post-{n}-",
                 "published": START - n * timedelta(hours=1)} for n in range(1000)]  # fmt: skip
        self.run_now(self.site.tools.mongo["posts"].insert_many(more))
        page = self.text("/plog/")
        self.assertIn('href="/plog/year/2024"', page)
        self.assertEqual(len(self.shown("/plog/")), 1000)
        self.assertNotIn("/plog/first", page)
        self.assertIn("/plog/first", self.text("/plog/year/2024"))
        self.assert_moves("/PLOG/Year/2024/", "/plog/year/2024")
        for year in ("2025", "0000", "9999"):
            self.assertEqual(self.client.get(f"/plog/year/{year}").code, 404, year)

    def test_a_malformed_year_is_not_found(self) -> None:
        for year in ("20244", "202", "\u0662\u0660\u0662\u0664", "\uff12\uff10\uff12\uff14", "-2024", "²"):
            for path in (f"/plog/year/{quote(year)}", f"/PLOG/year/{quote(year)}/"):
                self.assertEqual(self.client.get(path).code, 404, path)


class PostTest(PageTest):
    def test_an_invisible_post_is_not_found(self) -> None:
        self.post_by("future", published=START + DAY)
        self.post_by("draft", is_draft=True)
        self.post_by("archived", is_archived=True)
        for slug in ("future", "draft", "archived", "unknown", "%00", "x" * 2000):
            for path in (f"/plog/{slug}", f"/plog/{slug}/comments", f"/plog/{slug}/comments.atom", f"/PLOG/{slug}/"):
                self.assertEqual(self.client.get(path).code, 404, path)

    def test_any_combination_of_misspellings_redirects_once_and_keeps_its_query(self) -> None:
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

    def test_a_renamed_post_redirects_from_its_former_address(self) -> None:
        post = self.post_by("old")
        self.run_now(self.site.posts.writing.edit(replace(post, slug="new")))
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

    def test_a_post_links_to_its_neighbours_and_related_posts_once(self) -> None:
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

    def test_a_post_has_machine_readable_metadata(self) -> None:
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

    def test_everybody_gets_the_same_page(self) -> None:
        self.post_by("hello")
        stranger = self.client.get("/plog/hello")
        self.client.get("/me")
        self.assertEqual(self.client.get("/plog/hello").body, stranger.body)
        self.assertNotIn("Set-Cookie", stranger.headers)

    def test_an_address_that_is_not_utf_8_does_not_crash(self) -> None:
        for path in ("/plog/%ff", "/oc-%ff", "/%ff", "/plog/%ff/comments", "/%ED%A0%80"):
            self.assertIn(self.client.get(path).code, (400, 404), path)
