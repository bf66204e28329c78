"""Cached pages as nginx serves them from disk: the same as a process renders them, and never outdated.

The test of pages after an approval runs two hundred seeded trials in CI, and ten thousand with `bin/test --long`.
"""

import asyncio
import gzip
import os
import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPResponse
from tornado.httputil import format_timestamp

from lib import json, pagecache
from models.comments import Comment
from models.posts import Post
from tests.base import TestClient
from tests.killed.base import KilledTestCase
from tests.running import Answer

IS_LONG = os.environ.get("PLOG_LONG") == "1"
TRIALS = 10_000 if IS_LONG else 200
SEED = int(os.environ.get("PLOG_SEED", "20261120"))
READERS = 4
CHANGING = {
    "Date",
    "Connection",
    "Transfer-Encoding",
    "Content-Length",
    "Etag",
    "Last-Modified",
    "Vary",
    "Accept-Ranges",
}


class CachedPagesTest(KilledTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.page, self.compressed = self.files(f"plog/{self.post.slug}/page.html")

    def files(self, name: str) -> list[Path]:
        """The plain and the compressed file of a cached page."""
        return [self.running.data / "kept" / "now" / folder / name for folder in ("pages", "gz")]

    async def get(self, path: str, method: str = "GET", takes_gzip: bool = True, **headers: str) -> HTTPResponse:
        return await self.visitor().fetch_async(method, path, headers=headers, takes_gzip=takes_gzip)

    async def marked_path(self) -> str:
        """Caches the post's page and marks its files, so that an answer from disk is recognised. Returns the address."""
        await self.get(self.post.path)
        page = self.page.read_bytes().replace(b"</html>", b"</html><!-- from disk -->")
        self.page.write_bytes(page)
        self.compressed.write_bytes(gzip.compress(page))
        return self.post.path

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Sends one request with exactly these headers and returns the unmodified answer."""
        return await asyncio.to_thread(self.running.ask, method, path, headers=headers)

    async def cached(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The first answer from disk. On a busy machine the worker may repeat an invalidation meanwhile."""
        answers = []

        async def is_cached() -> bool:
            answers.append(await ask())
            return "Accept-Ranges" in answers[-1].headers

        await self.becomes(is_cached, "the page is cached")
        return answers[-1]

    async def is_from_disk(self, path: str, method: str = "GET") -> bool:
        return (await self.get(path, method)).body.count(b"<!-- from disk -->") == 1

    async def test_only_a_plain_get_of_the_exact_address_is_answered_from_disk(self) -> None:
        path = await self.marked_path()
        for takes_gzip in (True, False):
            self.assertIn(b"<!-- from disk -->", (await self.get(path, takes_gzip=takes_gzip)).body)
        for other in (
            f"{path}?x=1",
            f"{path}/",
            path.upper(),
            f"/{path}",
            path.replace("/plog", "/pl%6Fg"),
            f"{path}%2F",
        ):
            self.assertFalse(await self.is_from_disk(other), other)
        name = path.removeprefix("/plog")
        for other in (
            f"{path}?",
            f"/plog/.{name}",
            f"/./plog{name}",
            f"/plog/x/..{name}",
            f"/x/../plog{name}",
            f"{path}/.",
        ):
            moved = await asyncio.to_thread(self.running.get, other)  # a client that does not normalise the path
            self.assertEqual((moved.code, moved.headers["Location"]), (301, path), other)
        await self.get("/plog/")
        for other in ("/plog/x/..", "/plog/./", "/plog/?"):
            moved = await asyncio.to_thread(self.running.get, other)
            self.assertEqual((moved.code, moved.headers["Location"]), (301, "/plog/"), other)
        self.assertEqual((await asyncio.to_thread(self.running.get, f"{path}#x")).code, 404)
        self.assertEqual((await self.get(path, "POST")).code, 405)
        head = await self.get(path, "HEAD")
        self.assertEqual((head.code, head.body), (200, b""))

    async def test_pages_with_special_characters_in_their_address_are_found_on_disk(self) -> None:
        now = self.post.published
        for slug in ("it's 100% [new]", "größe", "a.b..c", "C^2 <3>"):
            post = await self.site.posts.writing.add(
                Post(id="", slug=slug, title="Odd", published=now, edited=now, text="x")
            )
            rendered = await self.get(post.path)
            cached = await self.cached(partial(self.get, post.path))
            self.assertEqual((cached.code, cached.body), (200, rendered.body), post.path)
            raw = post.path.replace("%5B", "[").replace("%5E", "^")
            if raw != post.path:
                moved = await asyncio.to_thread(self.running.get, raw)
                self.assertEqual((moved.code, moved.headers["Location"]), (301, post.path))

    async def test_other_spellings_redirect_once_although_the_page_is_cached(self) -> None:
        path = await self.marked_path()
        for other, query in ((f"{path}/", ""), (f"/{path}", "?a=1"), (path.upper(), ""), (f"{path}//", "?b=2")):
            answer = await self.get(other + query)
            self.assertEqual((answer.code, answer.headers["Location"]), (301, path + query), other)

    async def test_no_malicious_path_reaches_a_file_outside_the_cache(self) -> None:
        await self.marked_path()
        secret = (self.running.data / "secret").read_bytes()
        odd = ("/../secret", "/plog/../../../secret", "/%2e%2e/secret", "/plog/%2E%2E/%2e%2e/secret", "/..%2fsecret")
        for path in (
            *odd,
            "/" + "x" * 3000,
            "/" + "%C3%A9" * 300,
            "/a" * 4000,
            "/." * 3500,
            "/%00",
            "/%ff",
            "/plog/page.html",
            "/folder.html",
        ):
            answer = await self.get(path)
            self.assertIn(answer.code, (301, 400, 404), path[:60])
            self.assertNotIn(secret, answer.body)

    async def test_a_cached_page_has_the_headers_of_a_rendered_one(self) -> None:
        paths = (self.post.path, "/", "/plog/", "/rss.xml", "/atom.xml", "/feed.json", "/sitemap.xml")
        for path in (*paths, f"{self.post.path}/comments.atom"):
            rendered = await self.get(f"{path}?x=1")  # a request with a query always goes to a process
            plain, compressed = [
                await self.cached(partial(self.get, path, takes_gzip=takes)) for takes in (False, True)
            ]
            self.assertIn("X-Consumed-Content-Encoding", compressed.headers, path)
            self.assertNotIn("Last-Modified", compressed.headers, "the file's modification time is not the page's")
            self.assertEqual(self.lasting(compressed), self.lasting(rendered), path)
            self.assertEqual(
                [a.headers.get("Vary") for a in (compressed, plain, rendered)], ["Accept-Encoding"] * 3, path
            )
            self.assertTrue(compressed.body == plain.body == rendered.body, path)

    async def test_a_matching_etag_is_answered_304_until_the_page_changes(self) -> None:
        for encoding in ("gzip", ""):
            first = await self.ask(self.post.path, Accept_Encoding=encoding)  # rendered
            seen = {"If_None_Match": first.headers["Etag"], "Accept_Encoding": encoding}
            for _ in range(2):
                again = await self.ask(self.post.path, **seen)
                self.assertEqual((again.code, again.headers["Vary"]), (304, "Accept-Encoding"))
                self.assertEqual(
                    (again.headers["Etag"], again.headers["Content-Encoding"]), (first.headers["Etag"], None)
                )
            await self.write(f"Something new {encoding}")
            for _ in range(2):
                self.assertEqual((await self.ask(self.post.path, **seen)).code, 200)

    async def test_processes_and_nginx_send_the_same_etags_and_compressed_pages_have_another(self) -> None:
        for path in (self.post.path, "/rss.xml", "/plog/"):
            await self.write("Something new")
            await self.site.pages.invalidate_everywhere(["feeds"])
            etags = set()
            for encoding in ("gzip", ""):
                answers = [await self.ask(path, Accept_Encoding=encoding)]
                for method in ("GET", "HEAD"):
                    answers.append(await self.cached(partial(self.ask, path, method, Accept_Encoding=encoding)))
                sent = {(a.headers["Etag"], a.headers["Content-Encoding"], a.headers["Last-Modified"]) for a in answers}
                etags.add(answers[0].headers["Etag"])
                self.assertEqual(sent, {(answers[0].headers["Etag"], encoding or None, None)}, path)
                self.assertEqual({a.headers["Content-Length"] for a in answers}, {answers[0].headers["Content-Length"]})
                await self.write("Something newer")
                await self.site.pages.invalidate_everywhere(["feeds"])
            self.assertEqual(len(etags), 2, path)

    async def test_if_modified_since_never_yields_a_304(self) -> None:
        await self.get(self.post.path)
        made_up = format_timestamp(self.page.stat().st_mtime)
        for date in (made_up, "Fri, 20 Nov 2099 12:00:00 GMT"):
            self.assertEqual((await self.get(self.post.path, **{"If-Modified-Since": date})).code, 200)

    async def test_nginx_and_the_processes_choose_the_same_encoding(self) -> None:
        path = await self.marked_path()
        for header in ("gzip, deflate, br, zstd", "GZIP", "br;q=1.0, gzip;q=0.8", "gzip;q=0", "identity", "*", "xgzip"):
            answer = await self.ask(path, Accept_Encoding=header)
            self.assertEqual(
                answer.headers["Content-Encoding"], "gzip" if pagecache.takes_gzip(header) else None, header
            )
            self.assertEqual("<!-- from disk -->" in answer.body, not pagecache.takes_gzip(header), header)

    async def test_a_page_with_one_missing_file_is_rendered_again_for_clients_of_that_encoding(self) -> None:
        for missing, there, encoding, other in (
            (self.page, self.compressed, "", "gzip"),
            (self.compressed, self.page, "gzip", ""),
        ):
            path = await self.marked_path()
            missing.unlink()
            before = there.read_bytes()
            answer = await self.ask(path, Accept_Encoding=other)
            self.assertEqual((answer.code, answer.headers["Accept-Ranges"]), (200, "bytes"))
            answer = await self.ask(path, Accept_Encoding=encoding)
            self.assertEqual((answer.code, answer.headers["Content-Encoding"]), (200, encoding or None))
            self.assertTrue(missing.exists())
            self.assertNotEqual(there.read_bytes(), before, "both files are written again")

    async def test_a_range_is_taken_from_the_plain_page_whatever_encoding_is_accepted(self) -> None:
        path = await self.marked_path()
        for encoding in ("gzip", ""):
            answer = await self.ask(path, Accept_Encoding=encoding, Range="bytes=0-9")
            self.assertEqual((answer.code, answer.headers["Content-Encoding"]), (206, None))
            self.assertEqual(answer.headers["Content-Range"], f"bytes 0-9/{self.page.stat().st_size}")
            answer = await self.ask(path, Accept_Encoding=encoding, Range="bytes=9999999-")
            self.assertEqual((answer.code, answer.headers["Content-Encoding"]), (416, None))

    async def test_no_response_after_the_response_to_an_approval_is_outdated(self) -> None:
        """A request sent after the response to an approval gets the new page, while other requests cause renders."""
        chance = random.Random(SEED)
        comment = await self.held_comment()
        ada = await self.ada()
        self.is_over = False
        asking = [asyncio.ensure_future(self.keep_asking()) for _ in range(READERS)]
        try:
            for trial in range(TRIALS):
                is_approved = trial % 2 == 0
                revision = (await self.site.comments.documents.by_id(comment.id)).revision
                answer = await ada.fetch_async(
                    "POST" if is_approved else "DELETE",
                    f"/admin/comments/{comment.id}/approval",
                    json_body={"revision": revision},
                )
                self.assertEqual(answer.code, 200, answer.body)
                port = chance.choice((self.running.port, *self.public_ports))
                page = await self.visitor(port).fetch_async("GET", self.post.path, takes_gzip=chance.random() < 0.5)
                is_shown = f'id="c{comment.id}"'.encode() in page.body
                self.assertEqual(
                    is_shown, is_approved, f"seed {SEED}, trial {trial}: an outdated page from port {port}"
                )
        finally:
            self.is_over = True  # tasks end by themselves: a cancelled request would leave its socket open
            await asyncio.gather(*asking)

    async def keep_asking(self) -> None:
        while not self.is_over:
            await self.get(self.post.path)

    async def held_comment(self) -> Comment:
        answer = await self.write("A comment that staff are never sure about")
        comment = await self.site.comments.documents.by_id(json.loads(answer.body)["id"])
        return await self.site.comments.moderation.hold(comment.id)

    async def ada(self) -> TestClient:
        """Staff, at the admin process."""
        await self.site.accounts.make_staff("ada@example.com")
        ada = self.visitor()
        await ada.fetch_async("POST", await self.site.accounts.signin_link("ada@example.com"))
        return ada

    def lasting(self, answer: HTTPResponse) -> dict[str, Any]:
        return {name: value for name, value in answer.headers.get_all() if name not in CHANGING}
