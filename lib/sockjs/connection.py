"""A live connection as the site sees it, independent of the transport. handlers/live.py subclasses it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from tornado.httputil import HTTPServerRequest

from lib.sockjs.library import SockJSConnection

GO_AWAY = 3000


class Carrier(Protocol):
    """The session of a connection, as far as the connection uses it."""

    @property
    def server(self) -> Any: ...
    @property
    def is_closed(self) -> bool: ...
    @property
    def conn_info(self) -> HTTPServerRequest: ...
    def send_message(self, msg: str) -> None: ...
    def close(self, code: int, message: str) -> None: ...
    def queue_turn(self, turn: Callable[[], Awaitable[None]]) -> None: ...


class Connection(SockJSConnection):  # type: ignore[misc]
    """Subclass it and override `opened`, `received` and `closed`. Calls never overlap.

    An exception in one of them is logged with its traceback, and the connection stays open. `received` gets texts of up
    to `lib.sockjs.LONGEST_FRAME` bytes: a subclass with a lower limit can refuse long ones with its own message.
    """

    session: Carrier

    async def opened(self) -> None: ...

    async def received(self, text: str) -> None: ...

    async def closed(self) -> None: ...

    @property
    def context(self) -> Any:
        """The `context` that was passed to the endpoint."""
        return self.session.server.context

    @property
    def request(self) -> HTTPServerRequest:
        """The request that opened the connection: its headers, cookies and `remote_ip`."""
        return self.session.conn_info

    def send(self, text: str) -> None:
        """Sends at once, or queues while the client is slow.

        Never raises; drops the text if the connection is closed.
        """
        self.session.send_message(text)

    def close(self, code: int = GO_AWAY, reason: str = "Go away!") -> None:
        """Closes the connection after sending what is queued.

        `code` is 3000-4999, 1000 or 1001; `reason` must be short and have no quotes.
        """
        self.session.close(code, reason)

    def on_open(self, _request: HTTPServerRequest) -> None:
        self.session.queue_turn(self.opened)

    def on_close(self) -> None:
        self.session.queue_turn(self.closed)
