"""The transports of plain requests (xhr, xhr_streaming, eventsource, xhr_send), and `/info` and the greeting.

Used from sockjs-tornado: attaching requests to sessions, the preludes, the response limit. Replaced: all headers, the
checks before a body is read, what xhr_send accepts, and the handling of clients that left or do not read. There is no
`JSESSIONID` cookie: nginx routes a session to its process by the server number in the URL.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import responses
from typing import Any

from tornado.web import HTTPError, RequestHandler, stream_request_body

from lib.sockjs.library import (
    HEARTBEAT,
    GreetingsHandler,
    PollingTransportBase,
    PreflightHandler,
    StreamingTransportBase,
    XhrPollingTransport,
    XhrStreamingTransport,
    decoded,
)

LONGEST_FRAME = 128 * 1024  # bytes: 16 KB of text, which a browser's escapes make up to six times longer, and a reserve
A_YEAR = 31_536_000  # seconds
NEVER_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
PLAIN = "text/plain; charset=UTF-8"
GRACE = 5  # seconds for a client to read the rest of a closed session


class Checked(RequestHandler):
    """Refuses requests of other origins first, and sends the site's headers with every response.

    Refusals are plain text; the transports set other types.
    """

    server: Any
    access_methods = "GET"

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", PLAIN)
        if hasattr(self, "server"):  # Tornado also calls this before `initialize`
            for name, value in self.server.headers.items():
                self.set_header(name, value)

    def prepare(self) -> None:
        super().prepare()
        self.set_default_headers()
        if not self.server.is_allowed(self.request):
            self.set_status(403)
            self.finish("This origin may not connect.\n")

    def write_error(self, status_code: int, **_: Any) -> None:
        if status_code == 405:
            self.set_header("Allow", self.access_methods)
        self.finish(f"{responses.get(status_code, 'Error')}\n")

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Logs no HTTPError, because Tornado's line would name the client's address."""
        if not isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)

    def enable_cache(self) -> None:
        self.set_header("Cache-Control", f"public, max-age={A_YEAR}")
        self.set_header("Expires", format_datetime(datetime.now(UTC) + timedelta(seconds=A_YEAR), usegmt=True))


@stream_request_body  # so that `prepare` can refuse a body before it is read
class Request(Checked, PreflightHandler):  # type: ignore[misc]
    """The base of all transports of plain requests. A body may have `LONGEST_FRAME` bytes."""

    access_methods = "OPTIONS, POST"

    def initialize(self, server: Any) -> None:
        super().initialize(server)
        self.body = b""

    def prepare(self) -> None:
        super().prepare()
        length = self.request.headers.get("Content-Length", "")
        if not self._finished and length.isdecimal() and int(length) > LONGEST_FRAME:
            self.set_status(413)
            self.finish("Too long.\n")

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk
        if len(self.body) > LONGEST_FRAME:  # a chunked body, which has no length
            self.request.connection.close()  # type: ignore[union-attr]

    def options(self, **_path: str) -> None:
        self.preflight()
        self.enable_cache()
        self.set_header("Access-Control-Max-Age", str(A_YEAR))
        self.set_header("Access-Control-Allow-Methods", self.access_methods)
        self.set_header("Allow", self.access_methods)
        self.set_status(204)

    def preflight(self) -> None:
        """Sets the CORS headers. `prepare` has already refused origins that may not connect."""
        origin = self.request.headers.get("Origin")
        self.set_header("Vary", "Origin, Sec-Fetch-Site")
        if origin is None:
            return
        self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Access-Control-Allow-Credentials", "true")
        if wanted := self.request.headers.get("Access-Control-Request-Headers"):
            self.set_header("Access-Control-Allow-Headers", wanted)

    def disable_cache(self) -> None:
        self.set_header("Cache-Control", NEVER_CACHED)

    def handle_session_cookie(self) -> None: ...

    def finish(self, chunk: Any = None) -> "asyncio.Future[None]":
        self._log_disconnect()
        return RequestHandler.finish(self, chunk)


