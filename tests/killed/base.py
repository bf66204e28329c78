"""One real stack that these tests share, and its visitors: some write, and followers stay connected.

Every test has its own post and starts with all processes up. `site` is a site in the test's own process on the same
servers: tests use it to read the database, never to change what the stack does.
"""

import asyncio
import atexit
import os
import re
import resource
import signal
import unittest
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from lib import json
from lib.clock import utc_now
from models.posts import Post
from models.site import Site
from settings import Settings
from tests.base import TestClient, driver
from tests.follower import BROKEN, LastingFollower, Page
from tests.running import Running, command_line
from ui_modules.comments import comment_json

IS_LONG = os.environ.get("PLOG_LONG") == "1"
SETTINGS = {
    "SITE_DEMO": "0",
    "SITE_MODERATION": "none",
    "SITE_PROXIES": "127.0.0.1",  # so that tests can write from many networks, each with its own limits
    "SITE_MONGO_DRIVER": driver(),
}
OURS = ("public-", "admin", "worker")
AT_ONCE = 64  # connections that are opened at the same time
SECONDS = 60  # timeout for events without a promised time, on a busy machine
ADDRESSES = count(1)


@cache
def shared() -> Running:
    """The stack, stopped when this interpreter exits."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    running = Running(**SETTINGS)
    until_exit.callback(running.remove)
    running.start()
    return running


class KilledTestCase(unittest.IsolatedAsyncioTestCase):
    stack = staticmethod(shared)

    async def asyncSetUp(self) -> None:
        asyncio.get_running_loop().set_debug(False)  # thousands of sockets
        self.running = self.stack()
        self.http_client = AsyncHTTPClient(force_instance=True, max_clients=AT_ONCE, defaults={"request_timeout": 60})
        self.addCleanup(self.http_client.close)
        await self.all_up()
        self.addCleanup(self.no_process_failed, {log: log.stat().st_size for log in self.logs})
        self.site = await Site.open(Settings.from_environment(self.environment), comment_json)
        self.addAsyncCleanup(self.site.close)
        self.post = await self.site.posts.writing.add(
            Post(id="", slug=f"post-{next(ADDRESSES)}", title="A post", published=utc_now(), edited=utc_now(), text="…")
        )
        self.followers: list[LastingFollower] = []
        self.addAsyncCleanup(self.all_leave)

    @property
    def environment(self) -> dict[str, str]:
        return {**SETTINGS, "SITE_DATA": str(self.running.data), "SITE_PORT": str(self.running.port)}

    @property
    def public_ports(self) -> range:
        return range(self.running.port + 1, self.running.port + 4)

    @property
    def comments_path(self) -> str:
        return f"{self.post.path}/comments"

    @property
    def logs(self) -> list[Path]:
        """The logs of our own processes."""
        return [log for log in (self.running.data / "log").glob("*.log") if log.name.startswith(OURS)]

    def no_process_failed(self, before: dict[Path, int]) -> None:
        """Assert that no process logged a traceback: a server that is away may be logged, but only in one line."""
        for log in self.logs:
            said = log.read_bytes()[before.get(log, 0) :].decode(errors="replace")
            self.assertNotIn("Traceback", said, log.name)

    # Processes

    def pid(self, part: str) -> int:
        """The process with this text in its command line."""
        pid = self.running.pid_of(part)
        assert pid, f"{part} does not run"
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """Stops supervisor from restarting processes while the block runs."""
        with standing_still(self.pid("supervisord")):
            yield

    async def all_up(self) -> None:
        for port in (*self.public_ports, self.running.port + 4, self.running.port):
            await self.becomes(lambda port=port: self.is_serving(port), f"{port} answers")

    async def is_serving(self, port: int) -> bool:
        try:
            response = await TestClient(self, port).fetch_async("GET", "/status")
        except BROKEN:
            return False
        health = json.loads(response.body) if response.code == 200 else {}
        return bool(health) and health["live"] and all(server["up"] for server in health["servers"].values())

    async def becomes(self, ask: Callable[[], Awaitable[bool]], what: str) -> None:
        """Waits until the condition is true; fails at the timeout."""
        end = asyncio.get_running_loop().time() + SECONDS
        while not await ask():
            self.assertLess(asyncio.get_running_loop().time(), end, f"timeout: {what}")
            await asyncio.sleep(0.05)

    async def connections(self, port: int) -> int:
        """The number of live connections of a process."""
        metrics = (await TestClient(self, port).fetch_async("GET", "/metrics")).body.decode()
        found = re.search(r"^plog_live_connections (\d+)$", metrics, re.MULTILINE)
        assert found, metrics
        return int(found[1])

    # People

    def visitor(self, port: int = 0) -> TestClient:
        """A new visitor, at nginx or directly at a process."""
        return TestClient(self, port or self.running.port)

    async def write(self, text: str, visitor: TestClient | None = None, **headers: str) -> HTTPResponse:
        """Posts a comment, by default as a new visitor from a network of their own."""
        number = next(ADDRESSES)
        sent = {"X-Forwarded-For": f"10.{number >> 8 & 255}.{number & 255}.1", **headers}
        visitor = visitor or self.visitor()
        return await visitor.fetch_async("POST", self.comments_path, json_body={"text": text}, headers=sent)

    async def written(self, *texts: str) -> int:
        """Posts comments that must be accepted. Returns the number of the newest."""
        for text in texts:
            response = await self.write(text)
            self.assertEqual(response.code, 201, response.body)
        return int(json.loads(response.body)["n"])

    async def page(self) -> Page:
        response = await self.visitor().fetch_async("GET", self.post.path)
        self.assertEqual(response.code, 200)
        return Page(response.body.decode())

    async def changes(self) -> dict[str, str]:
        """All comments as a new visitor sees them: HTML by id."""
        found: dict[str, Any] = {"n": 0, "more": True}
        shown: dict[str, str] = {}
        while found.get("more"):
            path = f"{self.comments_path}?after={found['n']}"
            found = json.loads((await self.visitor().fetch_async("GET", path)).body)
            shown |= {change["id"]: change["html"] for change in found["comments"]}
        return shown

    async def join(self, number: int) -> list[LastingFollower]:
        """Connects this many more followers to the post."""
        page, at_once = await self.page(), asyncio.Semaphore(AT_ONCE)
        joining = [LastingFollower(page, self.post.path) for _ in range(number)]
        self.followers += joining

        async def connect(follower: LastingFollower) -> None:
            async with at_once:
                await follower.connect(self.visitor())

        await asyncio.gather(*(connect(follower) for follower in joining))
        return joining

    async def all_leave(self) -> None:
        leaving, self.followers = self.followers, []
        await asyncio.gather(*(follower.disconnect() for follower in leaving))

    async def all_have(self, n: int) -> None:
        """Assert that every follower shows all changes up to `n`, each exactly once."""
        await within(SECONDS, (follower.arrive(n) for follower in self.followers))
        expected = await self.changes()
        for follower in self.followers:
            self.assertEqual(follower.faults, [])
            self.assertEqual(follower.shown, expected)


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stops a process while the block runs, as if it had made a blocking call."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def within(seconds: float, works: Iterable[Awaitable[Any]]) -> None:
    """Waits for all coroutines; raises TimeoutError at the timeout."""
    async with asyncio.timeout(seconds):
        await asyncio.gather(*works)


def resident(pid: int) -> int:
    """Resident memory in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def is_gone(pid: int) -> bool:
    return not command_line(pid)
