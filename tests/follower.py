"""A page that follows a thread, without a browser: the same rules as static/js/helpers/sequence.js, over real sockets.

It starts from what a page showed (`data-n` and the comments on it), follows over a WebSocket, asks for what it misses,
and notes if anything was ever shown twice.
"""

import asyncio
import re
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from lib import json
from tests.base import TestClient

PAGE_N = re.compile(r'data-channel="([^"]+)" data-n="(\d+)"')
ARTICLE = re.compile(r'<article class="comment (\w+)" id="c([0-9a-v]{12})" data-n="(\d+)">.*?</article>', re.DOTALL)
GONE = ""


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

    async def connect(self, client: TestClient) -> None:
        """Follow through the process of this client."""
        self._client = client
        port = client.port or client.testcase.get_http_port()
        self._socket = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{port}/live/websocket"))
        await self._socket.write_message(json.dumps({"type": "follow", "channel": self.channel}))
        self._listening = asyncio.ensure_future(self._listen(self._socket))

    async def disconnect(self) -> None:
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
            message: dict[str, Any] = json.loads(text)
            if message["type"] == "followed" and message["n"] > self.n:
                await self._catch_up()
            elif message["type"] == "event" and message["n"] == self.n + 1:
                self._apply(message["data"]["comment"])
            elif message["type"] == "event" and message["n"] > self.n:
                await self._catch_up()
            elif message["type"] == "error":
                self.faults.append(text if isinstance(text, str) else "bytes")

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
