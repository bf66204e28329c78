"""Counting hits: parsing log lines, and counting each line once even if processes die."""

import asyncio
import unittest
from dataclasses import replace
from typing import Any

from handlers.routes import COUNTED
from lib.logfollower import LogFollower
from models.hits import Hits, Tally
from models.hits.tally import rolled_up, tallies_in
from tests.base import START, SiteTestCase

NOON = int(START.timestamp())


def line(page: str, how: str = "kp", at: float = NOON) -> bytes:
    return f"{at:.3f} {how} {page}".encode()


class LinesTest(unittest.TestCase):
    def test_lines_become_hits_misses_and_reads_by_day_and_page(self) -> None:
        lines = [line("/"), line("/", "kb"), line("/", "rp"), line("/plog/", "rb"), line("/", at=NOON + 86400)]
        expected = [
            Tally("2026-11-20", "/", hits=2, misses=1, reads=2),
            Tally("2026-11-20", "/plog/", misses=1),
            Tally("2026-11-21", "/", hits=1, reads=1),
        ]
        self.assertEqual(list(tallies_in(lines, COUNTED)), expected)

    def test_a_day_begins_at_midnight_utc(self) -> None:
        midnight = NOON + 12 * 3600
        days = [tally.day for tally in tallies_in([line("/", at=midnight - 0.001), line("/", at=midnight)], COUNTED)]
        self.assertEqual(days, ["2026-11-20", "2026-11-21"])

    def test_addresses_of_pages_and_feeds_are_counted(self) -> None:
        pages = ["/", "/p2", "/rest/2/10/", "/oc-Live", "/oc-Live/p3", "/oc-Live/rss.xml", "/plog/", "/plog/year/2019"]
        pages += ["/plog/hello", "/plog/h%C3%A9llo", "/plog/hello/p1", "/plog/hello/comments.atom", "/atom.xml"]
        self.assertEqual([tally.page for tally in tallies_in(map(line, pages), COUNTED)], pages)

    def test_lines_of_other_addresses_and_malformed_lines_are_ignored(self) -> None:
        for page in (
            "/me",
            "/search",
            "/static/x.css",
            "/oc-A/oc-B",
            "/rest/2/11/",
            "/plog/hello/comments",
            "/x",
            "//",
        ):
            self.assertEqual(tallies_in([line(page)], COUNTED), (), page)
        nonsense = [
            b"",
            b"\0" * 40,
            line("/")[:-1],
            line("/")[3:],
            line("/", "xx"),
            line("/plog/a b"),
            line("/plog/\\x22"),
        ]
        self.assertEqual(tallies_in(nonsense, COUNTED), ())

    def test_sums_are_made_per_page_and_per_day_and_in_total(self) -> None:
        tallies = [Tally("1", "/a", 1, 2, 3), Tally("1", "/b", 10, 0, 0), Tally("2", "/a", 100, 0, 0)]
        sums = {(tally.day, tally.page): tally.hits for tally in rolled_up(tallies)}
        own = {("1", "/a"): 1, ("1", "/b"): 10, ("2", "/a"): 100}
        self.assertEqual(sums, {**own, ("", "/a"): 101, ("", "/b"): 10, ("1", ""): 11, ("2", ""): 100, ("", ""): 111})


class Died(BaseException):
    """The worker has died."""


class Dying:
    """MongoDB for a worker that dies at its n-th command: before it is sent, or before its answer arrives."""

    def __init__(self, mongo: Any, words: int, is_said: bool) -> None:
        self._mongo, self._words, self._is_said = mongo, words, is_said

    def __getitem__(self, name: str) -> Any:
        return _DyingCollection(self, self._mongo[name])

    async def say(self, word: Any, *args: Any, **options: Any) -> Any:
        self._words -= 1
        if not self._words and not self._is_said:
            raise Died
        answer = await word(*args, **options)
        if not self._words:
            raise Died
        return answer


class _DyingCollection:
    def __init__(self, mongo: Dying, collection: Any) -> None:
        self._mongo, self._collection = mongo, collection

    def __getattr__(self, name: str) -> Any:
        word = getattr(self._collection, name)

        async def said(*args: Any, **options: Any) -> Any:
            if name == "bulk_write":  # counts as one command per write
                for write in args[0]:
                    await self._mongo.say(word, [write], **options)
                return None
            return await self._mongo.say(word, *args, **options)

        return said


class HitsTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.settings.data / "log" / "hits.log"
        self.addCleanup(lambda: [path.unlink() for path in self.path.parent.glob("hits.log*")])

    def asked(self, *lines: bytes) -> None:
        with open(self.path, "ab") as file:
            file.write(b"".join(line + b"\n" for line in lines))

    def hits(self, mongo: Any = None, host: str = "here", most: int = 1 << 20) -> Hits:
        tools = replace(self.site.tools, mongo=mongo or self.site.tools.mongo, host=host)
        return Hits(tools, LogFollower(self.path, most))

    def count(self, hits: Hits | None = None) -> None:
        self.run_now((hits or self.site.hits).count(COUNTED))

    def total(self) -> Tally:
        return self.run_now(self.site.hits.documents.total())


class HitsTest(HitsTestCase):
    def test_an_empty_log_counts_nothing(self) -> None:
        self.count()
        self.assertEqual(self.total(), Tally())
        self.assertIsNone(self.run_now(self.site.hits.documents.since()))
        self.assertEqual(self.run_now(self.site.hits.documents.top(9)), [])

    def test_counts_can_be_read_in_total_and_by_day_and_by_page(self) -> None:
        self.asked(line("/"), line("/", "rb"), line("/plog/hello", at=NOON - 86400), line("/"), line("/nowhere"))
        self.count()
        self.assertEqual(self.total(), Tally("", "", 3, 1, 3))
        self.assertEqual(self.run_now(self.site.hits.documents.since()), "2026-11-19")
        days = self.run_now(self.site.hits.documents.days(3))
        self.assertEqual(
            days, [Tally("2026-11-18"), Tally("2026-11-19", "", 1, 0, 1), Tally("2026-11-20", "", 2, 1, 2)]
        )
        self.assertEqual(
            self.run_now(self.site.hits.documents.top(9)), [Tally("", "/", 2, 1, 2), Tally("", "/plog/hello", 1, 0, 1)]
        )
        self.assertEqual(len(self.run_now(self.site.hits.documents.top(1))), 1)

    def test_counting_again_counts_only_new_lines(self) -> None:
        for number in range(1, 4):
            self.asked(line("/"), line("/p2"))
            self.count()
            self.count(self.second_site.hits)
            self.assertEqual(self.total().hits, 2 * number)

    def test_a_worker_that_dies_at_any_database_command_counts_every_hit_once(self) -> None:
        words, deaths, written = 0, 1, 0
        while deaths:
            words, deaths = words + 1, 0
            for is_said in (False, True):
                self.asked(*(line(f"/p{n}", at=NOON + written) for n in range(2, 8)))
                written += 6
                try:
                    self.count(self.hits(Dying(self.site.tools.mongo, words, is_said), most=100))
                except Died:
                    deaths += 1
                self.count(self.hits())
                self.assertEqual(self.total().hits, written, f"died at command {words}, sent: {is_said}")
        self.assertGreater(words, 20)
        self.assertEqual(sum(tally.hits for tally in self.run_now(self.site.hits.documents.top(9))), written)

    def test_simultaneous_workers_count_every_hit_once(self) -> None:
        for number in range(1, 11):
            self.asked(*(line(f"/p{n % 50 + 2}") for n in range(500)))
            workers = [self.hits(most=700), self.hits(most=1100), self.hits(self.second_site.tools.mongo, most=900)]
            self.run_now(asyncio.gather(*(worker.count(COUNTED) for worker in workers)))
            self.count(self.hits())
            self.assertEqual(self.total().hits, 500 * number)

    def test_each_host_counts_its_own_log(self) -> None:
        self.asked(line("/"))
        self.count(self.hits(host="here"))
        self.count(self.hits(host="there"))
        self.assertEqual(self.total().hits, 2)

    def test_daily_counts_per_page_are_deleted_after_a_year_and_sums_stay(self) -> None:
        self.asked(line("/", at=NOON - 400 * 86400), line("/"))
        self.count()
        self.assertEqual(self.run_now(self.site.hits.documents.forget_old()), 1)
        self.assertEqual((self.total().hits, self.run_now(self.site.hits.documents.top(1))[0].hits), (2, 2))
        self.assertEqual(self.run_now(self.site.hits.documents.since()), "2025-10-16")
