"""An endpoint: all routes below one prefix, and their sessions. handlers/live.py has one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv6Network, ip_address
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback

from lib.sockjs import sockets
from lib.sockjs.connection import Connection
from lib.sockjs.library import SockJSRouter, encoded
from lib.sockjs.requests import EventSource, Greeting, Information, Polling, XhrSend, XhrStreaming
from lib.sockjs.sessions import Bounded, FramedSession

HEARTBEAT = 25.0  # seconds
ABANDONED = 5.0  # seconds without a request after which a polling session ends
BEATS = 25  # groups of sessions, whose heartbeats are spread over the interval
MOST_PER_NETWORK = 1000  # polling sessions of one network: each costs a client only one request
GOING_AWAY = 1001


class Endpoint(SockJSRouter):  # type: ignore[misc]
    """Routes for an application, and the connections opened through them. Create it while an event loop is running.

    `heartbeat` and `abandoned` are in seconds, `response_limit` in bytes. `is_allowed` decides whether a request's
    origin may connect; `headers` are added to every response.
    """

    def __init__(
        self,
        prefix: str,
        connection_class: type[Connection],
        context: Any = None,
        *,
        is_allowed: Callable[[HTTPServerRequest], bool],
        headers: Mapping[str, str] | None = None,
        heartbeat: float = HEARTBEAT,
        abandoned: float = ABANDONED,
        response_limit: int = 128 * 1024,
    ) -> None:
        chosen = {
            "disconnect_delay": abandoned,
            "session_check_interval": min(1, abandoned / 2),
            "response_limit": response_limit,
            "verify_ip": False,  # a client may alternate between IPv4 and IPv6; a session id is a secret by itself
        }
        super().__init__(connection_class, prefix, chosen, IOLoop.current(), FramedSession)
        self.stats._callback.stop()
        self.stats: Any = Uncounted()
        self.prefix = prefix
        self.context = context
        self.is_allowed = is_allowed
        self.headers = dict(headers or {})
        self.encoded = lru_cache(maxsize=16)(encoded)  # an event is encoded once for all its receivers
        self.framed = lru_cache(maxsize=16)(sockets.framed)
        self._groups: tuple[set[Bounded], ...] = tuple(set() for _ in range(BEATS))
        self._joining = self._beating = 0
        self._polling: Counter[str] = Counter()
        self._transport_urls = self.routes  # in place of the library's routes, which are unsafe
        self._heart = PeriodicCallback(self._beat, heartbeat / BEATS * 1000)
        self._heart.start()

    @property
    def routes(self) -> list[tuple[str, type, dict[str, Any]]]:
        session = rf"{self.prefix}/[^/.]{{1,64}}/(?P<session_id>[^/.]{{1,256}})"
        table = {
            rf"{session}/websocket": sockets.FramedSocket,
            rf"{session}/xhr": Polling,
            rf"{session}/xhr_streaming": XhrStreaming,
            rf"{session}/eventsource": EventSource,
            rf"{session}/xhr_send": XhrSend,
            rf"{self.prefix}/websocket": sockets.RawSocket,
            rf"{self.prefix}/info": Information,
            rf"{self.prefix}/?": Greeting,
        }
        return [(pattern, handler, {"server": self}) for pattern, handler in table.items()]

    @property
    def connections(self) -> Iterator[Connection]:
        """The open connections."""
        return iter([session.conn for group in self._groups for session in group])

    async def close(self, code: int = GOING_AWAY, reason: str = "Going away") -> None:
        """Closes every connection and waits until `closed` has run for each."""
        self._heart.stop()
        self._sessions_cleanup.stop()
        sessions = [session for group in self._groups for session in group]
        for session in sessions:
            session.close(code, reason)
        await asyncio.gather(*(session.wait_for_turns() for session in sessions))

    # For the handlers and sessions

    def may_open(self, session_id: str, address: str) -> bool:
        """Whether a polling request may proceed: its session exists, or its network may open another one."""
        return self.get_session(session_id) is not None or self._polling[_network(address)] < MOST_PER_NETWORK

    def remember(self, session: Bounded) -> None:
        session.group = self._groups[self._joining]
        session.group.add(session)
        self._joining = (self._joining + 1) % BEATS

    def forget(self, session: Bounded) -> None:
        session.group.discard(session)

    def create_session(self, session_id: str, register: bool = True) -> Any:
        session = super().create_session(session_id, register)
        session.is_registered = register
        return session

    def count_polling(self, address: str, change: int) -> None:
        network = _network(address)
        self._polling[network] += change
        if not self._polling[network]:
            del self._polling[network]

    def _beat(self) -> None:
        """Sends the heartbeats of one group, so that thousands of connections are never written to at once."""
        self._beating = (self._beating + 1) % BEATS
        for session in list(self._groups[self._beating]):
            if session.handler is not None:
                session.handler.beat()


class Uncounted:
    """Replaces the library's statistics, which fail when a session continues over another transport."""

    def on_conn_opened(self) -> None: ...

    def on_conn_closed(self) -> None: ...

    def on_sess_opened(self, _transport: str) -> None: ...

    def on_sess_closed(self, _transport: str) -> None: ...


def _network(address: str) -> str:
    """Returns the network that one visitor has: an IPv4 address, or an IPv6 /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Network((int(found) >> 64 << 64, 64))) if found.version == 6 else address
