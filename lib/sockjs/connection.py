"""What the site sees of a visitor's live connection, whichever transport carries it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from tornado.httputil import HTTPServerRequest

from lib.sockjs.library import SockJSConnection

GO_AWAY = 3000


class Carrier(Protocol):
    """What a connection needs of the session that carries it."""

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
    """Subclass it and override `opened`, `received` and `closed`; they run one after another, never at the same time.

    An exception in one of them is logged with its traceback and ends nothing but that one call. `received` is handed
    texts of up to `lib.sockjs.LONGEST_FRAME` bytes, so that the subclass can refuse a long one in its own words.
    """

    session: Carrier

    async def opened(self) -> None: ...

    async def received(self, text: str) -> None: ...

    async def closed(self) -> None: ...

    @property
    def context(self) -> Any:
        """Whatever was handed to the endpoint."""
        return self.session.server.context

    @property
    def request(self) -> HTTPServerRequest:
        """The request that opened the connection: its headers, cookies and `remote_ip`."""
        return self.session.conn_info

    def send(self, text: str) -> None:
        """Send at once, or queue for a client that is slow. Never raises; what is sent after the end is dropped."""
        self.session.send_message(text)

    def close(self, code: int = GO_AWAY, reason: str = "Go away!") -> None:
        """End the connection after what was sent. `code` is 3000-4999 (1000, 1001); `reason` short, without quotes."""
        self.session.close(code, reason)

    def on_open(self, _request: HTTPServerRequest) -> None:
        self.session.queue_turn(self.opened)

    def on_close(self) -> None:
        self.session.queue_turn(self.closed)
