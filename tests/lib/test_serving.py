"""Leaving: queued connections are answered, new ones are refused, and no connection is closed during a request."""

import asyncio
import socket
import unittest

from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from lib.serving import LeavingServer, drop_newcomers

REQUEST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n"


class Hello(RequestHandler):
    async def post(self) -> None:
        self.finish("hello")


class LeavingTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.server = LeavingServer(Application([("/", Hello)]))
        (listening,) = bind_sockets(0, "127.0.0.1")
        self.server.add_sockets([listening])
        self.port = listening.getsockname()[1]
        self.addAsyncCleanup(self.server.close_all_connections)
        self.addCleanup(self.server.stop)

    def connected(self) -> socket.socket:
        """A connection in the kernel's accept queue: the server cannot accept it while this test blocks the loop."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.addCleanup(connection.close)
        return connection

    async def answer(self, connection: socket.socket) -> str:
        """Everything that the server sends until it closes the connection."""
        connection.setblocking(False)
        said, loop = b"", asyncio.get_running_loop()
        async with asyncio.timeout(10):
            while read := await loop.sock_recv(connection, 65536):
                said += read
        return said.decode()

    async def emptied(self) -> None:
        async with asyncio.timeout(10):
            while not self.server.is_empty:
                await asyncio.sleep(0.01)

    async def test_connections_in_the_accept_queue_are_answered(self) -> None:
        waiting = [self.connected() for _ in range(100)]
        for connection in waiting:
            connection.sendall(REQUEST)
        await self.server.turn_away()
        for connection in waiting:
            self.assertIn("200 OK", await self.answer(connection))
        await self.emptied()

    async def test_later_connections_are_refused(self) -> None:
        await self.server.turn_away()
        with self.assertRaises(ConnectionRefusedError):
            self.connected()

    async def test_a_keep_alive_connection_gets_one_last_answer_with_connection_close(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(REQUEST)
        self.assertNotIn(b"Connection: close", await reader.readuntil(b"hello"))
        await self.server.turn_away()
        self.assertFalse(self.server.is_empty)
        writer.write(REQUEST)
        self.assertIn(b"Connection: close", await reader.read())
        writer.close()
        await self.emptied()

    async def test_a_connection_closed_by_its_client_does_not_delay_leaving(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(REQUEST)
        await reader.readuntil(b"hello")
        await self.server.turn_away()
        writer.close()
        await self.emptied()

    async def test_new_connections_are_dropped_and_queued_ones_stay(self) -> None:
        """No connection can enter the queue of a socket that is about to be closed."""
        (listening,) = bind_sockets(0, "127.0.0.1")
        self.addCleanup(listening.close)
        with socket.create_connection(listening.getsockname()) as before:
            drop_newcomers(listening)
            with socket.socket() as after, self.assertRaises(TimeoutError):
                after.settimeout(0.2)
                after.connect(listening.getsockname())
            before.sendall(b"still here")
            accepted, _ = listening.accept()
            with accepted:
                accepted.settimeout(10)
                self.assertEqual(accepted.recv(100), b"still here")


if __name__ == "__main__":
    unittest.main()
