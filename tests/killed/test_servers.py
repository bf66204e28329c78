"""Redis and MongoDB are killed while visitors use the site."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from html import unescape

from pymongo import WriteConcern

from lib.ids import new_id
from tests.follower import LastingFollower
from tests.killed.base import IS_LONG, SECONDS, KilledTestCase, within

CROWD = 90
WRITERS = 8
ROUNDS = 10 if IS_LONG else 1
MOST_TRIES = 40
MOST_A_MINUTE = 5  # comments of one visitor
TEXT = "Kept while the database was away: <b>\"every word\"</b> & its 'signs'"


class KilledRedisTest(KilledTestCase):
    async def test_comments_are_accepted_without_redis_and_followers_catch_up_without_reconnecting(self) -> None:
        await self.join(CROWD)
        await self.all_have(await self.written("Before"))
        for follower in self.followers:
            follower.joined = []
        with self.unwatched():
            self.kill(self.pid("redis-server"))
            n = await self.written(*(f"While Redis was away, {number}" for number in range(6)))
            self.assertEqual((await self.page()).n, n)
            self.assertEqual((await self.page()).shown, await self.changes())
            self.assertEqual({follower.n for follower in self.followers}, {1})
        await within(SECONDS, (follower.join() for follower in self.followers))
        await self.all_have(n)
        self.assertEqual({follower.losses for follower in self.followers}, {0})
        await self.all_up()
        await self.all_have(await self.written("Afterwards"))

    async def test_limits_fall_back_to_each_process(self) -> None:
        with self.unwatched():
            self.kill(self.pid("redis-server"))
            visitor = self.visitor(self.public_ports[0])
            answers = [await self.write(f"Fast, {number}", visitor) for number in range(MOST_A_MINUTE + 1)]
            self.assertEqual([answer.code for answer in answers], [201] * MOST_A_MINUTE + [429])
            self.assertGreater(int(answers[-1].headers["Retry-After"]), 0)
            self.assertEqual((await self.write("Of somebody else", self.visitor(self.public_ports[0]))).code, 201)


class KilledMongoTest(KilledTestCase):
    async def test_acknowledged_comments_survive_and_retries_are_deduplicated(self) -> None:
        await self.join(CROWD)
        acknowledged: set[str] = set()
        for number in range(ROUNDS):
            self.refused = 0
            writing = [asyncio.ensure_future(self.write_on(f"{number}-{writer}")) for writer in range(WRITERS)]
            await self.becomes(self.has_news_of(len(acknowledged)), "comments arrive")
            with self.unwatched():
                self.kill(self.pid("mongod"))
                await self.becomes(self.is_refused, "a request is answered 503")
            for ids in await asyncio.gather(*writing):
                acknowledged |= ids
        self.assertEqual((await self.changes()).keys(), acknowledged, "a comment was stored twice or lost")
        await self.all_have(len(acknowledged))
        self.assertEqual({follower.losses for follower in self.followers}, {0})

    def has_news_of(self, number: int) -> Callable[[], Awaitable[bool]]:
        async def has_news() -> bool:
            return await self.site.comments.documents.newest_n(self.post.id) > number + WRITERS

        return has_news

    async def is_refused(self) -> bool:
        return self.refused > 0

    async def write_on(self, writer: str) -> set[str]:
        """Posts comments until one is refused, and retries each until it is accepted. Returns their ids."""
        ids: set[str] = set()
        while not self.refused:
            ids.add(await self.write_until_accepted(f"Comment {len(ids)} by {writer}"))
        return ids

    async def write_until_accepted(self, text: str) -> str:
        visitor = self.visitor()
        for _ in range(MOST_TRIES):
            answer = await self.write(text, visitor)
            result = json.loads(answer.body)
            if answer.code == 201:
                return str(result["id"])
            refusal = (answer.code, result["error"], answer.headers.get("Retry-After"))
            self.assertEqual(refusal, (503, "away", "5"), answer.body)
            self.refused += 1
            await asyncio.sleep(0.25)
        self.fail("never accepted")

    async def test_a_comment_that_was_shown_survives_even_if_it_was_not_acknowledged(self) -> None:
        """Otherwise another comment would get its number, and visitors who saw the lost one would never request it."""
        comments = self.site.tools.mongo["comments"]
        await self.written("Acknowledged")
        document = await comments.find_one({"post": self.post.id})
        pid = self.pid("mongod")
        not_on_disk = {**document, "_id": new_id(), "n": 2, "place": 2, "numbers": [2], "told": False}
        await comments.with_options(write_concern=WriteConcern(w=1)).insert_one(not_on_disk)
        seen = await self.changes()
        self.kill(pid)
        await self.all_up()
        self.assertEqual(len(seen), 2)
        self.assertEqual((await self.changes()).keys(), seen.keys())

    async def test_while_mongodb_is_away_pages_forms_and_json_requests_answer_503(self) -> None:
        await self.join(CROWD)
        await self.all_have(await self.written("Before"))
        with self.unwatched():
            self.kill(self.pid("mongod"))
            result, form, *pages = await asyncio.gather(
                self.write("To a program"),
                self.visitor().fetch_async("POST", self.comments_path, form={"text": TEXT, "name": "Bo"}),
                *(self.visitor().fetch_async("GET", path) for path in (self.post.path, "/")),
            )
        for answer in (result, form, *pages):
            self.assertEqual((answer.code, answer.headers["Retry-After"]), (503, "5"))
        self.assertEqual(json.loads(result.body)["error"], "away")
        for page in pages:
            self.assertIn("Please try again", page.body.decode())
        page = form.body.decode()
        self.assertIn(f'action="{self.comments_path}"', page)
        self.assertIn(f"{TEXT}</textarea>", unescape(page))
        self.assertIn('value="Bo"', page)
        await self.all_up()
        await self.all_have(await self.written("Afterwards"))
        self.assertEqual({follower.losses for follower in self.followers}, {0})

    async def test_a_follower_that_connects_while_mongodb_is_away_follows_later(self) -> None:
        """There is only one follower, so that no process has the post's subscription in memory."""
        (follower,) = await self.join(1)
        await self.all_have(await self.written("Before"))
        (port,) = [port for port in self.public_ports if await self.connections(port)]
        with self.unwatched():
            self.kill(self.pid("mongod"))
            self.kill(self.pid(f"--port={port}"))
            await self.becomes(lambda: self.was_refused(follower), "the follower reconnects and gets an `away` error")
        await self.all_up()
        await within(SECONDS, [follower.join(2)])
        await self.all_have(await self.written("Afterwards"))

    async def was_refused(self, follower: LastingFollower) -> bool:
        return follower.refusals > 0
