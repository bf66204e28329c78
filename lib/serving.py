"""An HTTP server behind a proxy, which leaves without cutting anybody off: app.py serves with it.

A request is lost in two places when a server closes what it has open: in the queue of a listening socket, and on a kept
connection on which the proxy is just sending the next request (it may not repeat a POST). So newcomers are turned away
while the queue is emptied, and no connection is closed but after an answer that announced it. A proxy closes what it does
not use: until then, within bounds, we wait.
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

SEND_BUFFER = 128 * 1024  # bytes that the kernel keeps for a client that does not read; else it grows to 4 MB
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
HANDSHAKE = 0.002  # seconds in which a connection on this machine is made that was begun
# What asks for a connection is dropped (and tried again a second later, when the port refuses it); all else goes through.
# Classic BPF, from the TCP header on: https://docs.kernel.org/networking/filter.html
TURN_AWAY = (
    (0x30, 0, 0, 13),  # load the flags
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # pass the whole packet
)


class LeavingServer(HTTPServer):
    """Tornado's server, with a gentle end: `turn_away`, then wait until it `is_empty`."""

    def initialize(self, *args: Any, **options: Any) -> None:
        super().initialize(*args, **options)
        self._listening: list[socket.socket] = []
        self._open = 0  # connections that speak HTTP: one that became a WebSocket is not ours any more

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        added = list(sockets)
        for listening in added:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # what is accepted inherits it
        self._listening += added
        super().add_sockets(added)

    def handle_stream(self, stream: Any, address: tuple[Any, ...]) -> None:
        self._open += 1
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        self._open -= 1
        super().on_close(server_conn)

    async def turn_away(self) -> None:
        """Refuse whoever comes from now on; who is in the queue is let in, and each connection has one more answer at most."""
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
    """From now on nobody gets into the queue. A kernel that cannot do this leaves the queue to be emptied as it is."""
    instructions = b"".join(struct.pack("HBBI", *instruction) for instruction in TURN_AWAY)
    program = ctypes.create_string_buffer(instructions)
    with suppress(OSError):
        described = struct.pack("HP", len(TURN_AWAY), ctypes.addressof(program))
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
