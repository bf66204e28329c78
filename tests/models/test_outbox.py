"""The outbox: what fails is left in the document, each kind by itself, and the worker carries it out later."""

import asyncio
import errno
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from lib import json, redis
from lib.channels import Event, unnumbered
from lib.pagecache import Unwritable
from lib.untold import Consequence, Kinds, Untold
from models.comments import Attempt, Author, Comment
from models.comments.documents import CONSEQUENCES
from models.outbox import WORKER, EnsureAccount, InvalidatePages, PublishEvents
from models.site import Site
from tests.base import START, SiteTestCase, site_with

BO = Author("b" * 12)


class OutboxTest(SiteTestCase):
    environment = {"SITE_MODERATION": "none"}

    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")

    def written(self, site: Site, text: str) -> Comment:
        """A comment written by a process with this site, once it has removed the entries of what it carried out."""
        comment = self.run_now(site.comments.writing.add(self.post, BO, Attempt(text)))
        self.run_now(site.outbox.flush())
        return comment

    def kinds(self, collection: str = "comments") -> list[str]:
        """The kinds of all consequences that are left."""
        documents = self.run_now(self.site.tools.mongo[collection].find({}).to_list(None))
        return sorted(entry["kind"] for document in documents for entry in document["untold"])

    def carried_out_later(self) -> int:
        self.clock.pass_by(seconds=6)
        return self.run_now(self.site.tell_untold())

    def test_nothing_is_left_where_nothing_fails(self) -> None:
        self.written(self.site, "All is well")
        self.assertEqual((self.kinds(), self.carried_out_later()), ([], 0))

    def test_an_unwritable_page_cache_delays_no_event_and_no_account(self) -> None:
        self.written(site_with(self.site, page_cache=ReadOnly()), "On a full disk")
        self.expect_log("Cached pages cannot be removed")
        self.assertEqual(self.kinds(), [InvalidatePages.kind])
        self.assertEqual((self.carried_out_later(), self.kinds()), (1, []))

    def test_without_redis_pages_and_events_are_left(self) -> None:
        self.written(site_with(self.site, channels=Unreachable()), "Nobody else heard")
        self.assertEqual(self.kinds(), [PublishEvents.kind, InvalidatePages.kind])
        self.assertEqual((self.carried_out_later(), self.kinds()), (1, []))

    def test_a_consequence_of_an_earlier_revision_is_left_though_a_later_one_has_other_kinds(self) -> None:
        """As of an approval that died before its letter, and an edit afterwards."""
        comments = self.site.tools.mongo["comments"]
        untold = Untold(comments, comments, self.clock, (SendLetter, InvalidatePages))
        entries = [*untold.entries(1, [SendLetter, InvalidatePages]), *untold.entries(2, [InvalidatePages])]
        self.run_now(comments.insert_one({"_id": "c", "untold": entries}))
        self.run_now(untold.remove([InvalidatePages("c", 2, ())]))
        self.assertEqual(self.kinds(), ["letter"])
        self.run_now(untold.remove([EnsureAccount("c", 2, "b")]))
        self.assertEqual(self.kinds(), ["letter"])

    def test_entries_of_a_later_revision_are_left_by_an_earlier_one_that_ends_late(self) -> None:
        comments = self.site.tools.mongo["comments"]
        untold = self.site.comments.untold
        self.run_now(comments.insert_one({"_id": "c", "untold": untold.entries(2, CONSEQUENCES)}))
        self.run_now(untold.remove([PublishEvents("c", 1, ()), InvalidatePages("c", 1, ())]))
        self.assertEqual(len(self.kinds()), 3)

    def test_documents_of_the_version_before_get_an_entry_of_each_kind(self) -> None:
        comment = self.written(self.site, "Stored by the version before")
        before = {"$set": {"told": False}, "$unset": {"untold": "", "revision": ""}}
        self.run_now(self.site.tools.mongo["comments"].update_one({"_id": comment.id}, before))
        self.assertEqual((self.carried_out_later(), self.kinds()), (1, []))

    def test_a_category_that_the_version_before_renamed_gets_its_entry_too(self) -> None:
        """It had no time of its change."""
        category = self.run_now(self.site.categories.named("Web"))
        before = {"$set": {"told": False}, "$unset": {"untold": "", "changed": "", "revision": ""}}
        self.run_now(self.site.tools.mongo["categories"].update_one({"_id": category.id}, before))
        self.assertEqual([self.carried_out_later(), self.carried_out_later()], [1, 0])

    def test_entries_are_added_to_those_that_this_version_has_written(self) -> None:
        posts = self.site.tools.mongo["posts"]
        entries = self.site.posts.untold.entries(7, [InvalidatePages], categories=["c"])
        change = {"told": False, "seen_in": ["a", "b"], "untold": entries}
        self.run_now(posts.update_one({"_id": self.post.id}, {"$set": change}))
        self.clock.pass_by(seconds=6)
        self.run_now(self.site.posts.untold.adopt())
        untold = self.run_now(posts.find_one({"_id": self.post.id}))["untold"]
        self.assertEqual([entry["categories"] for entry in untold], [["c"], ["a", "b"]])

    def test_a_malformed_document_is_named_once_and_holds_up_no_other(self) -> None:
        unreachable = site_with(self.site, channels=Unreachable())
        comments = [self.written(unreachable, text) for text in ("Malformed by hand", "All is well")]
        self.run_now(self.site.tools.mongo["comments"].update_one({"_id": comments[0].id}, {"$set": {"name": None}}))
        self.assertEqual([self.carried_out_later(), self.carried_out_later()], [1, 0])
        self.expect_log(f"document {comments[0].id} is malformed")
        self.assertEqual(self.kinds(), [PublishEvents.kind, InvalidatePages.kind])

    def test_a_kind_of_a_newer_version_is_left_alone(self) -> None:
        comment = self.written(self.site, "With a letter to send")
        entry = {"$push": {"untold": {"kind": "letter", "revision": 0}}}
        self.run_now(self.site.tools.mongo["comments"].update_one({"_id": comment.id}, entry))
        self.assertEqual((self.carried_out_later(), self.kinds()), (0, ["letter"]))

    def test_a_post_that_is_withdrawn_until_later_disappears_also_if_its_process_dies(self) -> None:
        later = replace(self.post, published=START + timedelta(days=30), revision=self.post.revision + 1)
        self.run_now(self.site.posts.documents.save(self.post, later, None))  # as by a process that dies right after
        pending = self.site.pages.cache.begin()
        self.assertEqual([self.carried_out_later(), self.carried_out_later()], [1, 0])
        self.assertFalse(pending.is_current)
        self.assertEqual(self.kinds("posts"), [InvalidatePages.kind])
        self.clock.pass_by(days=30)
        self.assertEqual((self.carried_out_later(), self.kinds("posts")), (1, []))

    def test_corrected_counts_of_a_thread_reach_the_pages_also_if_redis_is_away_meanwhile(self) -> None:
        self.run_now(self.site.tools.mongo["posts"].update_one({"_id": self.post.id}, {"$set": {"comment_count": 7}}))
        self.assertEqual(self.run_now(site_with(self.site, channels=Unreachable()).comments.recount()), 1)
        self.assertEqual(self.kinds("posts"), [InvalidatePages.kind])
        self.assertEqual((self.carried_out_later(), self.kinds("posts")), (1, []))


