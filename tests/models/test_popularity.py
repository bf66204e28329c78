"""The popularity of posts, which is computed from their readers, and the order that follows from it."""

from datetime import timedelta

from models.posts.post import popularity
from tests.base import START
from tests.models.test_hits import HitsTestCase, line


class PopularityTest(HitsTestCase):
    def popularity(self, slug: str) -> float:
        return self.run_now(self.site.posts.documents.by_slug(slug)).popularity

    def test_popularity_is_the_logarithm_of_readers_per_day(self) -> None:
        self.assertEqual(popularity(90, timedelta(days=10)), 1.0)
        self.assertEqual(popularity(990, timedelta(days=10)), 2.0)
        self.assertEqual(popularity(0, timedelta(days=10)), 0.0)

    def test_an_age_below_one_day_counts_as_one_day(self) -> None:
        for age in (timedelta(0), timedelta(minutes=1), timedelta(days=-3), timedelta(days=1)):
            self.assertEqual(popularity(9, age), 1.0)

    def test_reads_by_people_count_and_requests_by_bots_do_not(self) -> None:
        self.post_by("read", published=START - timedelta(days=2))
        self.post_by("crawled", published=START - timedelta(days=2))
        self.asked(*[line("/plog/read")] * 17, line("/plog/read", "rp"), line("/plog/read/p1"))
        self.asked(*[line("/plog/crawled", "kb")] * 50, *[line("/plog/gone")] * 50)
        self.count()
        self.assertEqual(self.run_now(self.site.rate_posts()), 1)
        self.assertEqual((self.popularity("read"), self.popularity("crawled")), (1.0, 0.0))

    def test_popularity_is_stored_only_when_it_has_changed(self) -> None:
        self.post_by("hello")
        self.asked(line("/plog/hello"))
        self.count()
        self.assertEqual(self.run_now(self.site.rate_posts()), 1)
        self.assertEqual(self.run_now(self.site.rate_posts()), 0)
        self.clock.pass_by(days=9)
        self.assertEqual(self.run_now(self.site.rate_posts()), 1)
        self.assertAlmostEqual(self.popularity("hello"), 0.04139, 5)

    def test_a_post_keeps_its_readers_when_it_is_renamed(self) -> None:
        post = self.post_by("Vorher ä", published=START - timedelta(days=1))
        self.asked(*[line(post.path)] * 5)
        self.run_now(self.site.posts.writing.edit(type(post)(**{**vars(post), "slug": "Nachher"})))
        self.asked(*[line("/plog/Nachher")] * 4)
        self.count()
        self.run_now(self.site.rate_posts())
        self.assertEqual(self.popularity("nachher"), 1.0)

    def test_related_posts_are_ordered_by_popularity(self) -> None:
        for slug in ("one", "two", "three"):
            self.post_by(slug, keywords=("live",))
        self.asked(*[line("/plog/two")] * 20, *[line("/plog/one")] * 10)
        self.count()
        self.run_now(self.site.rate_posts())
        post = self.run_now(self.site.posts.documents.by_slug("three"))
        self.assertEqual([other.slug for other in self.run_now(self.site.posts.reading.related(post))], ["two", "one"])
