"""The Redis client, with a server that is killed and started again."""

import asyncio
import shutil
import socket
import tempfile
import unittest
from pathlib import Path

from lib.redis import Away, Subscription, open_redis
from tests.lib.redis_server import RedisServer

SECONDS = 8  # two attempts of 2 s each, and a margin for a busy machine


class RedisTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.server = RedisServer()
        self.addCleanup(self.server.close)
        self.redis = open_redis(self.server.url)
        self.addAsyncCleanup(self.redis.aclose)

    async def test_connections_from_before_a_restart_of_redis_cause_no_errors(self) -> None:
        await asyncio.gather(*(self.redis.set(str(n), n) for n in range(5)))  # opens five connections
        self.server.kill()
        await asyncio.to_thread(self.server.start)
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.echo("a").echo("b")
            self.assertEqual(await pipe.execute(), ["a", "b"])
        self.assertEqual(await asyncio.gather(*(self.redis.echo(str(n)) for n in range(5))), list("01234"))

    async def test_a_cancelled_command_leaves_no_answer_for_the_next_one(self) -> None:
        for n in range(200):
            pipe = self.redis.pipeline(transaction=False).echo(f"given up {n}").echo("too")
            asking = asyncio.create_task(pipe.execute() if n % 2 else self.redis.echo(f"given up {n}"))
            for _ in range(n // 2 % 20):  # cancel at different points: before and during sending, and while waiting
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
            self.assertEqual(await self.redis.echo(f"asked {n}"), f"asked {n}")

    async def test_commands_to_a_hanging_redis_time_out_within_two_attempts(self) -> None:
        """Ninety simultaneous commands on pooled and on new connections: each one raises `Away`."""
        await asyncio.gather(*(self.redis.echo(str(n)) for n in range(5)))  # opens five pooled connections
        with self.server.hanging():
            async with asyncio.timeout(SECONDS):
                ends = await asyncio.gather(*(self.redis.echo(str(n)) for n in range(90)), return_exceptions=True)
        for end in ends:
            self.assertIsInstance(end, Away)
        self.assertEqual(await self.redis.echo("back"), "back")


class AwayTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog-redis-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def stale_socket(self) -> str:
        """The URL of a socket file without a listener."""
        path = self.folder / "stale.sock"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        return f"unix://{path}"

    async def test_an_unreachable_redis_is_away_and_a_disk_error_is_not(self) -> None:
        for url in (
            self.stale_socket(),
            f"unix://{self.folder}/none.sock",
            "unix:///etc/passwd/x",
            "redis://127.0.0.1:9",
        ):
            redis = open_redis(url)
            self.addAsyncCleanup(redis.aclose)
            for asking in (redis.ping(), Subscription(redis).open()):
                with self.subTest(url), self.assertRaises(Away):
                    await asking
        for refusal in (OSError, PermissionError, FileNotFoundError, NotADirectoryError):
            self.assertFalse(issubclass(refusal, Away), refusal)

    async def test_a_redis_killed_during_a_command_is_away(self) -> None:
        server = RedisServer()
        self.addCleanup(server.close)
        redis = open_redis(server.url)
        self.addAsyncCleanup(redis.aclose)
        subscription = Subscription(redis)
        await subscription.open()
        self.addAsyncCleanup(subscription.close)
        waiting = [asyncio.create_task(work) for work in (redis.blpop("nothing", 0), subscription.receive())]
        await redis.ping()
        server.kill()
        for task in waiting:
            with self.assertRaises(Away):
                await task
