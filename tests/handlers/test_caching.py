"""Which pages are cached, and what invalidates them."""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tornado.httpclient import HTTPResponse

from lib import json
from lib.pagecache import SUFFIXES, Body, PageCache, Pending, Unwritable, name_of
from models.comments import Attempt, Author, Comment, CommentsPage, Status
from models.comments.reading import CommentReading
from models.pages import Pages
from models.posts import Post
from models.site import Site
from tests.base import START, SiteTestCase, approve, data_folder
from tests.disks import REFUSALS, read_only
from ui_modules.comments import comment_json

HTML = "text/html"
ADA = Author("ada000000000", "192.0.2.1", is_staff=True)
CACHED = (
    "/",
    "/p2",
    "/rest/2/10/",
    "/oc-Live",
    "/plog/",
    "/plog/post-1",
    "/rss.xml",
    "/oc-Live/atom.xml",
    "/feed.json",
)
ALSO_CACHED = ("/sitemap.xml", "/plog/post-1/comments.atom")
NOT_CACHED = ("/?x=1", "/rest/0/2/", "/oc-Live/oc-Speed", "/me", "/signin", "/status", "/plog/nothing", "/robots.txt")


class CachingTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.run_now(self.site.pages.invalidate_everywhere(None))
        live, speed = (self.run_now(self.site.categories.named(name)) for name in ("Live", "Speed"))
        for n in range(1, 13):
            filed = (live,) if n % 2 else (speed,)
            self.post_by(f"post-{n}", published=START - timedelta(days=n), categories=filed)

    def a_second_passes(self, site: Site) -> int:
        """What the worker does each second."""
        self.run_now(site.posts.writing.show_due())
        return self.run_now(site.tell_untold())

    def abroad(self, folder: Path) -> Pages:
        """The cached pages of another host."""
        return Pages(replace(self.second_site.tools, page_cache=PageCache(folder), host="abroad"))

    def is_cached(self, address: str) -> bool:
        pages = data_folder() / "kept" / "now" / "pages"
        return any((pages / name_of(address, kind)).exists() for kind in SUFFIXES)

    def cache_all(self) -> None:
        for address in (*CACHED, *ALSO_CACHED):
            self.assertEqual(self.client.get(address).code, 200)
            self.assertTrue(self.is_cached(address), address)

    def write(self, slug: str) -> Any:
        post = self.run_now(self.site.posts.documents.by_slug(slug))
        return self.run_now(self.second_site.comments.writing.add(post, ADA, Attempt(f"A comment on {slug}")))

    def test_pages_that_are_the_same_for_everybody_are_cached_as_they_were_sent(self) -> None:
        self.cache_all()
        sent = self.client.get("/plog/post-1").body
        cached = (Path(data_folder()) / "kept" / "now" / "pages" / "plog" / "post-1" / "page.html").read_bytes()
        self.assertEqual(cached, sent)

    def test_no_other_page_is_cached(self) -> None:
        for address in NOT_CACHED:
            self.client.get(address)
        self.client.get("/PLOG/post-1")
        self.client.get("/plog/post-1/")
        pages = data_folder() / "kept" / "now" / "pages"
        self.assertEqual([path for path in pages.rglob("*") if path.is_file()], [])

    def test_a_comment_invalidates_only_the_pages_that_show_its_post(self) -> None:
        self.cache_all()
        self.client.get("/plog/post-2")
        self.write("post-2")
        self.assertEqual([a for a in (*CACHED, *ALSO_CACHED) if not self.is_cached(a)], ["/", "/plog/"])
        self.assertFalse(self.is_cached("/plog/post-2"))
        self.assertIn("1 comment", self.client.get("/plog/").body.decode())

    def test_an_edited_post_invalidates_its_lists_and_its_neighbours(self) -> None:
        self.cache_all()
        for address in ("/plog/post-3", "/plog/post-12", "/oc-Speed"):
            self.client.get(address)
        post = self.run_now(self.site.posts.documents.by_slug("post-2"))
        self.edit(post, title="Another title")
        for address in ("/", "/plog/post-1", "/plog/post-3", "/oc-Speed", "/plog/", "/rss.xml", "/sitemap.xml"):
            self.assertFalse(self.is_cached(address), address)
        self.assertIn("Another title", self.client.get("/plog/post-1").body.decode())

    def test_a_post_that_moves_to_another_category_invalidates_both(self) -> None:
        for address in ("/oc-Live", "/oc-Speed"):
            self.client.get(address)
        speed = self.run_now(self.site.categories.by_addresses(["Speed"]))
        self.edit(self.run_now(self.site.posts.documents.by_slug("post-1")), categories=speed)
        self.assertFalse(self.is_cached("/oc-Live") or self.is_cached("/oc-Speed"))

    def test_a_renamed_category_invalidates_every_page_and_its_old_address_redirects(self) -> None:
        self.cache_all()
        self.client.get("/oc-Live")
        self.run_now(self.site.categories.rename("Live", "Real time"))
        self.assertEqual([address for address in (*CACHED, "/oc-Live") if self.is_cached(address)], [])
        for former, now in (("/oc-Live", "/oc-Real+time"), ("/oc-Live/atom.xml", "/oc-Real+time/atom.xml")):
            answer = self.client.get(former)
            self.assertEqual((answer.code, answer.headers.get("Location")), (301, now))
        self.assertIn("Real time", self.client.get("/").body.decode())

    def test_a_scheduled_post_appears_by_itself_when_its_time_has_come(self) -> None:
        self.post_by("tomorrow", published=START + timedelta(days=1))
        self.assertNotIn("tomorrow", self.client.get("/").body.decode())
        self.clock.pass_by(hours=23)
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)
        self.assertTrue(self.is_cached("/"))
        self.clock.pass_by(hours=1, seconds=1)
        self.assertEqual(self.run_now(self.site.tell_untold()), 1)
        self.assertFalse(self.is_cached("/"))
        self.assertIn("tomorrow", self.client.get("/").body.decode())
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)

    def test_a_page_is_rendered_once_however_many_ask_at_once(self) -> None:
        async def ask() -> list[HTTPResponse]:
            return await asyncio.gather(*(self.client.fetch_async("GET", "/plog/post-1") for _ in range(10)))

        counted = Counted(self.site.pages.cache)
        self.site.pages.cache = counted  # type: ignore[assignment]
        answers = self.run_now(ask())
        self.assertEqual({answer.code for answer in answers}, {200})
        self.assertEqual(len({answer.body for answer in answers}), 1)
        self.assertEqual(
            {tuple(sorted(self.lasting(answer))) for answer in answers}, {tuple(sorted(self.lasting(answers[0])))}
        )
        self.assertEqual(counted.begun, 1)

    def test_visitors_that_share_a_rendering_each_get_the_encoding_that_they_take(self) -> None:
        async def ask() -> list[HTTPResponse]:
            asking = (self.client.fetch_async("GET", "/plog/post-1", takes_gzip=n % 2 == 0) for n in range(10))
            return await asyncio.gather(*asking)

        counted = Counted(self.site.pages.cache)
        self.site.pages.cache = counted  # type: ignore[assignment]
        answers = self.run_now(ask())
        self.assertEqual(counted.begun, 1)
        self.assertEqual(len({answer.body for answer in answers}), 1)
        encodings = [answer.headers.get("X-Consumed-Content-Encoding") for answer in answers]
        self.assertEqual(encodings, ["gzip", None] * 5)
        for n in (0, 1):
            self.assertEqual(len({answer.headers["Etag"] for answer in answers[n::2]}), 1)
        self.assertNotEqual(answers[0].headers["Etag"], answers[1].headers["Etag"])

    def test_a_request_after_a_change_never_gets_a_page_that_was_begun_before(self) -> None:
        """A rendering is held up between reading and answering; a comment is written meanwhile; then somebody asks."""
        post = self.run_now(self.site.posts.documents.by_slug("post-1"))

        slow = SlowOnce(self.site.comments.reading)
        self.site.comments.reading = slow  # type: ignore[assignment]

        async def story() -> tuple[HTTPResponse, HTTPResponse]:
            early = asyncio.ensure_future(self.client.fetch_async("GET", "/plog/post-1"))
            await slow.has_read.wait()
            await self.second_site.comments.writing.add(post, ADA, Attempt("Written meanwhile"))
            late = await self.client.fetch_async("GET", "/plog/post-1")
            slow.may_go_on.set()
            return await early, late

        self.second_site
        early, late = self.run_now(story())
        self.assertNotIn(b"Written meanwhile", early.body)
        self.assertIn(b"Written meanwhile", late.body)
        self.assertIn(b"Written meanwhile", self.client.get("/plog/post-1").body)
        page = data_folder() / "kept" / "now" / "pages" / "plog" / "post-1" / "page.html"
        self.assertIn(b"Written meanwhile", page.read_bytes())

    def test_another_host_invalidates_the_same_pages_and_all_pages_if_it_missed_a_message(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory(prefix="plog-abroad-")))
        abroad = self.abroad(folder)
        page = folder / "now" / "pages" / name_of("/", HTML)

        async def story() -> None:
            await abroad.listen()
            for tags in (("home",), None):
                abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), ("home",))
                await self.site.pages.invalidate_everywhere(tags)
                while page.exists():
                    await asyncio.sleep(0.01)
            await self.site.pages.invalidate_everywhere(["elsewhere"])
            abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), ("home",))
            for pages in (self.site.pages, abroad):  # also one of its own hides no other
                abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), ("home",))
                await self.site.tools.redis.incr("pages:n")  # a message that got lost
                await pages.invalidate_everywhere(["elsewhere"])
                while page.exists():
                    await asyncio.sleep(0.01)

        self.run_now(story())

    def test_what_changes_while_redis_is_away_reaches_other_hosts_when_it_is_back(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory(prefix="plog-abroad-")))
        abroad = self.abroad(folder)
        alone = self.site_without_redis()
        post = self.run_now(self.site.posts.documents.by_slug("post-1"))

        def cache(*tags: str) -> None:
            abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), tags)

        async def reaches(change: Awaitable[Any]) -> None:
            page = folder / "now" / "pages" / name_of("/", HTML)
            await change
            self.clock.pass_by(seconds=6)
            self.assertTrue(page.exists())
            self.assertEqual([await self.site.tell_untold() for _ in range(2)], [1, 0])
            async with asyncio.timeout(10):
                while page.exists():
                    await asyncio.sleep(0.01)

        self.run_now(abroad.listen())
        cache("home")
        self.run_now(reaches(alone.posts.writing.edit(replace(post, title="Another title"))))
        cache("anything")
        self.run_now(reaches(alone.categories.rename("Live", "Real time")))
        cache(post.tag)
        self.run_now(reaches(alone.comments.writing.add(post, ADA, Attempt("Written without Redis"))))
        cache(post.tag)
        brought = Comment(
            id="c" * 12, post=post.id, author=ADA.id, text="x", html="x", created=START, status=Status.PUBLISHED
        )
        self.run_now(reaches(alone.comments.writing.bring(post, [brought])))

    def test_while_redis_is_away_untold_entries_invalidate_nothing_and_scheduled_posts_appear(self) -> None:
        alone = self.site_without_redis()
        self.post_by("tomorrow", published=START + timedelta(days=1))
        post = self.run_now(self.site.posts.documents.by_slug("post-1"))
        self.run_now(alone.comments.writing.add(post, ADA, Attempt("Written without Redis")))
        self.run_now(alone.posts.writing.edit(replace(post, title="Edited without Redis")))
        self.clock.pass_by(seconds=6)
        self.a_second_passes(alone)
        self.cache_all()
        pending = self.site.pages.cache.begin()
        self.assertEqual([self.a_second_passes(alone) for _ in range(3)], [0, 0, 0])
        self.assertTrue(self.is_cached("/") and pending.is_current)
        self.clock.pass_by(days=1)
        self.a_second_passes(alone)
        self.assertIn("tomorrow", self.client.get("/").body.decode())
        self.a_second_passes(alone)
        self.assertTrue(self.is_cached("/"))
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [3, 0])

    def test_a_redis_that_refuses_writes_costs_one_invalidation_and_not_one_each_second(self) -> None:
        self.run_now(self.site.tools.redis.config_set("maxmemory", 1))
        self._closing.append(partial(self.site.tools.redis.config_set, "maxmemory", 0))
        self.write("post-1")
        self.clock.pass_by(seconds=6)
        for is_cached in (False, True, True):
            self.client.get("/plog/post-1")
            self.assertEqual(self.run_now(self.site.tell_untold()), 0)
            self.assertEqual(self.is_cached("/plog/post-1"), is_cached)

    def test_pages_are_answered_where_none_can_be_cached(self) -> None:
        folder = data_folder() / "kept" / "now"
        folder.parent.mkdir(exist_ok=True)
        folder.write_text("This is no folder.")
        self.addCleanup(folder.unlink)
        for address in (*CACHED, *ALSO_CACHED):
            self.assertEqual(self.client.get(address).code, 200)
        self.expect_log("Pages cannot be cached")  # once

    def test_a_change_whose_pages_cannot_be_removed_is_stored_and_published_and_the_worker_repeats_it(self) -> None:
        self.cache_all()
        post = self.run_now(self.site.posts.documents.by_slug("post-1"))
        heard = Heard()
        self.run_now(
            self.second_site.tools.channels.follow(
                post.channel, heard, lambda: self.site.comments.documents.newest_n(post.id)
            )
        )
        with read_only(data_folder() / "kept"):
            answer = self.client_signed_in("ada@example.com").post(
                "/plog/post-1/comments", json_body={"text": "Written while nothing could be removed"}
            )
            self.assertEqual(answer.code, 201)
            self.run_now(approve(self.site, json.loads(answer.body)["id"]))
            self.run_now(heard.an_event())
            self.edit(self.run_now(self.site.posts.documents.by_slug("post-2")), title="Another title")
            self.run_now(self.site.categories.rename("Live", "Real time"))
            self.clock.pass_by(seconds=6)
            self.assertEqual(self.run_now(self.site.tell_untold()), 0)
            self.assertTrue(self.is_cached("/plog/post-1"))
        self.expect_log("Cached pages cannot be removed")  # once
        self.assertEqual(self.changes_told_later(), 3)
        self.assertFalse(self.is_cached("/plog/post-1"))
        self.assertIn("Written while nothing could be removed", self.client.get("/plog/post-1").body.decode())

    def test_pages_that_the_worker_or_another_host_could_not_remove_are_removed_once_the_disk_allows_it(self) -> None:
        folder = Path(self.enterContext(TemporaryDirectory(prefix="plog-abroad-")))
        abroad = self.abroad(folder)
        page = folder / "now" / "pages" / name_of("/", HTML)
        self.run_now(abroad.listen())
        abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), ("home",))
        with read_only(folder):
            self.run_now(self.site.pages.invalidate_everywhere(["home"]))
            self.run_now(self.logged(f"{folder}/now.*: ({REFUSALS})"))
            self.run_now(abroad.catch_up())
            self.run_now(abroad.listen())
        self.assertTrue(page.exists())
        self.run_now(abroad.catch_up())
        self.assertFalse(page.exists())
        abroad.cache.put(abroad.cache.begin(), "/", HTML, Body(b"x"), ("home",))
        self.run_now(abroad.catch_up())
        self.assertTrue(page.exists())
        with read_only(folder), self.assertRaises(Unwritable):
            self.run_now(abroad.invalidate_everywhere(["home"]))
        self.run_now(abroad.catch_up())
        self.assertFalse(page.exists())

    def test_the_sweep_removes_a_cache_that_was_invalidated_as_a_whole_and_leaves_the_current_one(self) -> None:
        self.client.get("/")
        self.run_now(self.site.pages.invalidate_everywhere(None))
        self.cache_all()
        self.assertEqual(self.run_now(self.site.pages.sweep()), 0)
        self.assertEqual([path.name for path in (data_folder() / "kept").iterdir()], ["now"])
        self.assertTrue(self.is_cached("/"))

    def test_the_archive_is_cached_under_one_tag_however_many_posts_it_lists(self) -> None:
        self.client.get("/plog/")
        tags = list((data_folder() / "kept" / "now" / "tags").iterdir())
        self.assertEqual((self.is_cached("/plog/"), len(tags)), (True, 1))

    def test_a_page_that_is_not_there_is_looked_for_once_however_many_ask_at_once(self) -> None:
        counted = Counted(self.site.pages.cache)
        self.site.pages.cache = counted  # type: ignore[assignment]
        answers = self.run_now(self.asked_at_once("/plog/nothing"))
        self.assertEqual([answer.code for answer in answers], [404] * 20)
        self.assertEqual(counted.begun, 1)

    def test_requests_whose_answer_cannot_be_shared_are_rendered_one_after_another(self) -> None:
        for address, code in (("/PLOG/post-1", 301), ("/plog/POST-1", 301), ("/oc-Live/oc-Speed", 200)):
            counted = Counted(self.site.pages.cache)
            self.site.pages.cache = counted  # type: ignore[assignment]
            answers = self.run_now(self.asked_at_once(address))
            self.assertEqual([answer.code for answer in answers], [code] * 20)
            self.assertLessEqual(counted.most_at_once, 1)
            self.site.pages.cache = counted.cache

    def test_a_bare_question_mark_is_another_spelling(self) -> None:
        right = {address: address for address in ("/plog/post-1", "/", "/rss.xml", "/oc-Live/oc-Speed", "/p2")}
        right |= {"/plog/POST-1": "/plog/post-1", "/PLOG/post-1/": "/plog/post-1", "/p1": "/", "/oc-live": "/oc-Live"}
        right |= {"/oc-Speed/oc-LIVE": "/oc-Live/oc-Speed", "/rest/02/10/": "/rest/2/10/", "//rss.xml": "/rss.xml"}
        for misspelt, address in right.items():
            head = self.run_now(self.head_of(f"{misspelt}?"))
            self.assertIn(" 301 ", head, misspelt)
            self.assertIn(f"\r\nLocation: {address}\r\n", head)
            self.assertIn("\r\nContent-Length: 0\r\n", head)
        for nowhere in ("/plog/nothing", "/oc-Nothing", "/p99"):
            self.assertIn(" 404 ", self.run_now(self.head_of(f"{nowhere}?")))

    def test_dots_in_an_address_are_another_spelling(self) -> None:
        moved = {"/plog/./post-1": "/plog/post-1", "/./plog/post-1": "/plog/post-1", "/plog/x/..": "/plog/", "/./": "/"}
        moved |= {
            "/plog/x/../post-1": "/plog/post-1",
            "/oc-Live/.": "/oc-Live",
            "/a/../../plog/./post-1": "/plog/post-1",
        }
        for address, right in moved.items():
            answer = self.client.get(address)
            self.assertEqual((answer.code, answer.headers.get("Location")), (301, right), address)
        for address in ("/plog/..", "/plog/.", "/x/./y"):
            self.assertEqual(self.client.get(address).code, 404, address)

    async def head_of(self, address: str) -> str:
        """Status and headers of an answer, where a client would spell the address as it likes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.get_http_port())
        writer.write(f"GET {address} HTTP/1.1\r\nHost: plog.example\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return head.decode()

    async def asked_at_once(self, address: str) -> list[HTTPResponse]:
        self.http_client.max_clients = 20
        return await asyncio.gather(*(self.client.fetch_async("GET", address) for _ in range(20)))

    def changes_told_later(self) -> int:
        """How many changes the worker tells, once it tries again."""

        async def tell() -> int:
            async with asyncio.timeout(20):
                while not (number := await self.site.tell_untold()):
                    await asyncio.sleep(0.1)
            return number

        return self.run_now(tell())

    async def logged(self, pattern: str) -> None:
        """Returns once a warning like this is in the log, and takes it out."""
        async with asyncio.timeout(10):
            while not (found := [line for line in self.log.lines if re.search(pattern, line)]):
                await asyncio.sleep(0.01)
        for line in found:
            self.log.lines.remove(line)

    def site_without_redis(self) -> Site:
        """Another process of this host, that does not reach Redis."""
        settings = replace(self.settings, redis_url="unix:///nowhere.sock")
        site: Site = self.run_now(Site.open(settings, comment_json, self.clock))
        self._closing.append(site.close)
        return site

    def edit(self, post: Post, **changes: Any) -> None:
        self.run_now(self.site.posts.writing.edit(replace(post, **changes)))

    def lasting(self, answer: HTTPResponse) -> list[tuple[str, str]]:
        return [(name, value) for name, value in answer.headers.get_all() if name not in ("Date",)]


class Heard:
    """Somebody who follows a channel."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def send(self, text: str) -> None:
        self.kinds.append(json.loads(text)["type"])

    async def an_event(self) -> None:
        """Returns once an event has come."""
        async with asyncio.timeout(10):
            while "event" not in self.kinds:
                await asyncio.sleep(0.01)


class SlowOnce:
    """Threads whose first reading is held up before it is answered."""

    def __init__(self, threads: CommentReading) -> None:
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
    """A page cache that counts how often one was begun, and how many were under way at once."""

    def __init__(self, cache: PageCache) -> None:
        self.cache = cache
        self.begun = self.at_once = self.most_at_once = 0

    def begin(self) -> Pending:
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return self.cache.begin()

    def drop(self, pending: Pending) -> None:
        self.at_once -= 1
        self.cache.drop(pending)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cache, name)
