"""Pages of long lists start at milestones and have the same posts as the list read from its beginning."""

from dataclasses import replace
from datetime import timedelta

from models.categories import Category
from models.posts import Post
from models.posts.milestones import Milestones
from tests.base import START, SiteTestCase

DAY = timedelta(days=1)
STRIDE = 3


class MilestonesTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.milestones = Milestones(self.site.posts.documents, STRIDE)

    def assert_right_from_any_start(self, *categories: Category) -> None:
        """Pages from any start, in any order of requests, equal slices of the complete list."""
        whole = [post.id for post in self.run_now(self.site.posts.documents.newest(0, 99, categories))]
        for start in (len(whole) + 9, *reversed(range(len(whole) + 2)), 1, 8):
            milestone, skip = self.run_now(self.milestones.before(start, categories))
            page = self.run_now(self.site.posts.documents.newest(skip, skip + 4, categories, after=milestone))
            self.assertEqual([post.id for post in page], whole[start : start + 4], start)

    def test_a_page_starts_at_the_right_post_even_among_equal_dates(self) -> None:
        web = self.run_now(self.site.categories.named("Web"))
        for n, days in enumerate((1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 6, 7, 8)):
            self.post_by(f"post-{n}", published=START - days * DAY, categories=(web,) if n % 3 else ())
        for _ in range(2):
            self.assert_right_from_any_start()
            self.assert_right_from_any_start(web)

    def test_a_page_starts_at_the_right_post_after_changes_by_another_process(self) -> None:
        for n in range(12):
            self.post_by(f"post-{n}", published=START - n * DAY)
        post = self.run_now(self.site.posts.documents.by_slug("post-9"))
        others = self.second_site.posts.writing
        self.assert_right_from_any_start()
        self.run_now(others.add(Post(id="", slug="old", title="x", published=START - 5 * DAY, edited=START)))
        self.assert_right_from_any_start()
        for change in ({"published": START - timedelta(hours=30)}, {"is_archived": True}, {"is_draft": True}, {}):
            post = self.run_now(others.edit(replace(post, **{"is_archived": False, "is_draft": False, **change})))
            self.assert_right_from_any_start()
        self.run_now(others.add(Post(id="", slug="coming", title="x", published=START + DAY, edited=START)))
        self.clock.pass_by(days=1, seconds=2)
        self.run_now(self.second_site.outbox.repeat(self.second_site.posts))
        self.assert_right_from_any_start()

    def test_a_page_skips_fewer_posts_than_one_stride(self) -> None:
        for n in range(20):
            self.post_by(f"post-{n}", published=START - n * DAY)
        skips = [self.run_now(self.milestones.before(start, ()))[1] for start in range(20)]
        self.assertEqual(skips, [start % STRIDE for start in range(20)])

    def test_a_page_far_past_the_end_of_a_list_is_empty(self) -> None:
        for n in range(4):
            self.post_by(f"post-{n}", published=START - n * DAY)
        start = 10**9
        self.assertEqual(self.run_now(self.site.posts.reading.newest(start, start + 10)), [])
