"""Posts: their visibility, addresses, order, edits and validation."""

import asyncio
import unittest
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lib.mongo import Mongo
from lib.pagecache import Body, name_of
from models.categories import Category
from models.errors import Conflict, Invalid, NotFound
from models.posts import Post
from models.posts.documents import formerly_at
from models.posts.post import address_key, ranked
from tests.base import START, SiteTestCase, data_folder, site_with

DAY = timedelta(days=1)


class PostTest(unittest.TestCase):
    post = Post(id="p", slug="hello", title="Hello", published=datetime(2020, 2, 29, tzinfo=UTC), edited=START)

    def test_age_is_counted_in_full_years(self) -> None:
        ages = [self.post.age(datetime(*day, tzinfo=UTC)) for day in ((2020, 3, 1), (2021, 2, 28), (2021, 3, 1))]
        self.assertEqual(ages, [0, 0, 1])

    def test_the_digest_covers_everything_that_an_author_writes_and_nothing_else(self) -> None:
        written = (
            {"title": "x"},
            {"slug": "x"},
            {"text": "x"},
            {"summary": "x"},
            {"keywords": ("x",)},
            {"is_draft": True},
        )
        for change in (*written, {"url": "https://x.example"}, {"published": START}, {"format": "html"}):
            self.assertNotEqual(replace(self.post, **change).content_digest, self.post.content_digest, change)
        counted = replace(self.post, comment_count=3, n=3, popularity=1.0, edited=START + DAY, html="x")
        self.assertEqual(counted.content_digest, self.post.content_digest)

    def test_all_spellings_of_an_address_are_equal(self) -> None:
        for spelling in ("/2015/03/Gr%c3%bc%C3%9Fe/", "//2015/03/grüße", "/2015//03/GRÜSSE///"):
            self.assertEqual(address_key(spelling), "/2015/03/grüsse")
        self.assertEqual(address_key("/?p=12"), "/?p=12")

    def test_related_posts_are_ranked_by_categories_then_keywords_then_popularity(self) -> None:
        mine = replace(self.post, keywords=("a", "b"))
        one = replace(self.post, id="one", keywords=("a",))
        two = replace(self.post, id="two", keywords=("b", "a"))
        known = replace(one, id="known", popularity=2.0)
        self.assertEqual([post.id for post in ranked(mine, [one, two, known])], ["two", "known", "one"])


