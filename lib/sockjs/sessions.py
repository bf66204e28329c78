"""Sessions: sockjs-tornado's, with a bounded queue to each client, and its messages handled one at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from lib.sockjs.library import CLOSED, CONNECTING, OPEN, BaseSession, Session, close_frame

MOST_WAITING = 1_000_000  # bytes in the queue to one client
TOO_SLOW = 4013
TOO_FAST = 4029
PORTION = 64 * 1024  # bytes written to the network at once; a message is never split
MOST_TURNS = 64  # requests of one client that may wait to be handled

log = logging.getLogger(__name__)

Turn = Callable[[], Awaitable[None]]


class Bounded(BaseSession):  # type: ignore[misc]
    """The base of both kinds of session. Subclasses encode messages, singly and in packs."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.send_queue: list[Any] = []  # in the library one unbounded string
        self.waiting = 0  # bytes in the queue
        self.turns: list[Turn] = []
        self.running: asyncio.Task[None] | None = None
        self.group: set[Bounded] = set()  # the sessions that the endpoint sends heartbeats to at the same time

    def on_wire(self, text: str) -> str | bytes:
        raise NotImplementedError

    def pack(self, messages: list[Any]) -> str | bytes:
        raise NotImplementedError

    # Out

    def send_message(self, msg: str, stats: bool = True, binary: bool = False) -> None:
        if self.is_closed:
            return
        message = self.on_wire(msg)
        if not self.send_queue and self.handler is not None and self.handler.active:
            self.handler.send_pack(self.pack([message]))
            return
        self.send_queue.append(message)
        self.waiting += len(message)
        if self.waiting > MOST_WAITING:
            self.drop_queue()
            self.close(TOO_SLOW, "Too slow")

    def flush(self) -> None:
        """Sends as much as the transport takes now. The transport calls it again when that is sent."""
        while self.send_queue and self.handler is not None and self.handler.active:
            self.handler.send_pack(self.next_pack())
        if self.state == CLOSED and not self.send_queue and self.handler is not None and self.handler.active:
            self.end_request()

    def next_pack(self) -> str | bytes:
        size = count = 0
        while count < len(self.send_queue) and (not count or size + len(self.send_queue[count]) <= PORTION):
            size += len(self.send_queue[count])
            count += 1
        messages = self.send_queue[:count]
        del self.send_queue[:count]
        self.waiting -= size
        return self.pack(messages)

    def drop_queue(self) -> None:
        self.send_queue.clear()
        self.waiting = 0

    def close(self, code: int = 3000, message: str = "Go away!") -> None:
        """Closes the session after sending what is queued. A polling client fetches the rest with its next requests."""
        if self.state == CLOSED:
            return
        self.server.forget(self)
        handler = self.handler
        if handler is not None and handler.may_end():
            while self.send_queue:
                handler.send_pack(self.next_pack())
            self.send_close(code, message)
        BaseSession.close(self, code, message)

    def end_request(self) -> None:
        """Ends a request that has fetched the rest of a closed session."""
        self.send_close(*self.get_close_reason())
        self.handler.session_closed()

    def send_close(self, code: int, message: str) -> None:
        self.handler.send_pack(close_frame(code, message))

    # In

    def verify_state(self) -> None:
        if self.state == CONNECTING:
            self.server.remember(self)
        super().verify_state()

    async def receive(self, messages: list[str]) -> None:
        """Queues messages for the connection and waits until it has handled them.

        Closes a client that sends too fast.
        """
        if len(self.turns) >= MOST_TURNS:
            return self.close(TOO_FAST, "Too fast")
        connection = self.conn

        async def turn() -> None:
            for message in messages:
                if self.state == OPEN:
                    await _safely(lambda text=message: connection.received(text))  # type: ignore[misc]

        self.queue_turn(turn)
        await self.wait_for_turns()

    def queue_turn(self, turn: Turn) -> None:
        self.turns.append(turn)
        if self.running is None:
            self.running = asyncio.get_running_loop().create_task(self._take_turns())

    async def wait_for_turns(self) -> None:
        """Waits until all queued turns are done."""
        if self.running is not None:
            await asyncio.shield(self.running)

    async def _take_turns(self) -> None:
        while self.turns:
            await _safely(self.turns.pop(0))
        self.running = None


class FramedSession(Bounded, Session):  # type: ignore[misc]
    """A session in SockJS framing: `o`, `h`, `a[…]`, `c[…]`. The endpoint sends its heartbeats."""

    is_registered = False

    def verify_state(self) -> None:
        if self.state == CONNECTING and self.is_registered:
            self.server.count_polling(self.conn_info.remote_ip, 1)
        super().verify_state()

    def on_delete(self, forced: bool) -> None:
        """Called `abandoned` seconds after the last request. A waiting request keeps the session alive."""
        super().on_delete(forced)
        if self.is_closed:
            self.server.count_polling(self.conn_info.remote_ip, -1)

    def on_wire(self, text: str) -> str:
        message: str = self.server.encoded(text)
        return message

    def pack(self, messages: list[str]) -> str:
        return f"a[{','.join(messages)}]"

    def start_heartbeat(self) -> None: ...

    def stop_heartbeat(self) -> None: ...


class RawSession(Bounded):
    """A session whose messages are plain WebSocket frames."""

    def on_wire(self, text: str) -> bytes:
        message: bytes = self.server.framed(text)
        return message

    def pack(self, messages: list[bytes]) -> bytes:
        return b"".join(messages)

    def send_close(self, code: int, message: str) -> None:
        """Sends nothing: the close frame of WebSocket carries code and reason."""


async def _safely(turn: Turn) -> None:
    try:
        await turn()
    except Exception:
        log.exception("A live connection's turn failed")
