"""A page that follows a thread, without a browser: the same rules as static/js/helpers/sequence.js, over real sockets.

It starts from what a page showed (`data-n` and the comments on it), follows over a WebSocket, asks for what it misses,
and notes if anything was ever shown twice. A `LastingFollower` also comes back by itself, as static/js/live.js does.
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
SPREAD = 2.0  # seconds over which those come back who were told of a restart
POLL = 5.0  # seconds after which a page asks again for what it could not get
FAILURES_TILL_AGAIN = 4  # who is told that something is away asks to follow again after as long as after so many
PATIENCE = 10.0  # seconds for a connection to open
BROKEN = (OSError, HTTPClientError, WebSocketClosedError)


def handshake(url: str) -> HTTPRequest:
    """From an address of its own, where nginx believes that: one address may not have so many live connections."""
    own = {"X-Forwarded-For": f"10.{random.randrange(256)}.{random.randrange(256)}.1"}
    return HTTPRequest(url, headers=own, connect_timeout=PATIENCE)


class Page:
    """What a page showed when it was loaded: it may be followed at once, or a month later."""

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
        self._turn = asyncio.Lock()  # who leaves while connecting has connected first

    async def connect(self, client: TestClient) -> None:
        """Follow through the process of this client."""
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
        """Return once change `n` is shown."""
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
    """Somebody who stays: after every loss it connects again, with longer pauses each time, and asks until it is told."""

    def __init__(self, page: Page, path: str) -> None:
        super().__init__(page, path)
        self.losses = 0  # connections that broke, and attempts at one that failed
        self.restarts = 0  # how often a process said that it restarts
        self.refusals = 0  # how often it could not follow, because something was away
        self.joined: list[float] = []  # when it was told `followed`, by the loop's clock; entered once it has caught up
        self._has_joined = asyncio.Event()
        self._is_leaving = asyncio.Event()

    async def connect(self, client: TestClient) -> None:
        self._client = client
        self._listening = asyncio.ensure_future(self._stay(f"ws://127.0.0.1:{client.port}/live/websocket"))
        await self.join()

    async def join(self, times: int = 1) -> None:
        """Return once it followed, and had caught up, so many times."""
        while len(self.joined) < times:
            self._has_joined.clear()
            await self._has_joined.wait()

    async def disconnect(self) -> None:
        self._is_leaving.set()
        if self._socket is not None:
            self._socket.close()
        await self._end()

    async def vanish(self) -> None:
        """Leave without a word, as a phone does that loses its network."""
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
        if message.get("code") == "away":  # so the page asks again
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
            with suppress(*BROKEN, KeyError, ValueError):  # no answer, or one that says why not
                return await super()._catch_up()
            await self._pause(POLL if self.n == before else 0)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_leaving.wait(), seconds)


def wait(failures: int, chance: float) -> float:
    """Seconds before the attempt after so many failed ones: `wait` of static/js/helpers/backoff.js."""
    return float(min(LONGEST, SHORTEST * 2**failures) * (0.5 + chance / 2))