class PostsTest(SiteTestCase):
    def slugs(self, *args: object, **named: object) -> list[str]:
        return [post.slug for post in self.run_now(self.site.posts.documents.newest(*args, **named))]  # type: ignore[arg-type]

    def test_future_draft_and_archived_posts_are_invisible(self) -> None:
        self.post_by("now", published=START)
        hidden = [
            self.post_by("future", published=START + timedelta(seconds=1)),
            self.post_by("draft", is_draft=True),
            self.post_by("archived", is_archived=True),
        ]
        self.assertEqual(self.slugs(0, 10), ["now"])
        self.assertEqual(self.run_now(self.site.posts.documents.count()), 1)
        for post in hidden:
            with self.subTest(post.slug), self.assertRaises(NotFound):
                self.run_now(self.site.posts.documents.by_slug(post.slug))
        self.clock.pass_by(seconds=1)
        self.assertEqual(self.slugs(0, 10), ["future", "now"])

    def test_a_missing_thread_is_cached_for_a_few_seconds(self) -> None:
        mongo = SlowMongo(self.site.tools.mongo)
        mongo.may_go_on.set()
        posts = site_with(self.site, mongo=mongo).posts.reading
        post = self.post_by("future", published=START + timedelta(seconds=1))
        for _ in range(100):
            self.assertFalse(self.run_now(posts.has_open_thread(post.id)))
        self.assertEqual(mongo.reads, 1)
        self.clock.pass_by(seconds=4)
        self.assertTrue(self.run_now(posts.has_open_thread(post.id)))

    def test_slugs_are_case_insensitive(self) -> None:
        post = self.post_by("Grüße")
        self.assertEqual(self.run_now(self.site.posts.documents.by_slug("GRÜSSE")).id, post.id)
        with self.assertRaises(Conflict) as caught:
            self.post_by("grüße")
        self.assertEqual(caught.exception.code, "slug-taken")

    def test_posts_published_at_the_same_time_have_a_stable_order_and_neighbours_follow_it(self) -> None:
        for n in range(5):
            self.post_by(f"post-{n}", published=START - DAY)
        order = self.run_now(self.site.posts.documents.newest(0, 10))
        for place, post in enumerate(order):
            before, after = self.run_now(self.site.posts.documents.neighbours(post))
            self.assertEqual(before and before.slug, order[place + 1].slug if place < 4 else None)
            self.assertEqual(after and after.slug, order[place - 1].slug if place else None)

    def test_invisible_posts_are_never_neighbours(self) -> None:
        post = self.post_by("middle")
        self.post_by("older-draft", published=START - 2 * DAY, is_draft=True)
        self.post_by("archived", published=START, is_archived=True)
        self.post_by("future", published=START + DAY)
        self.assertEqual(self.run_now(self.site.posts.documents.neighbours(post)), [None, None])

    def test_a_renamed_post_keeps_its_former_address(self) -> None:
        post = self.post_by("old-name", addresses=("/2015/old/",))
        self.run_now(self.site.posts.writing.edit(replace(post, slug="new-name")))
        for address in ("/plog/Old-Name", "/2015/OLD"):
            found = self.run_now(self.site.posts.documents.find_by_address(address))
            self.assertEqual(found and found.slug, "new-name")

    def test_a_former_address_is_looked_up_in_an_index(self) -> None:
        """Without the index, each unknown address makes MongoDB read all posts: 1.3 s for 100,000 posts."""
        for n in range(9):
            self.post_by(f"post-{n}", addresses=(f"/old/{n}",))
        visible = {"is_listed": True, "published": {"$lte": START}}
        for query in (formerly_at(["/old/3"]), {**formerly_at(["/old/3"]), **visible}):
            plan = self.run_now(self.site.tools.mongo["posts"].find(query).explain())
            self.assertEqual(plan["executionStats"]["totalDocsExamined"], 1, query)

    def test_an_edit_of_an_outdated_revision_is_a_conflict(self) -> None:
        post = self.post_by("hello")
        self.run_now(self.second_site.posts.writing.edit(replace(post, title="Another title")))
        with self.assertRaises(Conflict):
            self.run_now(self.site.posts.writing.edit(replace(post, text="Another text")))
        self.assertEqual(self.run_now(self.site.posts.documents.by_id(post.id)).title, "Another title")

    def test_a_new_slug_costs_no_post_the_former_address_that_it_had_before(self) -> None:
        first, second = self.post_by("a", addresses=("/plog/b",)), self.post_by("b")
        moved = self.run_now(self.site.posts.writing.edit(replace(second, slug="c")))
        self.assertEqual((moved.path, moved.addresses), ("/plog/c", ()))
        found = self.run_now(self.site.posts.documents.find_by_address("/plog/b"))
        self.assertEqual(found and found.id, first.id)

    def test_two_posts_never_share_a_former_address(self) -> None:
        self.post_by("first", addresses=("/old/",))
        with self.assertRaises(Conflict) as caught:
            self.post_by("second", addresses=("/OLD",))
        self.assertIn("/old", caught.exception.message)

    def test_an_invalid_post_is_refused_by_field(self) -> None:
        wrong = ({"title": " "}, {"title": "x" * 501}, {"slug": ""}, {"slug": "a/b"}, {"text": "x" * 1_000_001})
        wrong += ({"text": "<div>" * 3_000},)  # slow to parse
        for change in wrong:
            with self.subTest(change=list(change)), self.assertRaises(Invalid) as caught:
                self.post_by(**{"slug": "fine", "title": "Fine", **change})
            self.assertEqual(list(caught.exception.problems), list(change))

    def test_an_edit_also_invalidates_pages_that_an_earlier_untold_edit_left(self) -> None:
        """X→Y is stored and its process dies; then Y→Z. The consequences of Y→Z must also invalidate X's pages."""
        old, mid, new = (self.run_now(self.site.categories.named(name)) for name in ("X", "Y", "Z"))
        post = self.post_by("hello", categories=(old,))
        moved = replace(post, categories=(mid,), revision=post.revision + 1)
        self.run_now(self.site.posts.documents.save(post, moved, None))  # as by a process that dies right after
        for category in (old, mid, new):
            self.cache(category)
        self.run_now(self.site.posts.writing.edit(replace(moved, categories=(new,))))
        self.assertEqual([c.name for c in (old, mid, new) if self.is_cached(c)], [])

    def test_of_two_simultaneous_edits_the_later_is_refused(self) -> None:
        post = self.post_by("hello")
        slow = SlowMongo(self.site.tools.mongo)
        posts = site_with(self.site, mongo=slow).posts

        async def story() -> None:
            later = asyncio.ensure_future(posts.writing.edit(replace(post, title="Later")))
            await slow.has_read.wait()
            await self.site.posts.writing.edit(replace(post, title="Earlier"))
            slow.may_go_on.set()
            with self.assertRaises(Conflict):
                await later

        self.run_now(story())
        self.assertEqual(self.run_now(self.site.posts.documents.by_slug("hello")).title, "Earlier")

    def cache(self, category: Category) -> None:
        self.assertTrue(
            self.site.pages.cache.put(
                self.site.pages.cache.begin(), category.path, "text/html", Body(b"x"), (category.tag,)
            )
        )

    def is_cached(self, category: Category) -> bool:
        return (data_folder() / "kept" / "now" / "pages" / name_of(category.path, "text/html")).exists()

    def test_an_edit_never_reverts_counts(self) -> None:
        post = self.post_by("hello")
        self.run_now(self.site.posts.documents.set_thread(post.id, 5, 3, 2))
        self.run_now(self.site.posts.documents.set_thread(post.id, 4, 1, 1))
        self.assertFalse(self.run_now(self.site.posts.documents.correct_thread(post.id, (4, 1, 1), (0, 0, 0))))
        self.run_now(self.site.posts.writing.edit(replace(post, title="Edited")))
        found = self.run_now(self.site.posts.documents.by_slug("hello"))
        self.assertEqual((found.title, found.comment_count, found.root_count, found.n), ("Edited", 3, 2, 5))

    def test_requests_during_a_read_share_one_newer_read(self) -> None:
        post = self.post_by("hello", title="Before")
        slow = SlowMongo(self.site.tools.mongo)
        documents = site_with(self.site, mongo=slow).posts.documents

        async def ask() -> list[str]:
            early = asyncio.create_task(documents.head_by_slug("hello"))
            await slow.has_read.wait()
            await self.site.posts.writing.edit(replace(post, title="After"))
            late = [asyncio.ensure_future(documents.head_by_slug("hello")) for _ in range(3)]
            late[0].cancel()
            slow.may_go_on.set()
            return [(await asking).title for asking in (early, *late[1:])]

        self.assertEqual(self.run_now(ask()), ["Before", "After", "After"])
        self.assertEqual(slow.reads, 2)

    def test_posts_in_lists_have_no_text(self) -> None:
        self.post_by("hello", text="Some text")
        (post,) = self.run_now(self.site.posts.documents.between(None, None))
        self.assertEqual((post.title, post.text, post.html), ("Hello", "", ""))


class SlowMongo:
    """A MongoDB whose answers to reads of posts are delayed until `may_go_on` is set."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self.reads, self.has_read, self.may_go_on = 0, asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name)

    def __getitem__(self, name: str) -> Any:
        return self if name == "posts" else self._mongo[name]

    def update_one(self, *given: Any, **named: Any) -> Any:
        return self._mongo["posts"].update_one(*given, **named)

    async def find_one(self, *given: Any, **named: Any) -> Any:
        self.reads += 1
        document = await self._mongo["posts"].find_one(*given, **named)
        self.has_read.set()
        await self.may_go_on.wait()
        return document
