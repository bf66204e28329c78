"""Which pages are kept, and what makes them go."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tornado.httpclient import HTTPResponse

from lib.pagecache import SUFFIXES, PageCache, Pending, name_of
from models.comments import Attempt, Author, CommentsPage, Threads
from models.pages import Pages
from models.posts import Post
from tests.base import START, SiteTestCase, data_folder

HTML = "text/html"
ADA = Author("ada000000000", "192.0.2.1", is_staff=True)
KEPT = ("/", "/p2", "/rest/2/10/", "/oc-Live", "/plog/", "/plog/post-1", "/rss.xml", "/oc-Live/atom.xml", "/feed.json")
KEPT_TOO = ("/sitemap.xml", "/plog/post-1/comments.atom")
NOT_KEPT = ("/?x=1", "/rest/0/2/", "/oc-Live/oc-Speed", "/me", "/signin", "/status", "/plog/nothing", "/robots.txt")


class CachingTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_now(self.site.pages.forget_all())
        live, speed = (self.run_now(self.site.categories.named(name)) for name in ("Live", "Speed"))
        for n in range(1, 13):
            filed = (live,) if n % 2 else (speed,)
            self.post_by(f"post-{n}", published=START - timedelta(days=n), categories=filed)

    def is_kept(self, address: str) -> bool:
        pages = data_folder() / "kept" / "now" / "pages"
        return any((pages / name_of(address, kind)).exists() for kind in SUFFIXES)

    def keep_all(self) -> None:
        for address in (*KEPT, *KEPT_TOO):
            self.assertEqual(self.client.get(address).code, 200)
            self.assertTrue(self.is_kept(address), address)

    def write(self, slug: str) -> Any:
        post = self.run_now(self.site.posts.by_slug(slug))
        return self.run_now(self.second_site.comments.add(post, ADA, Attempt(f"A comment on {slug}")))

    def test_pages_that_are_the_same_for_everybody_are_kept_as_they_were_sent(self) -> None:
        self.keep_all()
        sent = self.client.get("/plog/post-1").body
        kept = (Path(data_folder()) / "kept" / "now" / "pages" / "plog" / "post-1" / "page.html").read_bytes()
        self.assertEqual(kept, sent)

    def test_nothing_else_is(self) -> None:
        for address in NOT_KEPT:
            self.client.get(address)
        self.client.get("/PLOG/post-1")
        self.client.get("/plog/post-1/")
        pages = data_folder() / "kept" / "now" / "pages"
        self.assertEqual([path for path in pages.rglob("*") if path.is_file()], [])

    def test_a_comment_makes_every_page_go_that_shows_its_post_and_no_other(self) -> None:
        self.keep_all()
        self.client.get("/plog/post-2")
        self.write("post-2")
        self.assertEqual([a for a in (*KEPT, *KEPT_TOO) if not self.is_kept(a)], ["/", "/plog/"])
        self.assertFalse(self.is_kept("/plog/post-2"))
        self.assertIn("1 comment", self.client.get("/plog/").body.decode())

    def test_an_edited_post_makes_its_lists_and_its_neighbours_go(self) -> None:
        self.keep_all()
        for address in ("/plog/post-3", "/plog/post-12", "/oc-Speed"):
            self.client.get(address)
        post = self.run_now(self.site.posts.by_slug("post-2"))
        self.edit(post, title="Another title")
        for address in ("/", "/plog/post-1", "/plog/post-3", "/oc-Speed", "/plog/", "/rss.xml", "/sitemap.xml"):
            self.assertFalse(self.is_kept(address), address)
        self.assertIn("Another title", self.client.get("/plog/post-1").body.decode())

    def test_a_post_that_moves_to_another_category_makes_both_go(self) -> None:
        for address in ("/oc-Live", "/oc-Speed"):
            self.client.get(address)
        speed = self.run_now(self.site.categories.by_addresses(["Speed"]))
        self.edit(self.run_now(self.site.posts.by_slug("post-1")), categories=speed)
        self.assertFalse(self.is_kept("/oc-Live") or self.is_kept("/oc-Speed"))

    def test_a_renamed_category_makes_every_page_go_and_its_old_address_leads_to_the_new_one(self) -> None:
        self.keep_all()
        self.client.get("/oc-Live")
        self.run_now(self.site.categories.rename("Live", "Real time"))
        self.assertEqual([address for address in (*KEPT, "/oc-Live") if self.is_kept(address)], [])
        for former, now in (("/oc-Live", "/oc-Real+time"), ("/oc-Live/atom.xml", "/oc-Real+time/atom.xml")):
            answer = self.client.get(former)
            self.assertEqual((answer.code, answer.headers.get("Location")), (301, now))
        self.assertIn("Real time", self.client.get("/").body.decode())

    def test_a_scheduled_post_appears_by_itself_when_its_time_has_come(self) -> None:
        self.post_by("tomorrow", published=START + timedelta(days=1))
        self.assertNotIn("tomorrow", self.client.get("/").body.decode())
        self.clock.pass_by(hours=23)
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)
        self.assertTrue(self.is_kept("/"))
        self.clock.pass_by(hours=1, seconds=1)
        self.assertEqual(self.run_now(self.site.tell_untold()), 1)
        self.assertFalse(self.is_kept("/"))
        self.assertIn("tomorrow", self.client.get("/").body.decode())
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)

    def test_a_page_is_rendered_once_however_many_ask_at_once(self) -> None:
        async def ask() -> list[HTTPResponse]:
            return await asyncio.gather(*(self.client.fetch_async("GET", "/plog/post-1") for _ in range(10)))

        counted = Counted(self.site.pages)
        self.site.pages = counted  # type: ignore[assignment]
        answers = self.run_now(ask())
        self.assertEqual({answer.code for answer in answers}, {200})
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(
            {tuple(sorted(self.lasting(answer))) for answer in answers}, {tuple(sorted(self.lasting(answers[0])))}
        )
        self.assertEqual(counted.begun, 1)

    def test_who_asks_after_a_change_never_gets_what_was_begun_before(self) -> None:
        """A rendering is held up between reading and answering; a comment is written meanwhile; then somebody asks."""
        post = self.run_now(self.site.posts.by_slug("post-1"))

        slow = SlowOnce(self.site.threads)
        self.site.threads = slow  # type: ignore[assignment]

        async def story() -> tuple[HTTPResponse, HTTPResponse]:
            early = asyncio.ensure_future(self.client.fetch_async("GET", "/plog/post-1"))
            await slow.has_read.wait()
            await self.second_site.comments.add(post, ADA, Attempt("Written meanwhile"))
            late = await self.client.fetch_async("GET", "/plog/post-1")
            slow.may_go_on.set()
            return await early, late

        self.second_site
        early, late = self.run_now(story())
        self.assertNotIn(b"Written meanwhile", early.body)
        self.assertIn(b"Written meanwhile", late.body)
        self.assertIn(b"Written meanwhile", self.client.get("/plog/post-1").body)
        kept = data_folder() / "kept" / "now" / "pages" / "plog" / "post-1" / "page.html"
        self.assertIn(b"Written meanwhile", kept.read_bytes())

    def test_another_host_forgets_what_is_forgotten_here_and_everything_when_it_missed_something(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory(prefix="plog-abroad-")))
        abroad = Pages(PageCache(folder), self.second_site.channels, self.second_site.redis, "abroad")
        page = folder / "now" / "pages" / name_of("/", HTML)

        async def story() -> None:
            await abroad.listen()
            for forget in (lambda: self.site.pages.forget("home"), self.site.pages.forget_all):
                abroad.put(abroad.begin(), "/", HTML, b"x", ("home",))
                await forget()
                while page.exists():
                    await asyncio.sleep(0.01)
            await self.site.pages.forget("elsewhere")
            abroad.put(abroad.begin(), "/", HTML, b"x", ("home",))
            await self.site.redis.incr("pages:n")  # a message that got lost
            await self.site.pages.forget("elsewhere")
            while page.exists():
                await asyncio.sleep(0.01)

        self.run_now(story())

    def edit(self, post: Post, **changes: Any) -> None:
        self.run_now(self.site.posts.edit(replace(post, **changes)))

    def lasting(self, answer: HTTPResponse) -> list[tuple[str, str]]:
        return [(name, value) for name, value in answer.headers.get_all() if name not in ("Date",)]


class SlowOnce:
    """Threads whose first reading is held up before it is answered."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self.has_read, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def under(self, *given: Any) -> CommentsPage:
        page = await self.threads.under(*given)
        if not self.has_read.is_set():
            self.has_read.set()
            await self.may_go_on.wait()
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self.threads, name)


class Counted:
    """Pages that count how often one was begun."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.begun = 0

    def begin(self) -> Pending:
        self.begun += 1
        return self.pages.begin()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pages, name)