class Receiving(Request, PollingTransportBase):  # type: ignore[misc]
    """A request that waits for messages. A session has at most one at a time."""

    is_gone = False

    def prepare(self) -> None:
        super().prepare()
        session_id = self.path_kwargs["session_id"]
        if not self._finished and not self.server.may_open(session_id, self.request.remote_ip or ""):
            self.set_status(429)
            self.set_header("Retry-After", "5")
            self.finish("Too many connections from this network.\n")

    def get_conn_info(self) -> Any:
        return self.request

    def may_end(self) -> bool:
        """Whether a close frame can still be sent: not on a poll that was already answered."""
        return bool(self.active)

    def session_closed(self) -> None:
        self._detach()
        if not self._finished:
            finished = self.finish()
            asyncio.get_running_loop().call_later(GRACE, _cut_off, self.request.connection, finished)

    def on_connection_close(self) -> None:
        self.is_gone, self.active = True, False
        super().on_connection_close()

    def beat(self) -> None:
        if self.active:
            self.send_pack(HEARTBEAT)


class Polling(Receiving, XhrPollingTransport):  # type: ignore[misc]
    """The xhr transport: one response for each pack of messages."""


class Streaming(Receiving, StreamingTransportBase):  # type: ignore[misc]
    """One long response, until the response limit makes the client send another request."""

    has_stalled = False

    def finish(self, chunk: Any = None) -> "asyncio.Future[None]":
        finished = super().finish(chunk)
        if self.request.version == "HTTP/1.0":  # no length and no chunks: closing marks the end
            finished.add_done_callback(lambda _: self.request.connection.close())  # type: ignore[union-attr]
        return finished

    def may_end(self) -> bool:
        return not self.is_gone

    def send_complete(self, f: Any = None) -> None:
        if not self.is_gone:
            super().send_complete(f)

    def beat(self) -> None:
        """Sends a heartbeat; closes the session of a client that has read nothing since the last one."""
        if not self.active and self.has_stalled:
            self.session.close(1002, "Connection interrupted")
            return
        self.has_stalled = not self.active
        super().beat()


class XhrStreaming(Streaming, XhrStreamingTransport):  # type: ignore[misc]
    pass


class EventSource(Streaming):
    name = "eventsource"
    access_methods = "OPTIONS, GET"

    def get(self, session_id: str) -> None:
        self._auto_finish = False
        self.preflight()
        self.disable_cache()
        self.set_header("Content-Type", "text/event-stream")
        self.write("\r\n")
        self.flush()
        if not self._attach_session(session_id):
            self.finish()
        elif self.session is not None:
            self.session.flush()

    def send_pack(self, message: str, binary: bool = False) -> None:
        frame = f"data: {message}\r\n\r\n"
        self.active = False
        self.notify_sent(len(frame))
        self.write(frame)
        self.flush().add_done_callback(self.send_complete)


class XhrSend(Request, PollingTransportBase):  # type: ignore[misc]
    """Carries a client's messages to its session, which another request has opened."""

    async def post(self, session_id: str) -> None:
        self.preflight()
        self.disable_cache()
        session = self._get_session(session_id)
        if session is None or session.is_closed:
            self.set_status(404)
        elif not self.body:
            self._refuse("Payload expected.")
        else:
            await self._take(session)

    async def _take(self, session: Any) -> None:
        try:
            messages = decoded(self.body)
        except ValueError:
            return self._refuse("Broken JSON encoding.")
        await session.receive(messages)
        self.set_status(204)
        self.set_header("Content-Type", PLAIN)
        await self.flush()  # `finish` would remove the type from a 204, and Firefox then reports broken XML

    def _refuse(self, reason: str) -> None:
        self.set_status(500)
        self.write(reason)


class Information(Request):
    """Tells a client which transports exist; it asks before it chooses one."""

    access_methods = "OPTIONS, GET"

    def get(self) -> None:
        self.preflight()
        self.disable_cache()
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.write({"websocket": True, "origins": ["*:*"], "cookie_needed": False, "entropy": secrets.randbits(32)})


class Greeting(Checked, GreetingsHandler):  # type: ignore[misc]
    access_methods = "GET, HEAD"
    logged = False  # the library's `initialize` does not set it, and then errors get no response

    head = GreetingsHandler.get


def _cut_off(connection: Any, finished: "asyncio.Future[None]") -> None:
    if not finished.done():
        connection.close()
