"""The live endpoint behind a real nginx with the site's configuration: many addresses, slow clients, bad handshakes.

An endpoint and a page in this process stand in for the public processes, on their ports. nginx may open few files, so
that its limits, which are shares of that number, are small. Clients have addresses of their own: 127.x.y.z.
"""

import asyncio
import errno
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from contextlib import contextmanager, suppress
from pathlib import Path

from tornado.web import Application, RequestHandler

from lib.serving import LeavingServer
from lib.sockjs import Connection, Endpoint
from settings import Settings
from stack import configuration, programs, servers
from tests.running import free_ports, is_free

FILES = 432
SHARES = configuration.live_shares(FILES)
MOST, MOST_OF_ONE = SHARES["most_live"], SHARES["most_live_of_one"]  # 121 and 10
HANDSHAKE = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
STREAM = "POST /live/000/{}/xhr_streaming HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
MOST_PINNED = 4_000_000  # bytes: 1 MB in the process, and the kernel's buffers; it was 9 MB without limits of these


class Page(RequestHandler):
    def get(self):
        self.write("a page")


class LiveFrontTest(unittest.IsolatedAsyncioTestCase):
    changes: tuple[tuple[str, str], ...] = ()

    async def asyncSetUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="plog-front-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.port = free_ports()
        self.clients = []
        self.live = Endpoint("/live", Connection, None, is_allowed=lambda request: True, response_limit=1 << 30)
        self.addAsyncCleanup(self.live.close)
        self.serve(Application([*self.live.routes, ("/.*", Page)], log_function=lambda handler: None))
        await self.start_nginx()

    def serve(self, application):
        server = LeavingServer(application)
        for number in (1, 2, 3):
            server.listen(self.port + number, "127.0.0.1")
        self.addAsyncCleanup(server.close_all_connections)
        self.addCleanup(server.stop)

    async def start_nginx(self):
        settings = {"SITE_DATA": str(self.folder), "SITE_PORT": str(self.port), "SITE_PROXIES": "127.0.0.1"}
        chosen, nginx = Settings.from_environment(settings), programs.find_nginx()
        servers.prepare(chosen.data)
        with few_files() as leader:
            configuration.render(chosen, nginx, chosen.data / "run", leader.pid)
        self.configuration = chosen.data / "run" / "nginx.conf"
        text = self.configuration.read_text()
        for old, new in self.changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.configuration.write_text(text)
        command = [nginx, "-e", "stderr", "-p", str(self.configuration.parent), "-c", str(self.configuration)]
        process = await asyncio.create_subprocess_exec(*command)
        self.addAsyncCleanup(process.wait)
        self.addCleanup(process.terminate)
        await self.until(lambda: not is_free(self.port))
        self.addAsyncCleanup(self.leave)

    async def leave(self):
        """Closes all clients."""
        for _, writer in self.clients:
            writer.transport.abort()
        while self.clients:
            _, writer = self.clients.pop()
            with suppress(OSError):
                await writer.wait_closed()

    async def until(self, condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    async def asked(self, head, address="127.0.0.1", body=b""):
        """Sends a request. Returns the connection, which stays open until the test ends, and the head of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        self.clients.append((reader, writer))
        writer.write(head.encode() + body)
        async with asyncio.timeout(20):
            return reader, (await reader.readuntil(b"\r\n\r\n")).decode()

    async def code(self, path, method="GET", address="127.0.0.1", headers="", body=b""):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        _, head = await self.asked(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}{headers}\r\n", address, body)
        return int(head.split()[1])

    async def websocket(self, address="127.0.0.1", connection="Upgrade", headers=""):
        """The status code of the answer to a handshake."""
        headers = f"{HANDSHAKE}Connection: {connection}\r\n{headers}"
        return await self.code("/live/websocket", address=address, headers=headers)


class TestAddresses(LiveFrontTest):
    changes = (('nginx-errors.log" error;', 'nginx-errors.log" warn;'),)  # nginx logs a warning when it buffers on disk

    async def test_both_spellings_answer_with_the_greeting(self):
        for path in ("/live", "/live/"):
            reader, head = await self.asked(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual((head.split()[1], await reader.readexactly(19)), ("200", b"Welcome to SockJS!\n"))
            self.assertEqual(await self.code(path, method="FOO"), 405)

    async def test_refusals_by_nginx_are_plain_text_unless_html_is_accepted(self):
        for path in ("/live", "/live/", "/live/info?a=b", "/live/000/abc/xhr"):
            for accept, kind in (("", "plain"), ("Accept: */*\r\n", "plain"), ("Accept: text/html\r\n", "html")):
                head = f"TRACE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{accept}\r\n"
                reader, head = await self.asked(head)
                self.assertEqual(head.split()[1], "405", path)
                self.assertIn(f"Content-Type: text/{kind}; charset=utf-8\r\n", head)
                self.assertEqual(b"<h1>" in await reader.read(), kind == "html")

    async def test_a_handshake_without_an_upgrade_header_is_refused(self):
        for connection in ("close", "keep-alive", "", "noupgrade", "upgrade-not"):
            reader, head = await self.asked(
                f"GET /live/websocket HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}Connection: {connection}\r\n\r\n"
            )
            self.assertEqual(head.split()[1], "400", connection)
            self.assertIn("Content-Type: text/plain", head)
            self.assertIn(b'"Connection" must be "Upgrade".', await reader.read(31))
        for connection in ("Upgrade", "upgrade", "keep-alive, Upgrade", "Upgrade,keep-alive"):
            self.assertEqual(await self.websocket(connection=connection), 101, connection)

    async def test_polling_messages_are_not_buffered_on_disk(self):
        self.assertEqual(await self.code("/live/000/abc/xhr", method="POST", body=b" "), 200)
        message = b'["' + b"x" * 100_000 + b'"]'
        self.assertEqual(await self.code("/live/000/abc/xhr_send", method="POST", body=message), 204)
        self.assertEqual(await self.code("/live/000/abc/xhr_send", method="POST", body=message * 2), 413)
        self.assertNotIn("buffered", (self.folder / "log" / "nginx-errors.log").read_text())


class TestSlowReaders(LiveFrontTest):
    changes = (("send_timeout 10s;", "send_timeout 5s;"),)
    is_stuck = False

    async def passed_on(self, session):
        """Waits until nginx has accepted everything sent. After one timeout it never waits again: nginx is stuck."""
        try:
            async with asyncio.timeout(0 if self.is_stuck else 1.5):
                while session.waiting:
                    await asyncio.sleep(0.001)
        except TimeoutError:
            self.is_stuck = True

    async def assert_closed_and_forgotten(self, head):
        """A client that reads nothing is closed before much is buffered for it, and then its buffers are freed."""
        client = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(client.close)
        client.sendall(head.encode())
        await self.until(lambda: list(self.live.connections))
        (connection,) = self.live.connections
        sent = 0
        while not connection.is_closed and sent < 2 * MOST_PINNED:
            connection.send("x" * 9990)
            sent += 10_000
            await self.passed_on(connection.session)
        closed_by = connection.session.get_close_reason()  # the process; nginx if filling the buffers took it over 10 s
        self.assertIn(closed_by, ((4013, "Too slow"), (3000, "Go away!")))
        self.assertLess(sent, MOST_PINNED)
        await self.until(lambda: client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)

    async def test_a_websocket_that_is_not_read_is_closed_and_its_memory_is_freed(self):
        await self.assert_closed_and_forgotten(
            f"GET /live/websocket HTTP/1.1\r\nHost: x\r\n{HANDSHAKE}Connection: Upgrade\r\n\r\n"
        )

    async def test_a_stream_that_is_not_read_is_closed_and_its_memory_is_freed(self):
        await self.assert_closed_and_forgotten(STREAM.format("abc"))


class TestLimits(LiveFrontTest):
    async def fill(self):
        """Opens live connections from new addresses until nginx refuses one. Returns their number."""
        for number in range(FILES):
            address = f"127.7.{number // 5}.1"
            if (code := await self.websocket(address)) != 101:
                self.assertEqual(code, 429)
                return number
        self.fail("never refused")

    async def test_a_refused_client_gets_the_error_as_html_or_json(self):
        for _ in range(MOST_OF_ONE):
            self.assertEqual(await self.websocket(), 101)
        for accept, answer in (
            ("application/json", '"error": "too-many"'),
            ("text/html", "<h1>Too many connections</h1>"),
        ):
            head = f"GET /live/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\n\r\n"
            reader, head = await self.asked(head)
            self.assertEqual(head.split()[1], "429")
            self.assertIn(answer, (await reader.read()).decode())
        self.assertEqual((self.folder / "log" / "nginx-errors.log").read_text(), "")  # it would name the address

    async def test_pages_are_served_while_live_connections_are_refused(self):
        number = await self.fill()
        self.assertEqual(number, MOST)
        asked = [self.code(f"/page-{n}?", address=f"127.8.{n}.1") for n in range(60)]
        self.assertEqual(await asyncio.gather(*asked), [200] * 60)
        self.assertEqual(await self.code("/static/css/site.css"), 200)
        await self.leave()
        await self.until(lambda: not list(self.live.connections))
        self.assertEqual(await self.websocket(), 101)

    async def test_two_greedy_addresses_leave_room_for_others(self):
        codes = [await self.websocket(address) for address in ("127.7.1.1", "127.7.2.1") for _ in range(150)]
        self.assertEqual(codes, ([101] * MOST_OF_ONE + [429] * (150 - MOST_OF_ONE)) * 2)
        self.assertEqual(await self.websocket("127.7.3.1"), 101)
        self.assertEqual(await self.code("/page?"), 200)

    async def test_an_ipv6_network_counts_as_one_address(self):
        def of(address):
            return f"X-Forwarded-For: {address}\r\n"

        for n in range(MOST_OF_ONE):
            self.assertEqual(await self.websocket(headers=of(f"2001:db8:1:2:{n:x}::{n:x}")), 101)
        self.assertEqual(await self.websocket(headers=of("2001:db8:1:2:ffff:ffff:ffff:ffff")), 429)
        self.assertEqual(await self.websocket(headers=of("2001:db8:1:3::1")), 101)
        for n in range(15):
            self.assertEqual(
                await self.websocket(headers=of(f"::ffff:192.0.2.{n}")), 101, "an IPv4-mapped address counts as IPv4"
            )
        for n in range(MOST_OF_ONE):
            code = await self.websocket(headers=of(f"{'::ffff:' if n % 2 else ''}203.0.113.9"))
            self.assertEqual(code, 101)
        self.assertEqual(await self.websocket(headers=of("203.0.113.9")), 429)


class ShareTest(unittest.TestCase):
    def test_live_connections_use_at_most_three_quarters_of_a_worker(self):
        for files in (256, 640, 1024, 4096, 65536):
            shares = configuration.live_shares(files)
            self.assertLessEqual(2 * shares["most_live"], shares["connections"] * 3 / 4)
            self.assertLessEqual(shares["connections"], files * 3 / 4)
            self.assertGreater(shares["most_live_of_one"], 1)
        self.assertEqual(shares, {"connections": 32768, "most_live": 12288, "most_live_of_one": 1024})


@contextmanager
def few_files():
    """Limits the open files of this process and its children, as on a small machine."""
    sleeping = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    resource.prlimit(sleeping.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
    try:
        yield sleeping
    finally:
        sleeping.kill()
        sleeping.communicate()


if __name__ == "__main__":
    unittest.main()
