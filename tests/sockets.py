"""The live connections of a test's pages: raw WebSockets at /live/websocket."""

import asyncio
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from lib import json
from tests.base import SiteTestCase, TestClient


class Socket:
    """The WebSocket of one open page."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> dict[str, Any]:
        """Send a message and return the answer to it."""
        return await self.say_text(json.dumps(message))

    async def say_text(self, text: str) -> dict[str, Any]:
        await self.connection.write_message(text)
        return await self.hear()

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """The next message of these types; without types, the next one that is not `here`."""
        while True:
            text = await asyncio.wait_for(self.connection.read_message(), 5)
            assert text is not None, f"closed with {self.connection.close_code}"
            message: dict[str, Any] = json.loads(text)
            if message["type"] in kinds or (not kinds and message["type"] != "here"):
                return message

    async def closed(self) -> int | None:
        while await asyncio.wait_for(self.connection.read_message(), 5) is not None:
            pass
        return self.connection.close_code


class LiveTestCase(SiteTestCase):
    """A test whose pages are live. Connections that are still open at its end are closed."""

    def setUp(self) -> None:
        super().setUp()
        self._sockets: list[Socket] = []

    def tearDown(self) -> None:
        self.run_now(self._close_sockets())
        super().tearDown()

    async def _close_sockets(self) -> None:
        """Returns once the processes know that everybody has left."""
        for socket in self._sockets:
            socket.connection.close()
        async with asyncio.timeout(10):
            sites = [self.site, *([self._second_site] if hasattr(self, "_second_site") else [])]
            while any(site.lobby.presence.here for site in sites):
                await asyncio.sleep(0.01)

    async def open(self, client: TestClient | None = None, **headers: str) -> Socket:
        client = client or self.client
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        port = client.port or self.get_http_port()
        request = HTTPRequest(f"ws://127.0.0.1:{port}/live/websocket", headers={"Cookie": cookies, **headers})
        self._sockets.append(Socket(await websocket_connect(request)))
        return self._sockets[-1]
