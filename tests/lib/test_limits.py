"""Rate limits shared by two processes, with every installed Redis: the packaged one is older."""

import unittest

from lib.items import slug_of
from lib.limits import Limits
from lib.redis import Redis, open_redis
from lib.text import cleaned
from stack import programs
from tests.hostile import quickly, repeated
from tests.lib.redis_server import RedisServer


class LimitsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.clients: list[Redis] = []

    async def limits_on_each_redis(self) -> list[tuple[Limits, Limits]]:
        found = []
        for program in programs.find_all("redis-server"):
            server = RedisServer(program)
            self.addCleanup(server.close)
            clients = [open_redis(server.url) for _ in range(2)]
            for client in clients:
                self.addAsyncCleanup(client.aclose)
            self.clients += clients
            found.append(tuple(Limits(client, lambda: self.now) for client in clients))
        return found  # type: ignore[return-value]

    async def test_the_first_value_is_shared_until_it_expires(self) -> None:
        for one, other in await self.limits_on_each_redis():
            self.assertEqual(await one.first(["key"], "mine", 60), "mine")
            self.assertEqual(await other.first(["key"], "yours", 60), "mine")

    async def test_the_first_value_of_one_key_becomes_that_of_all_keys(self) -> None:
        nowhere = open_redis("unix:///nowhere/redis.sock")
        self.addAsyncCleanup(nowhere.aclose)
        alone = Limits(nowhere, lambda: self.now)
        for one, other in [*await self.limits_on_each_redis(), (alone, alone)]:
            self.assertEqual(await one.first(["a", "b"], "mine", 60), "mine")
            self.assertEqual(await other.first(["c", "b"], "yours", 60), "mine")
            self.assertEqual(await one.first(["c"], "theirs", 60), "mine")

    async def test_processes_count_attempts_together_in_a_sliding_window(self) -> None:
        for one, other in await self.limits_on_each_redis():
            for limits in (one, other, one):
                self.assertEqual(await limits.exceeded({"key": 3}, 60), 0)
            self.now += 10
            self.assertEqual(await other.exceeded({"key": 3}, 60), 50)
            self.now += 51
            self.assertEqual(await one.exceeded({"key": 3}, 60), 0)

    async def test_after_a_clock_was_set_back_nobody_waits_longer_than_the_window(self) -> None:
        nowhere = open_redis("unix:///nowhere/redis.sock")
        self.addAsyncCleanup(nowhere.aclose)
        alone = Limits(nowhere, lambda: self.now)
        for limits, _ in [*await self.limits_on_each_redis(), (alone, alone)]:
            for back in (3600, 30):
                for _ in range(4):
                    await limits.exceeded({f"key {back}": 3}, 60)
                self.now -= back
                waits = [await limits.exceeded({f"key {back}": 3}, 60) for _ in range(5)]
                self.assertTrue(all(0 <= wait <= 60 for wait in waits), waits)
                self.assertEqual(waits[-1], 60)
                self.now += 61
                self.assertEqual(await limits.exceeded({f"key {back}": 3}, 60), 0)

    async def test_after_a_clock_was_set_back_no_first_value_lasts_longer_than_the_window(self) -> None:
        nowhere = open_redis("unix:///nowhere/redis.sock")
        self.addAsyncCleanup(nowhere.aclose)
        limits = Limits(nowhere, lambda: self.now)
        self.assertEqual(await limits.first(["key"], "mine", 60), "mine")
        self.now -= 3600
        self.assertEqual(await limits.first(["key"], "yours", 60), "yours")

    async def test_first_and_exceeded_counts_only_new_values(self) -> None:
        nowhere = open_redis("unix:///nowhere/redis.sock")
        self.addAsyncCleanup(nowhere.aclose)
        alone = Limits(nowhere, lambda: self.now)
        for one, other in [*await self.limits_on_each_redis(), (alone, alone)]:
            most = {"key": 2, "other key": 5}
            self.assertEqual(await one.first_and_exceeded(["a", "b"], "mine", most, 60), ("mine", 0))
            for _ in range(3):
                self.assertEqual(await other.first_and_exceeded(["c", "b"], "yours", most, 60), ("mine", 0))
            self.assertEqual(await one.first_and_exceeded(["d"], "new", most, 60), ("new", 0))
            self.assertEqual(await other.first_and_exceeded(["e"], "newer", most, 60), ("newer", 60))
            self.assertEqual(await one.exceeded(most, 60), 60)
            self.assertEqual(await one.first_and_exceeded(["f"], "staff", {}, 60), ("staff", 0))
            self.assertEqual(await one.exceeded({}, 60), 0)

    async def test_a_redis_without_memory_is_treated_as_away(self) -> None:
        limits = await self.limits_on_each_redis()
        for client in self.clients:
            await client.config_set("maxmemory", 1)
        for one, other in limits:
            self.assertEqual([await one.exceeded({"key": 1}, 60) for _ in range(2)], [0, 60])
            self.assertEqual(await other.first(["key"], "mine", 60), "mine")

    async def test_without_redis_each_process_counts_for_itself(self) -> None:
        nowhere = open_redis("unix:///nowhere/redis.sock")
        self.addAsyncCleanup(nowhere.aclose)
        limits = Limits(nowhere, lambda: self.now)
        self.assertEqual([await limits.exceeded({"key": 1}, 60) for _ in range(2)], [0, 60])
        self.assertEqual([await limits.first(["key"], value, 60) for value in ("mine", "yours")], ["mine", "mine"])


class TextTest(unittest.TestCase):
    def test_a_letter_has_a_bounded_number_of_combining_marks(self) -> None:
        """Unicode composition takes quadratic time in the number of marks: thousands would block the process."""
        self.assertEqual(len(cleaned("a" + "\u0300" * 500 + "\u0316" * 500 + "b")), 1 + 30 - 1 + 1)
        self.assertEqual(cleaned("cafe\u0301 Việt"), "café Việt")
        with quickly():
            self.assertEqual(slug_of("a" + repeated("\u0301\u0327") + "b"), "á-b")
