"""An HTTP server behind a proxy that shuts down without losing a request. app.py serves with it.

A server that closes its sockets loses requests in two places: in the accept queue, and on a keep-alive connection on
which the proxy is just sending the next request (it may not retry a POST). So new connections are refused while the
queue is drained, and a connection is only closed after a response with `Connection: close`. The proxy closes idle
connections; the caller waits for that, with a timeout.
"""

import asyncio
import ctypes
import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer

SEND_BUFFER = 128 * 1024  # bytes buffered by the kernel for a client that does not read; by default up to 4 MB
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
HANDSHAKE = 0.002  # seconds in which a TCP handshake in progress on this machine completes
# Drops SYN packets, and passes all others. A dropped SYN is sent again after a second, when the port refuses it.
# Classic BPF, from the TCP header on: https://docs.kernel.org/networking/filter.html
TURN_AWAY = (
    (0x30, 0, 0, 13),  # load the flags
    (0x54, 0, 0, 0x12),  # mask SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # pass the whole packet
)


class LeavingServer(HTTPServer):
    """Tornado's server with a graceful shutdown: call `turn_away`, then wait until it `is_empty`."""

    def initialize(self, *args: Any, **options: Any) -> None:
        super().initialize(*args, **options)
        self._listening: list[socket.socket] = []
        self._open = 0  # HTTP connections, without those that became WebSockets

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        added = list(sockets)
        for listening in added:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted sockets inherit it
        self._listening += added
        super().add_sockets(added)

    def handle_stream(self, stream: Any, address: tuple[Any, ...]) -> None:
        self._open += 1
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        self._open -= 1
        super().on_close(server_conn)

    async def turn_away(self) -> None:
        """Refuses new connections, accepts those in the queue, and closes each connection after its next response."""
        self.conn_params.no_keep_alive = True
        try:
            for listening in self._listening:
                drop_newcomers(listening)
            await asyncio.sleep(HANDSHAKE)
            while select.select(self._listening, [], [], 0)[0]:
                await asyncio.sleep(0)
        finally:
            self.stop()

    @property
    def is_empty(self) -> bool:
        """Whether all connections have ended."""
        return not self._open


def drop_newcomers(listening: socket.socket) -> None:
    """Stops new connections from entering the accept queue. Does nothing on a kernel without socket filters."""
    instructions = b"".join(struct.pack("HBBI", *instruction) for instruction in TURN_AWAY)
    program = ctypes.create_string_buffer(instructions)
    with suppress(OSError):
        described = struct.pack("HP", len(TURN_AWAY), ctypes.addressof(program))
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
