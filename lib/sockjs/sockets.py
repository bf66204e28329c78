"""The WebSocket transports: `<prefix>/<server>/<session>/websocket` in SockJS framing, `<prefix>/websocket` raw.

Used from sockjs-tornado: attaching sessions to handlers and detaching them. Replaced: writing (it passed every message
to Tornado at once, however slow the client), reading (now awaited, which is backpressure for clients that flood),
closing (now with code and reason), and responses to requests that are not handshakes.
"""

import asyncio
import struct
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from lib.sockjs.library import HEARTBEAT, RawWebSocketTransport, SockJSWebSocketHandler, WebSocketTransport, decoded
from lib.sockjs.requests import LONGEST_FRAME, Checked
from lib.sockjs.sessions import RawSession

TEXT_ONLY = 1003


class Socket(Checked, SockJSWebSocketHandler):  # type: ignore[misc]
    """The base of both WebSocket transports."""

    session: Any

    has_answered = True  # whether the client answered the last ping

    _execute = WebSocketHandler._execute  # Tornado's checks of a handshake, which are newer than the library's

    @property
    def max_message_size(self) -> int:
        return LONGEST_FRAME

    def get_conn_info(self) -> HTTPServerRequest:
        return self.request

    def check_origin(self, origin: str) -> bool:
        return True  # `prepare` has checked it, more strictly

    def post(self, **_path: str) -> None:
        self.set_status(405)
        self.set_header("Allow", "GET")
        self.clear_header("Content-Type")

    async def open(self, session_id: str = "") -> None:
        self.set_nodelay(True)
        self.session = self.new_session(session_id)
        self.session.set_handler(self)
        self.session.verify_state()
        if self.session is not None:
            await self.session.wait_for_turns()

    def new_session(self, session_id: str) -> Any:
        raise NotImplementedError

    def on_close(self) -> None:
        if self.session is not None:
            session, self.session = self.session, None
            session.remove_handler(self)
            session.close()

    def on_pong(self, data: bytes) -> None:
        self.has_answered = True

    def send_pack(self, message: str | bytes, binary: bool = False) -> None:
        """Writes encoded frames.

        Tornado's `write_message` would create a task, and encode the frame, for each follower.
        """
        if self.ws_connection is None or self.ws_connection.stream is None:
            return
        frames = message if isinstance(message, bytes) else framed(message)
        try:
            written = self.ws_connection.stream.write(frames)
        except StreamClosedError:
            return  # on_close follows
        if not written.done():
            self.active = False
            written.add_done_callback(self._written)

    def _written(self, written: "asyncio.Future[None]") -> None:
        self.active = True
        if self.session is not None and not written.cancelled() and written.exception() is None:
            self.session.flush()

    def may_end(self) -> bool:
        return self.ws_connection is not None

    def session_closed(self) -> None:
        """Closes with the session's code and reason. Tornado aborts after 5 s if the client does not answer."""
        session, self.session = self.session, None
        session.remove_handler(self)
        self.close(*session.get_close_reason())

    def beat(self) -> None:
        """Pings the client; aborts the connection if the last ping was not answered."""
        if not self.has_answered:
            self.abort_connection()
            return
        self.has_answered = False
        try:
            self.ping(b"")
        except WebSocketClosedError:
            pass  # on_close follows


class FramedSocket(Socket, WebSocketTransport):  # type: ignore[misc]
    def new_session(self, session_id: str) -> Any:
        return self.server.create_session(session_id, register=False)

    async def on_message(self, message: str | bytes) -> None:
        if not message or self.session is None:
            return
        try:
            messages = decoded(message)
        except ValueError:
            self.abort_connection()  # as the SockJS protocol demands
            return
        await self.session.receive(messages)

    def beat(self) -> None:
        if self.active:
            self.send_pack(HEARTBEAT)
        super().beat()


class RawSocket(Socket, RawWebSocketTransport):  # type: ignore[misc]
    def new_session(self, session_id: str) -> Any:
        return RawSession(self.server.get_connection_class(), self.server)

    async def on_message(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.close(TEXT_ONLY, "Text only")
        elif self.session is not None:
            await self.session.receive([message])


def framed(text: str) -> bytes:
    """Returns a text as one WebSocket frame from a server, not masked or compressed (RFC 6455, section 5.2)."""
    payload = text.encode("utf-8", "replace")
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload
