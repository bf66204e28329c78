"""A page that follows a thread, without a browser: the same rules as static/js/helpers/sequence.js, over real sockets.

It starts from a loaded page (`data-n` and its comments), follows over a WebSocket, requests missing changes, and
records whether a change was shown twice. A `LastingFollower` also reconnects by itself, as static/js/live.js does.
"""

import asyncio
import random
import re
from contextlib import suppress
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from lib import json
from tests.base import TestClient

PAGE_N = re.compile(r'data-channel="([^"]+)" data-n="(\d+)"')
ARTICLE = re.compile(
    r'<article class="comment (\w+)" id="c([0-9a-v]{12})" data-n="(\d+)"[^>]*>.*?</article>', re.DOTALL
)
GONE = ""
SHORTEST, LONGEST = 0.3, 30.0  # seconds, as in static/js/helpers/backoff.js
SPREAD = 2.0  # seconds over which clients spread their reconnects after a restart
POLL = 5.0  # seconds after which a page retries a failed request
FAILURES_TILL_AGAIN = 4  # after an `away` error, wait as long as after this many failures
PATIENCE = 10.0  # seconds until an attempt to connect times out
BROKEN = (OSError, HTTPClientError, WebSocketClosedError)


def handshake(url: str) -> HTTPRequest:
    """A handshake from a random address, if nginx trusts the header: live connections per address are limited."""
    own = {"X-Forwarded-For": f"10.{random.randrange(256)}.{random.randrange(256)}.1"}
    return HTTPRequest(url, headers=own, connect_timeout=PATIENCE)


class Page:
    """A page as it was loaded: it may be followed at once or a month later."""

    def __init__(self, body: str) -> None:
        found = PAGE_N.search(body)
        assert found is not None, body
        self.channel, self.n = found[1], int(found[2])
        self.shown = {match[2]: match[0] for match in ARTICLE.finditer(body)}


class Follower:
    def __init__(self, page: Page, path: str) -> None:
        self.n = page.n
        self.shown = dict(page.shown)
        self.channel = page.channel
        self.path = path
        self.faults: list[str] = []
        self._moved = asyncio.Event()
        self._socket: WebSocketClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._client: TestClient | None = None
        self._turn = asyncio.Lock()  # a disconnect waits for a running connect

    async def connect(self, client: TestClient) -> None:
        """Follow at the process that this client uses."""
        async with self._turn:
            self._client = client
            port = client.port or client.testcase.get_http_port()
            self._socket = await websocket_connect(handshake(f"ws://127.0.0.1:{port}/live/websocket"))
            await self._socket.write_message(json.dumps({"type": "follow", "channel": self.channel}))
            self._listening = asyncio.ensure_future(self._listen(self._socket))

    async def disconnect(self) -> None:
        async with self._turn:
            if self._socket is not None and self._listening is not None:
                self._socket.close()
                await self._listening
                self._socket = None

    async def arrive(self, n: int) -> None:
        """Wait until change `n` is shown."""
        while self.n < n:
            self._moved.clear()
            await self._moved.wait()

    async def _listen(self, socket: WebSocketClientConnection) -> None:
        while (text := await socket.read_message()) is not None:
            await self._receive(json.loads(text))

    async def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "followed" and message["n"] > self.n:
            await self._catch_up()
        elif message["type"] == "event" and message["n"] == self.n + 1:
            self._apply(message["data"]["comment"])
        elif message["type"] == "event" and message["n"] > self.n:
            await self._catch_up()
        elif message["type"] == "error":
            self.faults.append(json.dumps(message))

    async def _catch_up(self) -> None:
        assert self._client is not None
        response = await self._client.fetch_async("GET", f"{self.path}/comments?after={self.n}")
        for change in json.loads(response.body)["comments"]:
            if change["n"] > self.n:
                self._apply(change)

    def _apply(self, change: dict[str, Any]) -> None:
        if change["n"] <= self.n:
            self.faults.append(f"{change['n']} after {self.n}")
        self.n = change["n"]
        self.shown[change["id"]] = change["html"]
        self._moved.set()


class LastingFollower(Follower):
    """A follower that reconnects after every loss, with exponential backoff, and retries until it follows again."""

    def __init__(self, page: Page, path: str) -> None:
        super().__init__(page, path)
        self.losses = 0  # lost connections and failed attempts to connect
        self.restarts = 0  # how many `restart` messages it got
        self.refusals = 0  # how many `away` errors it got
        self.joined: list[float] = []  # times of `followed` by the loop's clock; added once it has caught up
        self._has_joined = asyncio.Event()
        self._is_leaving = asyncio.Event()

    async def connect(self, client: TestClient) -> None:
        self._client = client
        self._listening = asyncio.ensure_future(self._stay(f"ws://127.0.0.1:{client.port}/live/websocket"))
        await self.join()

    async def join(self, times: int = 1) -> None:
        """Wait until it has followed and caught up this many times."""
        while len(self.joined) < times:
            self._has_joined.clear()
            await self._has_joined.wait()

    async def disconnect(self) -> None:
        self._is_leaving.set()
        if self._socket is not None:
            self._socket.close()
        await self._end()

    async def vanish(self) -> None:
        """Disappear without closing the connection, like a phone that loses its network."""
        self._is_leaving.set()
        if self._socket is not None and self._socket.protocol is not None:
            self._socket.protocol.stream.close()
        await self._end()

    async def _end(self) -> None:
        assert self._listening is not None
        await self._listening
        self._socket = None

    async def _stay(self, url: str) -> None:
        failures = 0
        while not self._is_leaving.is_set():
            restarts = self.restarts
            with suppress(*BROKEN):
                self._socket = await websocket_connect(handshake(url))
                failures = 0
                await self._follow(self._socket)
            if self._is_leaving.is_set():
                break
            self.losses += 1
            is_told = self.restarts > restarts
            await self._pause(random.uniform(0, SPREAD) if is_told else wait(failures, random.random()))
            failures += not is_told

    async def _follow(self, socket: WebSocketClientConnection) -> None:
        try:
            await self._ask_to_follow(socket)
            if not self._is_leaving.is_set():
                await self._listen(socket)
        finally:
            socket.close()

    async def _ask_to_follow(self, socket: WebSocketClientConnection) -> None:
        await socket.write_message(json.dumps({"type": "follow", "channel": self.channel}))

    async def _receive(self, message: dict[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        self.restarts += message["type"] == "restart"
        if message.get("code") == "away":  # so the page retries
            assert self._socket is not None
            self.refusals += 1
            await self._pause(wait(FAILURES_TILL_AGAIN, random.random()))
            return await self._ask_to_follow(self._socket)
        await super()._receive(message)
        if message["type"] == "followed":
            self.joined.append(now)
            self._has_joined.set()

    async def _catch_up(self) -> None:
        while not self._is_leaving.is_set():
            before = self.n
            with suppress(*BROKEN, KeyError, ValueError):  # no answer, or an error
                return await super()._catch_up()
            await self._pause(POLL if self.n == before else 0)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_leaving.wait(), seconds)


def wait(failures: int, chance: float) -> float:
    """Seconds to wait after this many failed attempts: `wait` of static/js/helpers/backoff.js."""
    return float(min(LONGEST, SHORTEST * 2**failures) * (0.5 + chance / 2))
