"""The database commands that the bare handlers repeat: recorded from the site, grouped in rounds, and sent again."""

import asyncio
import unittest
from typing import Any

from pymongo import monitoring

from bench._commands import BY_DRIVER, MARK, Command, Task, made_ids, renewed, repeated, rounds
from bench._recorded import Listener
from bench._seeded import add_comments, add_posts
from models.comments import Attempt, Author
from tests.base import SiteTestCase


def command(began: float, ended: float, verb: str = "find", **words: Any) -> Command:
    return Command(verb, "posts", words, began, ended)


class RoundsTest(unittest.TestCase):
    def test_overlapping_commands_are_one_round_and_later_ones_the_next(self) -> None:
        post, categories, comments, others, more = (
            command(*at) for at in ((0, 3), (0.1, 2.9), (3.1, 5), (3.2, 4), (5.1, 6))
        )
        self.assertEqual(rounds([more, others, comments, categories, post]), ((post, categories), (comments, others), (more,)))  # fmt: skip

    def test_concurrent_chains_have_as_many_rounds_as_the_longer_one(self) -> None:
        chains = [command(0, 1), command(1.1, 2), command(2.1, 3), command(0, 9)]
        self.assertEqual([len(commands) for commands in rounds(chains)], [2, 1, 1])
        self.assertEqual(rounds([]), ())

    def test_ids_of_inserted_documents_are_replaced_everywhere_in_each_repetition(self) -> None:
        insert = command(0, 1, "insert", documents=[{"_id": "a", "root": "a", "author": "b", "n": MARK, "text": "a b"}])
        upsert = command(0, 1, "update", updates=[{"q": {"_id": "b"}, "u": {}, "upsert": True}])
        update = command(0, 1, "update", updates=[{"q": {"_id": "c"}, "u": {}, "upsert": False}])
        task = Task(b"", ((insert, upsert), (update,)))
        self.assertEqual(made_ids((insert, upsert, update)), ["a", "b"])
        fresh = task.fresh(7)
        (document,) = renewed(insert.words, fresh)["documents"]
        self.assertEqual(document["_id"], document["root"])
        self.assertEqual((document["author"], document["n"]), (fresh["b"], MARK + 7))
        self.assertEqual((document["text"], renewed(update.words, fresh)), ("a b", update.words))
        self.assertNotEqual(task.fresh(7)["a"], fresh["a"])


class RepeatedTest(SiteTestCase):
    def setUp(self) -> None:
        self.listener = Listener()
        monitoring.register(self.listener)  # before the site's client is created
        super().setUp()

    def heard(self, work: Any) -> list[Command]:
        """The commands that a coroutine sends."""
        self.listener.heard.clear()
        self.listener.is_listening = True
        try:
            self.run_now(work)
        finally:
            self.listener.is_listening = False  # it would slow down later tests
        return list(self.listener.heard)

    def again(self, commands: list[Command], fresh: dict[Any, Any]) -> list[Command]:
        async def all_again() -> None:
            for one in commands:
                await repeated(self.site.tools.mongo, one, fresh)

        return self.heard(all_again())

    def test_the_reads_of_a_page_are_repeated_unchanged(self) -> None:
        post = self.post_by()
        self.run_now(add_comments(self.site, post, 120))
        self.run_now(self.site.outbox.flush())  # else it writes while the reads are recorded

        async def page() -> None:
            found = await self.site.posts.documents.by_slug("hello")
            await asyncio.gather(self.site.comments.reading.under(found), self.site.posts.reading.related(found))
            await self.site.comments.documents.count_published()

        heard = [one for one in self.heard(page()) if one.is_read]
        self.assertEqual({one.verb for one in heard}, {"find", "aggregate"})
        self.assertCountEqual(map(sent, self.again(heard, {})), map(sent, heard))

    def test_the_writes_of_a_comment_are_repeated_as_another_comment(self) -> None:
        post, author = self.post_by(), Author("4kq0b3m9vt2e")

        async def write() -> None:
            await self.site.comments.writing.add(post, author, Attempt("A comment that is written twice."))
            await self.site.outbox.flush()

        writes = [one for one in self.heard(write()) if not one.is_read]
        fresh = Task(b"", (tuple(writes),)).fresh(1)
        again = self.again(writes, fresh)
        self.assertEqual([one.verb for one in again], [one.verb for one in writes])
        self.assertEqual(self.run_now(self.site.tools.mongo["comments"].count_documents({})), 2)

    def test_an_unsupported_command_raises_an_error(self) -> None:
        for verb, words in (("distinct", {}), ("find", {"filter": {}, "collation": {}}), ("delete", {})):
            with self.assertRaisesRegex(NotImplementedError, verb):
                self.run_now(repeated(self.site.tools.mongo, command(0, 1, verb, **words), {}))


class SeededTest(SiteTestCase):
    def test_seeded_posts_and_comments_are_readable_and_counted_by_the_models(self) -> None:
        self.run_now(add_posts(self.site, 40))
        posts = self.run_now(self.site.posts.documents.newest(0, 50))
        self.assertEqual((len(posts), posts[0].slug), (40, "post-0"))
        self.run_now(add_comments(self.site, posts[0], 30))
        post = self.run_now(self.site.posts.documents.by_slug("post-0"))
        page = self.run_now(self.site.comments.reading.under(post))
        self.assertEqual((post.comment_count, page.n), (30, 30))
        self.assertEqual(post.root_count, len(page.nodes))
        self.assertTrue(any(node.replies for node in page.nodes))


def sent(one: Command) -> dict[str, Any]:
    """The command without the fields that the driver adds and without cursor ids."""
    return {name: value for name, value in one.words.items() if name not in BY_DRIVER and name != "getMore"}
