"""The statistics page: current numbers, as a chart and as text."""

import unittest
from xml.etree import ElementTree

from handlers.routes import COUNTED
from models.hits import Tally
from tests.base import SiteTestCase
from tests.models.test_hits import NOON, line
from ui_modules.stats import HitsChart


class StatsTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.settings.data / "log" / "hits.log"
        self.addCleanup(self.path.unlink, missing_ok=True)

    def page(self) -> str:
        answer = self.client.get("/stats/")
        self.assertEqual(answer.code, 200)
        return answer.body.decode()

    def count(self, *lines: bytes) -> None:
        self.path.write_bytes(b"".join(line + b"\n" for line in lines))
        self.run_now(self.site.hits.count(COUNTED))

    def test_an_empty_site_says_so(self) -> None:
        page = self.page()
        for words in ("Nothing has been counted yet.", "No page has been requested yet.", "<dt>Posts</dt><dd>0</dd>"):
            self.assertIn(words, page)

    def test_it_shows_hits_misses_their_ratio_and_the_start_date(self) -> None:
        self.post_by("hello")
        self.count(*[line("/plog/hello")] * 1999, line("/plog/hello", "rb"), line("/", at=NOON - 3 * 86400))
        page = self.page()
        for words in ("<dd>2,000</dd>", "<dt>Posts</dt><dd>1</dd>", "<dd>99.9 %</dd>", "17 November 2026</time>."):
            self.assertIn(words, page)
        row = '<a href="/plog/hello">/plog/hello</a></th><td>1,999</td><td>1</td><td>99.9 %</td>'
        self.assertIn(row, page)

    def test_the_statistics_are_never_cached(self) -> None:
        self.count(line("/"))
        self.assertIn("<dt>Hits</dt><dd>1</dd>", self.page())
        self.count(line("/", at=NOON + 1), line("/"))
        self.assertIn("<dt>Hits</dt><dd>3</dd>", self.page())
        self.assertFalse(list(self.settings.data.glob("kept/now/pages/stats*")))

    def test_the_hundred_most_requested_pages_are_shown(self) -> None:
        self.count(*(line(f"/p{n}") for n in range(2, 150) for _ in range(n)))
        page = self.page()
        self.assertIn("The 100 most requested pages", page)
        self.assertEqual((page.count('href="/p149"'), page.count('href="/p49"')), (1, 0))

    def test_addresses_are_shown_decoded_and_escaped(self) -> None:
        self.count(line("/plog/h%C3%A9%3Cscript%3E"))
        self.assertIn('<a href="/plog/h%C3%A9%3Cscript%3E">/plog/hé&lt;script&gt;</a>', self.page())

    def test_another_spelling_redirects_to_the_statistics(self) -> None:
        answer = self.client.get("/stats")
        self.assertEqual((answer.code, answer.headers["Location"]), (301, "/stats/"))


class ChartTest(unittest.TestCase):
    def chart(self, *days: Tally) -> ElementTree.Element:
        return ElementTree.fromstring(HitsChart.render(None, days))  # type: ignore[arg-type]

    def test_bars_are_stacked_and_the_highest_one_fits(self) -> None:
        chart = self.chart(Tally("2026-11-19", "", 300, 100, 0), Tally("2026-11-20", "", 0, 1, 0))
        hits, misses, small = [(float(r.attrib["y"]), float(r.attrib["height"])) for r in chart.iter("rect")]
        self.assertEqual((sum(hits), sum(misses)), (100, hits[0]))
        self.assertAlmostEqual(hits[1], 3 * misses[1], delta=0.02)
        self.assertGreaterEqual(misses[0], 0)
        self.assertEqual(small, (98.5, 1.5))

    def test_the_chart_has_a_text_description(self) -> None:
        chart = self.chart(Tally("2026-11-19", "", 3000, 100, 0), Tally("2026-11-20", "", 5, 1, 0))
        self.assertEqual(chart.attrib["role"], "img")
        said = "19 November 2026 to 20 November 2026: 3,005 from the cache, 101 from a process."
        busiest = " The busiest day was 19 November 2026: 3,000 from the cache, 100 from a process."
        self.assertEqual(chart.find("desc").text, said + busiest)  # type: ignore[union-attr]

    def test_days_without_hits_are_empty(self) -> None:
        self.assertEqual(self.chart(Tally("2026-11-20")).find("desc").text, "Nothing has been counted yet.")  # type: ignore[union-attr]
