"""The collection of comments on real servers, with two sites where two processes matter."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from errno import EACCES
from typing import Any

from pymongo.errors import AutoReconnect

from lib.documents import Document
from lib.ids import new_id
from lib.mongo import Mongo
from lib.pagecache import Unwritable
from lib.untold import kinds_of
from models.comments import Attempt, Author, Comment, Counts, Status
from models.comments.numbering import Numbering
from models.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from models.outbox import PublishEvents
from models.posts import Post
from models.site import Site
from tests.base import SiteTestCase, approve, site_with

BO = Author(new_id(), "203.0.113.7", "Firefox")
CY = Author(new_id(), "198.51.100.9", "Safari")
ADA = Author(new_id(), "192.0.2.1", "Chromium", is_staff=True)


class DyingMongo:
    """A MongoDB in a process that dies before it removes untold entries and before it writes accounts."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def __getitem__(self, name: str) -> Any:
        return self._mongo[name]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name)

    def repeatable(self, name: str) -> Any:
        return Nowhere() if name in ("comments", "accounts") else self._mongo.repeatable(name)


class Nowhere:
    """A collection that stores nothing."""

    async def update_many(self, *_: object) -> None: ...

    async def bulk_write(self, *_: object, **__: object) -> None: ...


class Unremovable:
    """A page cache on a disk from which no page can be removed."""

    def invalidate(self, tags: Iterable[str]) -> None:
        raise Unwritable(PermissionError(EACCES, "Permission denied", "/kept/now"))


class Hanging:
    """Channels on a Redis that accepts commands and never answers."""

    async def publish(self, *events: Any) -> None:
        await asyncio.Event().wait()


class HalfWay:
    """A MongoDB that dies after it has stored the first comment of a batch."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    def __getitem__(self, name: str) -> Any:
        self._comments = self._mongo[name]
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name)

    async def insert_many(self, documents: list[Document]) -> None:
        await self._comments.insert_one(documents[0])
        if documents[1:]:
            raise AutoReconnect("killed")


class NoAccounts(DyingMongo):
    """A MongoDB that cannot be reached when an account is to be written."""

    def repeatable(self, name: str) -> Any:
        return self if name == "accounts" else self._mongo.repeatable(name)

    async def bulk_write(self, *_: object, **__: object) -> None:
        raise AutoReconnect("killed")


class EditedFirst:
    """A MongoDB in which an author edits between a moderator's read and write."""

    def __init__(self, mongo: Mongo, edit: Awaitable[Comment]) -> None:
        self._mongo = mongo
        self._edit: Awaitable[Comment] | None = edit

    def __getitem__(self, name: str) -> Any:
        self._collection = self._mongo[name]
        return self if name == "comments" else self._collection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mongo, name) if hasattr(self._mongo, name) else getattr(self._mongo["comments"], name)

    async def update_one(self, *given: Any, **named: Any) -> Any:
        if self._edit is not None:
            edit, self._edit = self._edit, None
            await edit
        return await self._mongo["comments"].update_one(*given, **named)


class CommentsTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")

    def write(self, text: str, author: Author = ADA, parent: str | None = None, **fields: Any) -> Comment:
        return self.run_now(self.site.comments.writing.add(self.post, author, Attempt.cleaned(text, **fields), parent))

    def on(self, **stand_ins: Any) -> Site:
        """A site with stand-ins for some tools, which holds no comments."""
        return site_with(self.site, settings=replace(self.settings, moderation="none"), **stand_ins)

    def write_and_die(self, text: str, author: Author = ADA) -> Comment:
        """Writes a comment in a process that dies before it removes any untold entry."""
        dying = self.on(mongo=DyingMongo(self.site.tools.mongo))
        return self.run_now(dying.comments.writing.add(self.post, author, Attempt(text)))

    def edit_and_die(self, comment: Comment, text: str) -> Comment:
        writing = self.on(mongo=DyingMongo(self.site.tools.mongo)).comments.writing
        return self.run_now(writing.edit(self.post, BO, comment.id, writing.edit_token(comment), text))

    def test_changes_are_numbered_from_one_without_a_gap(self) -> None:
        written = [self.write(f"Number {n}") for n in range(5)]
        self.assertEqual([c.n for c in written], [1, 2, 3, 4, 5])
        self.run_now(self.site.comments.moderation.remove(written[1].id))
        n, changes, has_more = self.run_now(self.site.comments.reading.changes(self.post, 0))
        self.assertEqual((n, [change["n"] for change in changes], has_more), (6, [1, 3, 4, 5, 6], False))
        self.assertEqual((changes[-1]["id"], changes[-1]["status"], changes[-1]["html"]), (written[1].id, "gone", ""))

    def test_a_hundred_simultaneous_writers_in_two_processes_get_numbers_without_a_gap(self) -> None:
        self.post_by("other")

        async def write_all() -> list[Comment]:
            sites = (self.site, self.second_site)
            adds = (sites[n % 2].comments.writing.add(self.post, ADA, Attempt(f"Number {n}")) for n in range(100))
            return await asyncio.gather(*adds)

        self.second_site
        written = self.run_now(write_all())
        self.assertEqual(sorted(c.n or 0 for c in written), list(range(1, 101)))
        for comment in written:
            self.assertEqual(comment.counts, Counts(comment.n or 0, comment.n or 0, comment.n or 0))
        self.assertEqual(Counts.of(self.current()), Counts(100, 100, 100))

    def test_a_number_that_an_edit_gave_up_is_never_reused(self) -> None:
        """A writer with an outdated number must not add a change below the number that followers have read."""
        first, _ = self.write("First"), self.write("Second")
        self.run_now(self.site.comments.moderation.rewrite(first.id, "First, edited"))
        self.assertEqual(self.post.n, 0, "this copy of the post is outdated")
        self.assertEqual(self.write("Third").n, 4)

    def test_simultaneous_reposts_in_two_processes_are_deduplicated(self) -> None:
        self.second_site

        async def twice() -> list[Comment]:
            attempt = Attempt("The very same words")
            return await asyncio.gather(
                *(site.comments.writing.add(self.post, BO, attempt) for site in (self.site, self.second_site) * 2)
            )

        self.assertEqual(len({comment.id for comment in self.run_now(twice())}), 1)
        self.assertEqual(self.run_now(self.site.comments.moderation.counts())["held"], 1)

    def test_a_repost_is_recognised_although_the_visitor_got_a_cookie_meanwhile(self) -> None:
        first = self.write("Twice, with a cookie the second time", replace(BO, had_id=False))
        self.assertEqual(self.write("Twice, with a cookie the second time", BO).id, first.id)

    def test_an_authors_first_comment_is_held_and_after_its_approval_the_next_is_published(self) -> None:
        first = self.write("My very first words here", BO)
        self.assertEqual((first.status, first.check, first.n), ("held", "first", None))
        self.run_now(approve(self.site, first.id))
        self.assertEqual(self.write("And some more, later", BO).status, "published")

    def test_approving_a_reply_does_not_publish_its_held_parent(self) -> None:
        root = self.write("A held root comment", BO)
        reply = self.write("A held reply to it", BO, root.id)
        approved = self.run_now(approve(self.site, reply.id))
        self.assertEqual((approved.n, approved.depth, approved.parent), (1, 0, None))
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(root.id)).status, "held")

    def test_an_edit_between_the_check_and_the_write_of_an_approval_is_not_published(self) -> None:
        comment = self.write("Innocent words", BO)
        token = self.site.comments.writing.edit_token(comment)
        edit = self.site.comments.writing.edit(self.post, BO, comment.id, token, "Other words")
        editing = site_with(self.site, mongo=EditedFirst(self.site.tools.mongo, edit))
        with self.assertRaises(Conflict):
            self.run_now(editing.comments.moderation.approve(comment.id, comment.revision))
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(comment.id)).status, "held")

    def test_approving_a_reply_to_spam_attaches_it_to_the_nearest_public_ancestor(self) -> None:
        root = self.write("A root for all to see")
        spam = self.write("This will be spam soon", BO, root.id)
        reply = self.write("And this a reply to it", BO, spam.id)
        self.run_now(self.site.comments.moderation.mark_spam(spam.id))
        self.run_now(approve(self.site, reply.id))
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(reply.id)).parent, root.id)
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(spam.id)).status, "spam")

    def test_a_parent_of_another_post_is_refused(self) -> None:
        elsewhere = self.post_by("other")
        foreign = self.run_now(self.site.comments.writing.add(elsewhere, ADA, Attempt("Elsewhere")))
        with self.assertRaises(Invalid):
            self.write("A reply across posts", parent=foreign.id)

    def test_a_reply_to_an_invisible_comment_is_refused(self) -> None:
        held = self.write("Held, so only Bo sees it", BO)
        with self.assertRaises(Invalid):
            self.write("Cy cannot know of it", CY, held.id)

    def test_the_sixth_attempt_within_a_minute_is_refused(self) -> None:
        for n in range(5):
            self.write(f"Attempt number {n}", BO)
        with self.assertRaises(TooMany) as caught:
            self.write("Attempt number six", BO)
        self.assertEqual(caught.exception.wait, 60)
        self.clock.pass_by(seconds=61)
        self.write("A minute later", BO)

    def test_attempts_before_and_after_the_first_cookie_count_together(self) -> None:
        self.write("Attempt number 0", replace(BO, had_id=False))
        for n in range(1, 5):
            self.write(f"Attempt number {n}", BO)
        with self.assertRaises(TooMany):
            self.write("Attempt number six", BO)

    def test_an_author_may_edit_for_fifteen_minutes(self) -> None:
        comment = self.write("Some words with a tpyo")
        token = self.site.comments.writing.edit_token(comment)
        edited = self.run_now(self.site.comments.writing.edit(self.post, ADA, comment.id, token, "Some words without"))
        self.assertEqual((edited.n, edited.place), (2, 1))
        self.clock.pass_by(minutes=16)
        with self.assertRaises(NotAllowed):
            self.run_now(self.site.comments.writing.edit(self.post, ADA, comment.id, token, "Too late"))

    def test_an_edit_token_is_valid_for_its_own_comment_only(self) -> None:
        mine, other = self.write("One comment"), self.write("Another comment")
        with self.assertRaises(NotAllowed):
            self.run_now(
                self.site.comments.writing.edit(
                    self.post, ADA, other.id, self.site.comments.writing.edit_token(mine), "Mine now"
                )
            )

    def test_an_edit_of_a_published_comment_is_checked_again(self) -> None:
        first = self.write("An honest first comment", BO)
        self.run_now(approve(self.site, first.id))
        links = "https://a.example https://b.example https://c.example"
        token = self.site.comments.writing.edit_token(first)
        edited = self.run_now(self.site.comments.writing.edit(self.post, BO, first.id, token, links))
        self.assertEqual((edited.status, edited.check), ("held", "links"))
        (change,) = self.run_now(self.site.comments.reading.changes(self.post, 1))[1]
        self.assertEqual((change["status"], change["html"]), ("gone", ""))

    def test_an_edit_of_the_authors_only_approved_comment_is_held(self) -> None:
        only = self.write("An honest first comment", BO)
        self.run_now(approve(self.site, only.id))
        edited = self.edited(only, "Something that nobody approved")
        self.assertEqual((edited.status, edited.check), ("held", "first"))

    def test_an_edit_by_an_author_with_another_approved_comment_stays_published(self) -> None:
        approved = self.write("An honest first comment", BO)
        self.run_now(approve(self.site, approved.id))
        second = self.write("And a second one", BO)
        self.assertEqual(self.edited(second, "And a second one, edited").status, "published")
        self.assertEqual(self.edited(approved, "An honest first comment, edited").status, "published")

    def edited(self, comment: Comment, text: str, by: Author = BO) -> Comment:
        """Edits a comment as its author."""
        token = self.site.comments.writing.edit_token(comment)
        return self.run_now(self.site.comments.writing.edit(self.post, by, comment.id, token, text))

    def test_a_comment_removed_by_its_author_loses_its_text_and_personal_data(self) -> None:
        comment = self.write("Something I regret", name="Bo", email="bo@example.com")
        self.write("But you said it", parent=comment.id)
        token = self.site.comments.writing.edit_token(comment)
        self.run_now(self.site.comments.writing.remove_own(self.post, comment.id, token))
        document = self.run_now(self.site.tools.mongo["comments"].find_one({"_id": comment.id}))
        self.assertEqual([document[name] for name in ("text", "html", "name", "email", "network")], [""] * 5)
        change = self.run_now(self.site.comments.reading.changes(self.post, 2))[1][0]
        self.assertIn("emoved by its author", change["html"])

    def test_a_trusted_authors_reply_to_their_own_held_comment_is_attached_to_a_public_ancestor(self) -> None:
        approved = self.write("Approved, so Bo is trusted", BO)
        self.run_now(approve(self.site, approved.id))
        links = "https://a.example https://b.example https://c.example"
        held = self.write(links, BO, approved.id)
        reply = self.write("Replying to what only I can see", BO, held.id)
        self.assertEqual((held.status, reply.status, reply.parent, reply.depth), ("held", "published", approved.id, 1))

    def test_the_same_text_under_another_parent_is_deduplicated_within_a_minute(self) -> None:
        one, other = self.write("One of two"), self.write("The other of two")
        first = self.write("I agree with you", parent=one.id)
        self.assertEqual(self.write("I agree with you", parent=other.id).id, first.id)

    def test_simultaneous_approvals_count_once(self) -> None:
        held = self.write("Waiting for approval", BO)
        self.second_site

        async def both() -> None:
            await asyncio.gather(*(approve(site, held.id) for site in (self.site, self.second_site)))

        self.run_now(both())
        comment = self.run_now(self.site.comments.documents.by_id(held.id))
        self.assertEqual((comment.status, comment.n, comment.revision), ("published", 1, 1))

    def test_the_worker_carries_out_consequences_of_a_dead_process_after_five_seconds(self) -> None:
        self.write_and_die("The process dies within a moment")
        self.clock.pass_by(seconds=4)
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)
        self.clock.pass_by(seconds=2)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [1, 0])

    def test_the_worker_carries_out_consequences_of_documents_of_the_previous_version(self) -> None:
        comment = self.write("Written by the version before")
        self.run_now(self.site.outbox.flush())
        before = {"$set": {"told": False}, "$unset": {"untold": ""}}
        self.run_now(self.site.tools.mongo["comments"].update_one({"_id": comment.id}, before))
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [1, 0])
        self.assertNotIn("told", self.stored(comment))

    def test_untold_entries_are_removed_once_the_authors_have_accounts(self) -> None:
        written = [self.write(f"Comment number {n}", author) for n, author in enumerate((BO, BO, CY))]
        accounts, done = self.site.tools.mongo["accounts"], {"_id": {"$in": [c.id for c in written]}, "untold": []}

        async def all_removed() -> None:
            async with asyncio.timeout(10):
                while await self.site.tools.mongo["comments"].count_documents(done) < len(written):
                    await asyncio.sleep(0.01)

        self.run_now(all_removed())
        self.assertEqual(self.run_now(accounts.count_documents({"_id": {"$in": [BO.id, CY.id]}, "email": None})), 2)

    def test_the_worker_writes_the_account_that_a_dead_process_did_not_write(self) -> None:
        comment = self.write_and_die("The process dies within a moment", BO)
        self.assertEqual(self.run_now(self.site.accounts.documents.find(BO.id)), None)
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [1, 0])
        self.assertEqual(self.run_now(self.site.accounts.by_id(BO.id)).id, comment.author)

    def test_no_untold_entry_is_removed_before_the_authors_account_is_written(self) -> None:
        dying = self.on(mongo=NoAccounts(self.site.tools.mongo))
        comment = self.run_now(dying.comments.writing.add(self.post, BO, Attempt("Somebody new")))
        with self.assertLogs("models.outbox", "WARNING"):
            self.run_now(dying.outbox.close())
        self.assertEqual(kinds_of(self.stored(comment)), {"account", "pages", "events"})

    def test_a_comment_stays_as_it_was_read_when_its_author_signs_in(self) -> None:
        """So staff who read it before may approve it, and a change that was under way does not undo the sign-in."""
        comment = self.write("Written before signing in")
        reading = self.run_now(self.site.comments.documents.by_id(comment.id))
        self.run_now(self.site.comments.documents.move(comment.author, "m" * 12))
        saved = self.run_now(
            self.site.comments.documents.save(
                reading, replace(reading, text="Edited", revision=reading.revision + 1), is_numbered=False
            )
        )
        after = self.run_now(self.site.comments.documents.by_id(comment.id))
        self.assertEqual((saved, after.text, after.author), (True, "Edited", "m" * 12))

    def test_untold_entries_of_a_newer_revision_stay_when_older_ones_are_removed(self) -> None:
        comment = self.write_and_die("The first version", BO)
        edited = self.edit_and_die(comment, "The second version")
        done = [PublishEvents(comment.id, comment.revision, ())]
        self.run_now(self.site.comments.untold.remove(done))
        left = [(entry["kind"], entry["revision"]) for entry in self.stored(comment)["untold"]]
        self.assertNotIn(("events", comment.revision), left)
        self.assertIn(("events", edited.revision), left)
        self.assertIn(("pages", comment.revision), left)

    def test_untold_entries_of_new_and_changed_comments_are_removed_together(self) -> None:
        one, two = (self.write_and_die(text, BO) for text in ("One", "Two"))
        edited = self.edit_and_die(two, "Two and a half")
        self.assertNotEqual(one.revision, edited.revision)
        done = [PublishEvents(c.id, c.revision, ()) for c in (one, edited)]
        self.run_now(self.site.comments.untold.remove(done))
        self.assertFalse(any("events" in kinds_of(self.stored(comment)) for comment in (one, edited)))

    def test_a_cached_page_that_cannot_be_removed_delays_neither_events_nor_answers(self) -> None:
        unwritable = self.on(page_cache=Unremovable())
        comment = self.run_now(unwritable.comments.writing.add(self.post, BO, Attempt("Stored, and that is all")))
        self.run_now(unwritable.outbox.flush())
        self.expect_log("/kept/now: Permission denied")
        self.assertEqual(kinds_of(self.stored(comment)), {"pages"})

    def test_writers_wait_for_a_hanging_redis_only_briefly_and_the_worker_publishes_later(self) -> None:
        comments = self.on(channels=Hanging()).comments.writing

        async def write_all() -> list[Comment]:
            async with asyncio.timeout(10):
                return await asyncio.gather(*(comments.add(self.post, ADA, Attempt(f"Number {n}")) for n in range(9)))

        written = self.run_now(write_all())
        self.assertEqual(sorted(c.n or 0 for c in written), [*range(1, 10)])
        self.clock.pass_by(seconds=6)
        self.assertEqual([self.run_now(self.site.tell_untold()) for _ in range(2)], [9, 0])

    def test_an_existing_comment_within_a_batch_takes_no_number(self) -> None:
        there = self.write("Somebody was faster")
        new = [replace(there, id=new_id(), text=f"Number {n}", n=None, place=None, counts=None) for n in range(4)]
        batch = [new[0], there, replace(new[1], status=Status.HELD), new[2], new[0], new[3]]
        stored = self.run_now(Numbering(self.site.comments.documents).insert(self.post.id, batch, Counts()))
        self.assertEqual([c and c.n for c in stored], [2, None, None, 3, None, 4])
        self.assertEqual([c is None for c in stored], [False, True, False, False, True, False])
        self.assertEqual(stored[-1] and stored[-1].counts, Counts(4, 4, 4))

    def test_a_batch_interrupted_by_mongodb_can_be_retried_without_duplicates(self) -> None:
        dying = self.on(mongo=HalfWay(self.site.tools.mongo))

        async def write_all(site: Site) -> list[Any]:
            adds = (site.comments.writing.add(self.post, ADA, Attempt(f"Number {n}")) for n in range(5))
            return await asyncio.gather(*adds, return_exceptions=True)

        failed = [type(result) for result in self.run_now(write_all(dying))]
        self.assertIn(AutoReconnect, failed)
        written = self.run_now(write_all(self.site))
        self.assertEqual(sorted(c.n for c in written), [1, 2, 3, 4, 5])
        self.assertEqual(self.run_now(self.site.tools.mongo["comments"].count_documents({})), 5)

    def test_a_thread_without_stored_counts_is_counted_once(self) -> None:
        written = [self.write(f"Comment number {n}") for n in range(3)]
        self.run_now(self.site.tools.mongo["comments"].update_many({}, {"$unset": {"counts": ""}}))
        self.assertEqual(self.run_now(self.site.comments.moderation.remove(written[0].id)).counts, Counts(4, 2, 3))

    def test_recount_corrects_wrong_counts_and_later_changes_continue_from_them(self) -> None:
        written = [self.write(f"Comment number {n}") for n in range(3)]
        self.write("An answer", parent=written[0].id)
        other = self.post_by("other")
        self.assertEqual(self.run_now(self.site.comments.recount()), 0)
        comments, posts = self.site.tools.mongo["comments"], self.site.tools.mongo["posts"]
        self.run_now(comments.delete_one({"_id": written[1].id}))
        self.run_now(posts.update_one({"_id": other.id}, {"$set": {"n": 7, "comment_count": 7}}))
        self.assertEqual(self.run_now(self.site.comments.recount()), 2)
        self.assertEqual(Counts.of(self.current()), Counts(4, 3, 2))
        self.assertEqual(Counts.of(self.run_now(self.site.posts.documents.by_slug("other"))), Counts())
        another = self.run_now(
            self.site.comments.writing.add(self.current(), ADA, Attempt("By who remembers it wrongly"))
        )
        self.assertEqual(another.counts, Counts(5, 4, 3))
        removed = self.run_now(self.second_site.comments.moderation.remove(written[2].id))
        self.assertEqual(removed.counts, Counts(6, 3, 3))
        self.assertEqual(self.run_now(self.site.comments.recount()), 0)

    def test_a_post_shows_its_newest_95_threads_and_older_pages_never_change(self) -> None:
        roots = [self.write(f"Root number {n}") for n in range(200)]
        reply = self.write("A late reply to the oldest", parent=roots[0].id)
        post = self.current()
        newest = self.run_now(self.site.comments.reading.under(post))
        self.assertEqual([node.comment.id for node in newest.nodes], [c.id for c in roots[105:]])
        self.assertEqual((newest.n, list(newest.older)), (201, [1, 2]))
        first = self.run_now(self.site.comments.reading.under(post, 1))
        self.assertEqual([node.comment.id for node in first.nodes], [c.id for c in roots[:95]])
        self.assertEqual(first.nodes[0].replies[0].comment.id, reply.id)
        second = self.run_now(self.site.comments.reading.under(post, 2))
        self.assertEqual([node.comment.id for node in second.nodes], [c.id for c in roots[95:105]])
        with self.assertRaises(NotFound):
            self.run_now(self.site.comments.reading.under(post, 3))
        self.assertEqual(self.run_now(self.site.comments.reading.path_of(post, reply)), f"/plog/hello/p1#c{reply.id}")
        self.assertEqual(
            self.run_now(self.site.comments.reading.path_of(post, roots[105])), f"/plog/hello#c{roots[105].id}"
        )

    def test_ip_addresses_are_deleted_after_thirty_days(self) -> None:
        comment = self.write("Written from somewhere")
        self.clock.pass_by(days=29)
        self.assertEqual(self.run_now(self.site.comments.documents.forget_addresses()), 0)
        self.clock.pass_by(days=2)
        self.assertEqual(self.run_now(self.site.comments.documents.forget_addresses()), 1)
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(comment.id)).address, "")

    def test_spam_can_be_approved_and_keeps_its_place(self) -> None:
        first, _ = self.write("First of two"), self.write("Second of two")
        self.run_now(self.site.comments.moderation.mark_spam(first.id))
        self.assertEqual(self.current().comment_count, 1)
        approved = self.run_now(approve(self.site, first.id))
        self.assertEqual((approved.n, approved.place, approved.text), (4, 1, "First of two"))

    def stored(self, comment: Comment) -> Document:
        """The comment's document in MongoDB."""
        document: Document = self.run_now(self.site.tools.mongo["comments"].find_one({"_id": comment.id}))
        return document

    def current(self) -> Post:
        return self.run_now(self.site.posts.documents.by_slug("hello"))