class WorkerTest(SiteTestCase):
    """What only the worker can do. No word has such a consequence yet, so these tests bring one of their own."""

    def setUp(self) -> None:
        super().setUp()
        collection = self.site.tools.mongo["comments"]
        self.letters = Letters(Untold(collection, collection, self.clock, (SendLetter, InvalidatePages)))
        entries = {"untold": self.letters.untold.entries(3, [SendLetter, InvalidatePages]), "changed": self.clock()}
        self.run_now(collection.insert_one({"_id": "c", **entries}))

    def kinds(self) -> list[str]:
        document = self.run_now(self.site.tools.mongo["comments"].find_one({"_id": "c"}))
        return [entry["kind"] for entry in document["untold"]]

    def test_the_worker_is_woken_through_redis_by_what_only_it_can_do(self) -> None:
        heard, worker = Heard(), self.second_site
        wakes = [worker.outbox.wakes() for _ in range(2)]

        async def told() -> None:
            await worker.outbox.listen()
            await worker.tools.channels.follow(WORKER, heard, unnumbered)
            await self.site.outbox.tell(self.letters.untold, [InvalidatePages("c", 3, ("home",))])
            await self.site.outbox.tell(self.letters.untold, [SendLetter("c", 3)])
            await self.site.tools.channels.publish(Event(WORKER, 0, {"is_last": True}))
            async with asyncio.timeout(5):
                await heard.last.wait()

        self.run_now(told())
        self.assertEqual(heard.data, [{}, {"is_last": True}])
        self.assertTrue(all(wake.is_set() for wake in wakes))

    def test_a_count_of_followers_wakes_nobody(self) -> None:
        wake = self.site.outbox.wakes()
        self.site.outbox.send('{"type": "here", "channel": "worker", "count": 1}')
        self.assertFalse(wake.is_set())
        self.site.outbox.send('{"type": "followed", "channel": "worker", "n": 0}')
        self.assertTrue(wake.is_set())

    def test_the_web_process_leaves_it_and_the_worker_does_it_at_once(self) -> None:
        self.run_now(
            self.site.outbox.tell(self.letters.untold, [SendLetter("c", 3), InvalidatePages("c", 3, ("home",))])
        )
        self.run_now(self.site.outbox.flush())
        self.assertEqual(self.kinds(), ["letter"])
        sent: list[Consequence] = []

        async def send(letters: Sequence[Consequence]) -> Sequence[Consequence]:
            sent.extend(letters)
            return letters

        work = self.second_site.outbox.work
        self.assertEqual([self.run_now(work(SendLetter, send, self.letters)) for _ in range(2)], [1, 0])
        self.assertEqual((sent, self.kinds()), ([SendLetter("c", 3)], []))

    def test_what_the_worker_could_not_do_is_left_and_delays_no_other_kind(self) -> None:
        async def fail(_: Sequence[Consequence]) -> Sequence[Consequence]:
            return []

        self.assertEqual(self.run_now(self.site.outbox.work(SendLetter, fail, self.letters)), 0)
        self.clock.pass_by(seconds=6)
        self.assertEqual(self.run_now(self.site.outbox.repeat(self.letters)), 1)
        self.assertEqual(self.kinds(), ["letter"])

    def test_while_pages_cannot_be_invalidated_the_other_kinds_are_read_first(self) -> None:
        """A thousand documents that wait for their pages alone would hide the event of another one."""
        comments = Asked(self.site.comments.untold)
        outbox = site_with(self.site, page_cache=ReadOnly()).outbox
        self.run_now(outbox.repeat(comments))
        self.run_now(outbox.tell(self.letters.untold, [InvalidatePages("c", 3, ("home",))]))
        self.expect_log("Cached pages cannot be removed")
        self.run_now(outbox.repeat(comments))
        self.assertEqual(comments.asked, [comments.untold.web_kinds, {"account", "events"}, comments.untold.web_kinds])


