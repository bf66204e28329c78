"""Records the commands that the site sends to MongoDB for a request. The site runs in this interpreter.

bench/_bare.py repeats them, so the reference always sends what the current site sends. While recording, each command is
delayed, so that commands that are sent together overlap for certain.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pymongo import monitoring
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from app import application
from bench._client import HERE, Connection
from bench._commands import Command
from bench._stack import site_of
from lib.mongo import Document
from models.site import Site
from tests.running import Running

HELD_UP = 0.1  # seconds that a command is delayed: a busy machine starts the next thread late


class Listener(monitoring.CommandListener):
    """Records the commands of all clients that were created after it was registered, while it `is_listening`."""

    def __init__(self) -> None:
        self.is_listening = False
        self.heard: list[Command] = []
        self._began: dict[int, tuple[float, Document]] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.is_listening:
            self._began[event.request_id] = time.monotonic(), dict(event.command)
            time.sleep(HELD_UP)  # in a thread of Motor's

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        began, words = self._began.pop(event.request_id, (0.0, {}))
        if words:
            verb = event.command_name
            collection = words["collection" if verb == "getMore" else verb]
            self.heard.append(Command(verb, collection, words, began, time.monotonic()))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._began.pop(event.request_id, None)


class Recorder:
    """Sends requests to a site, and returns the commands that they took."""

    def __init__(self, site: Site, url: str, listener: Listener) -> None:
        self.site = site
        self.url = url
        self._listener = listener

    async def commands(self, asked: Callable[[str], bytes], status: int = 200) -> list[Command]:
        """Returns the commands of the second of two requests; the first opens connections.

        `asked` gets the site's address.
        """
        connection = await Connection.to(self.url)
        try:
            assert (await connection.ask(asked(self.url)))[0] == status
            await self.site.outbox.flush()
            self._listener.heard.clear()
            self._listener.is_listening = True
            assert (await connection.ask(asked(self.url)))[0] == status
            return list(self._listener.heard)
        finally:
            self._listener.is_listening = False
            connection.close()

    async def commands_afterwards(self) -> list[Command]:
        """Returns the commands that the site sends for that request after its answer."""
        self._listener.heard.clear()
        self._listener.is_listening = True
        await self.site.outbox.flush()
        self._listener.is_listening = False
        return list(self._listener.heard)


@asynccontextmanager
async def listened_to(running: Running) -> AsyncIterator[Recorder]:
    """Serves the site in this interpreter, on the servers of a running stack, and records its commands."""
    listener = Listener()
    monitoring.register(listener)
    async with site_of(running) as site:
        app = application(site)
        server = HTTPServer(app, xheaders=True, trusted_downstream=[HERE])
        (socket,) = bind_sockets(0, HERE)
        server.add_socket(socket)
        try:
            yield Recorder(site, f"http://{HERE}:{socket.getsockname()[1]}", listener)
        finally:
            server.stop()
            if app.live:
                await app.live.close()
            await server.close_all_connections()
