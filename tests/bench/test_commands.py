"""What the bare handlers repeat: heard from the site, in rounds, and sent again as it was."""

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
    def test_what_overlaps_is_one_round_and_what_waited_is_the_next(self) -> None:
        post, categories, comments, others, more = (
            command(*at) for at in ((0, 3), (0.1, 2.9), (3.1, 5), (3.2, 4), (5.1, 6))
        )
        self.assertEqual(rounds([more, others, comments, categories, post]), ((post, categories), (comments, others), (more,)))  # fmt: skip

    def test_two_chains_side_by_side_are_as_long_as_the_longer_one(self) -> None:
        chains = [command(0, 1), command(1.1, 2), command(2.1, 3), command(0, 9)]
        self.assertEqual([len(commands) for commands in rounds(chains)], [2, 1, 1])
        self.assertEqual(rounds([]), ())

    def test_ids_of_what_is_made_are_fresh_in_every_repetition_wherever_they_stand(self) -> None:
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
        monitoring.register(self.listener)  # before the site's client is made
        super().setUp()

    def heard(self, work: Any) -> list[Command]:
        """The commands that something sends."""
        self.listener.heard.clear()
        self.listener.is_listening = True
        try:
            self.run_now(work)
        finally:
            self.listener.is_listening = False  # it holds up whoever comes after
        return list(self.listener.heard)

    def again(self, commands: list[Command], fresh: dict[Any, Any]) -> list[Command]:
        async def all_again() -> None:
            for one in commands:
                await repeated(self.site.tools.mongo, one, fresh)

        return self.heard(all_again())

    def test_what_a_page_reads_is_read_again_in_the_same_words(self) -> None:
        post = self.post_by()
        self.run_now(add_comments(self.site, post, 120))

        async def page() -> None:
            found = await self.site.posts.documents.by_slug("hello")
            await asyncio.gather(self.site.comments.reading.under(found), self.site.posts.reading.related(found))
            await self.site.comments.documents.count_published()

        heard = [one for one in self.heard(page()) if one.is_read]
        self.assertEqual({one.verb for one in heard}, {"find", "aggregate"})
        self.assertCountEqual(map(sent, self.again(heard, {})), map(sent, heard))

    def test_what_a_comment_writes_is_written_again_as_another_one(self) -> None:
        post, author = self.post_by(), Author("4kq0b3m9vt2e")

        async def write() -> None:
            await self.site.comments.writing.add(post, author, Attempt("A comment that is written twice."))
            await self.site.outbox.flush()

        writes = [one for one in self.heard(write()) if not one.is_read]
        fresh = Task(b"", (tuple(writes),)).fresh(1)
        again = self.again(writes, fresh)
        self.assertEqual([one.verb for one in again], [one.verb for one in writes])
        self.assertEqual(self.run_now(self.site.tools.mongo["comments"].count_documents({})), 2)

    def test_a_command_that_was_never_repeated_yet_is_refused_loudly(self) -> None:
        for verb, words in (("distinct", {}), ("find", {"filter": {}, "collation": {}}), ("delete", {})):
            with self.assertRaisesRegex(NotImplementedError, verb):
                self.run_now(repeated(self.site.tools.mongo, command(0, 1, verb, **words), {}))


class SeededTest(SiteTestCase):
    def test_what_is_seeded_is_what_the_models_read_and_count(self) -> None:
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
    """What was sent, but for what the driver adds and what names a cursor."""
    return {name: value for name, value in one.words.items() if name not in BY_DRIVER and name != "getMore"}