@dataclass(frozen=True)
class SendLetter(Consequence):
    kind = "letter"
    is_for_worker = True


@dataclass
class Letters:
    """A word with a consequence that only the worker can carry out."""

    untold: Untold

    async def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        for document in await self.untold.documents(kinds):
            possible = (SendLetter(document["_id"], 3), InvalidatePages(document["_id"], 3, ("home",)))
            yield [one for one in possible if one.kind in kinds]


class Asked:
    """A word without documents that remembers which kinds it was asked for."""

    def __init__(self, untold: Untold) -> None:
        self.untold = untold
        self.asked: list[Kinds] = []

    async def left(self, kinds: Kinds) -> AsyncIterator[Sequence[Consequence]]:
        self.asked.append(kinds)
        for nothing in ():
            yield nothing


class Heard:
    """A follower that collects events up to the last one."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.last = asyncio.Event()

    def send(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "event":
            self.data.append(message["data"])
            if message["data"]:
                self.last.set()


class ReadOnly:
    """A page cache on a disk that was remounted read-only."""

    def invalidate(self, *_: Any) -> None:
        raise Unwritable(OSError(errno.EROFS, "Read-only file system", "/kept"))

    invalidate_all = invalidate_address = invalidate


class Unreachable:
    """Channels of a process whose Redis is away."""

    async def publish(self, *_: Any) -> None:
        raise redis.Away[0]("away")
