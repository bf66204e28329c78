"""Hits that nginx logs are counted exactly once, even if processes are killed and logs are rotated."""

import asyncio
import os
import shutil
import signal
from urllib.parse import quote

from lib.logfollower import LogFollower
from models.hits import Tally
from tests.base import TestClient
from tests.killed.base import KilledTestCase, is_gone
from tests.running import wait_until

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
BOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
ASKED = 60  # simultaneous requests


class CountingTest(KilledTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.log = self.running.data / "log" / "hits.log"
        self.hits = self.misses = self.reads = 0

    async def test_hits_are_counted_once_despite_killed_workers_and_rotated_logs(self) -> None:
        for rotate in (self.renamed, self.put_aside, self.nothing_is_done):
            before = await self.batches()
            await self.read(ASKED)
            rotating = asyncio.ensure_future(self.read(ASKED))
            rotate()
            await rotating
            await self.becomes(lambda before=before: self.has_counted_since(before), "the worker counts")
            self.kill(worker := self.pid("worker.py"))
            await self.read(ASKED)
            self.assertTrue(is_gone(worker))
        self.assertGreater(min(self.hits, self.misses, self.reads), ASKED)
        await self.all_counted()

    async def test_hits_are_counted_once_despite_a_killed_mongodb(self) -> None:
        for _ in range(2):
            before = await self.batches()
            await self.read(ASKED)
            await self.becomes(lambda before=before: self.has_counted_since(before), "the worker counts")
            self.kill(self.pid("mongod"))
            await self.all_up()
        await self.all_counted()

    async def test_a_log_that_is_copied_and_truncated_is_counted_once(self) -> None:
        await self.read(ASKED)
        await self.all_counted()
        shutil.copy(self.log, self.log.with_name("hits.log.1"))
        os.truncate(self.log, 0)
        await self.read(ASKED)
        await self.all_counted()

    async def test_hits_are_counted_after_a_restart_of_nginx(self) -> None:
        await self.read(ASKED)
        os.kill(pid := self.pid("nginx: master"), signal.SIGTERM)
        wait_until(lambda: is_gone(pid))
        await self.all_up()
        await self.read(ASKED)
        await self.all_counted()

    async def test_only_people_with_a_complete_page_are_readers_and_only_pages_are_counted(self) -> None:
        visitor = self.visitor()
        await self.ask(visitor, self.post.path, PERSON)
        etag = (await self.ask(visitor, self.post.path, BOT)).headers["ETag"]
        await self.ask(visitor, self.post.path, {**PERSON, "If-None-Match": etag})
        await self.ask(visitor, f"{self.post.path}?utm_source=x", PERSON)
        others = [f"{self.post.path}?preview=x", f"{self.comments_path}?after=0", "/me", "/status", "/stats/"]
        for path in (*others, "/static/css/site.css", "/favicon.ico", f"{self.post.path}/p9", f"{self.post.path}x"):
            await visitor.fetch_async("GET", path, headers=PERSON)
        await visitor.fetch_async("HEAD", self.post.path, headers=PERSON)
        await self.all_counted()
        stranger = {"page": {"$regex": "me|status|static|favicon|comments$|p9|x$"}}
        self.assertEqual(await self.site.tools.mongo["hits"].count_documents(stranger), 0)

    # Rotations of the log

    def renamed(self) -> None:
        """Rotates the log as logrotate does."""
        self.log.rename(self.log.with_name(f"hits.log.{self.post.slug}"))
        os.kill(self.pid("nginx: master"), signal.SIGUSR1)

    def put_aside(self) -> None:
        """Rotates the log as the worker does with a large one."""
        LogFollower(self.log).put_aside(1)
        wait_until(self.log.exists)

    def nothing_is_done(self) -> None:
        pass

    # Readers, and the counts to expect

    async def read(self, number: int) -> None:
        """Requests the post this often, cached or not, as people and as bots."""
        visitors = [self.visitor() for _ in range(8)]
        paths = [f"{self.post.path}?n={n}" if n % 3 == 0 else self.post.path for n in range(number)]
        asking = enumerate(paths)

        async def ask(visitor: TestClient) -> None:
            for n, path in asking:
                await self.ask(visitor, path, BOT if n % 5 == 0 else PERSON)

        await asyncio.gather(*map(ask, visitors))

    async def ask(self, visitor: TestClient, path: str, headers: dict[str, str]):  # type: ignore[no-untyped-def]
        """Requests one page, and notes if it was a hit: only nginx sends `Accept-Ranges`, and answers cached pages 304."""
        answer = await visitor.fetch_async("GET", path, headers=headers)
        self.assertIn(answer.code, (200, 304))
        is_hit = answer.code == 304 or "Accept-Ranges" in answer.headers
        self.hits += is_hit
        self.misses += not is_hit
        self.reads += headers["User-Agent"] == PERSON["User-Agent"]
        return answer

    async def tally(self) -> Tally:
        row = await self.site.tools.mongo["hits"].find_one({"day": "", "page": quote(self.post.path)}) or {}
        return Tally("", "", *(row.get(name, 0) for name in ("hits", "misses", "reads")))

    async def all_counted(self) -> None:
        """Assert the exact counts, twice: once the second request is counted, no earlier one can be missing."""
        for _ in range(2):
            await self.becomes(self.is_counted, f"{self.hits} hits, {self.misses} misses are counted")
            self.assertEqual(await self.tally(), Tally("", "", self.hits, self.misses, self.reads))
            await self.ask(self.visitor(), self.post.path, PERSON)

    async def is_counted(self) -> bool:
        return (await self.tally()).asked >= self.hits + self.misses

    async def batches(self) -> int:
        return ((await self.site.tools.mongo["hit_batches"].find_one({})) or {"number": 0})["number"]

    async def has_counted_since(self, number: int) -> bool:
        return await self.batches() > number
