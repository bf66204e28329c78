"""Where sockjs-tornado is unsafe by default: foreign origins, slow readers, floods, lost clients, unused transports."""

import asyncio
import json
import logging
import socket
import tracemalloc
import unittest

from tornado.testing import ExpectLog, gen_test
from tornado.websocket import WebSocketClosedError

from lib.sockjs import LONGEST_FRAME, MOST_WAITING, endpoint
from tests.lib.sockjs_server import SockJSTestCase

EVIL = "https://evil.example"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": "x3JJHMbDL1EzLkh9GBhXDw==",
}


class TestOrigins(SockJSTestCase):
    def every_transport(self):
        session = self.session()
        yield "GET", "/echo/info", {}
        yield "OPTIONS", "/echo/info", {}
        yield "GET", "/echo", {}
        for transport in ("xhr", "xhr_streaming", "xhr_send"):
            yield "POST", f"{session}/{transport}", {}
            yield "OPTIONS", f"{session}/{transport}", {}
        yield "GET", session + "/eventsource", {}
        yield "GET", session + "/websocket", UPGRADE
        yield "GET", "/echo/websocket", UPGRADE

    @gen_test
    async def test_foreign_origins_are_refused_on_every_transport(self):
        signs = [
            {"Origin": EVIL},
            {"Origin": "null"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
        ]
        signs.append({"Sec_Fetch_Site": "cross-site", "Origin": self.OWN})
        for sign in signs:
            for method, path, headers in self.every_transport():
                answer = await self.stream(method, path, **headers | sign)
                self.assertEqual(answer.code, 403, (method, path, sign))
                self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.assertEqual(list(self.echo.connections), [])

    @gen_test
    async def test_own_pages_and_clients_without_an_origin_may_connect(self):
        for sign in (
            {},
            {"Origin": self.OWN},
            {"Origin": f"http://127.0.0.1:{self.get_http_port()}"},
            {"Sec_Fetch_Site": "none"},
        ):
            for method, path, headers in self.every_transport():
                answer = await self.stream(method, path, **headers | sign)
                self.assertIn(answer.code, (200, 101, 204, 404), (method, path, sign))
                answer.close()

    @gen_test
    async def test_without_an_origin_there_are_no_cors_headers(self):
        answer = await self.get("/echo/info")
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.assertIn("Origin", answer.headers["Vary"])

    @gen_test
    async def test_transports_that_were_left_out_are_not_found(self):
        session = self.session()
        for path in ("/jsonp?c=a", "/jsonp_send", "/htmlfile?c=a"):
            for method in ("GET", "POST", "OPTIONS"):
                self.assertEqual((await self.ask(method, session + path)).code, 404)
        for path in ("/iframe.html", "/iframe-1.html", "/chunking_test"):
            self.assertEqual((await self.get("/echo" + path)).code, 404)


class TestHeaders(SockJSTestCase):
    CHOSEN = {"headers": {"X-Content-Type-Options": "nosniff"}}

    @gen_test
    async def test_every_response_has_the_sites_headers_and_no_cookie(self):
        asked = [
            ("GET", "/echo"),
            ("GET", "/echo/info"),
            ("POST", self.session() + "/xhr"),
            ("GET", "/echo/0/0/websocket"),
        ]
        asked += [("GET", "/echo/0/0/xhr"), ("POST", "/echo/0/unknown/xhr_send"), ("OPTIONS", "/echo/info")]
        for method, path in asked:
            with ExpectLog("tornado.general", ".*", required=False):
                answer = await self.ask(method, path)
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff", path)
            self.assertNotIn("Set-Cookie", answer.headers)


class TestTurns(SockJSTestCase):
    async def until(self, event):
        while self.record[-1:] != [event]:
            await asyncio.sleep(0.005)

    @gen_test
    async def test_opened_received_and_closed_run_one_after_another(self):
        socket = await self.websocket("/record/websocket")
        for text in ("one", "two"):
            await socket.write_message(text)
        await self.until("ended two")
        socket.close()
        await self.until("closed")
        self.assertEqual(self.record, ["opened", "began one", "ended one", "began two", "ended two", "closed"])

    @gen_test
    async def test_polling_requests_that_overlap_run_one_after_another(self):
        session = self.session("/record")
        await self.post(session + "/xhr")
        await asyncio.gather(*(self.post(session + "/xhr_send", json.dumps([text])) for text in ("one", "two")))
        began = [event.split()[1] for event in self.record if event.startswith("began")]
        expected = [event for text in began for event in (f"began {text}", f"ended {text}")]
        self.assertEqual(self.record, ["opened", *expected])

    @gen_test
    async def test_a_connection_lost_during_a_turn_is_closed_after_it(self):
        socket = await self.websocket("/record/websocket")
        await socket.write_message("one")
        await self.until("began one")
        socket.close()
        await self.until("closed")
        self.assertEqual(self.record[-2:], ["ended one", "closed"])

    @gen_test
    async def test_an_exception_is_logged_and_the_connection_stays_open(self):
        socket = await self.websocket("/record/websocket")
        with self.assertLogs("lib.sockjs.sessions", logging.ERROR) as logs:
            await socket.write_message("fail")
            await socket.write_message("on")
            await self.until("ended on")
        self.assertIn("on purpose", logs.output[0])
        self.assertIn("Traceback", logs.output[0])

    @gen_test
    async def test_sending_and_closing_after_the_close_do_nothing(self):
        await self.websocket("/record/websocket")
        await self.until("opened")
        (connection,) = self.recording.connections
        connection.close(3001, "Enough")
        await self.until("closed")
        connection.send("x")
        connection.close()
        self.assertTrue(connection.is_closed)

    @gen_test
    async def test_closing_an_endpoint_closes_every_client_and_connection(self):
        socket = await self.websocket("/record/websocket")
        session = self.session("/record")
        await self.post(session + "/xhr")
        await self.recording.close(1001, "Restart")
        self.assertEqual(self.record.count("closed"), 2)
        self.assertEqual([await socket.read_message() for _ in range(2)], ["welcome", None])
        self.assertEqual(socket.close_code, 1001)
        self.assertEqual((await self.post(session + "/xhr")).body, b'a["welcome"]\n')
        self.assertEqual((await self.post(session + "/xhr")).body, b'c[1001,"Restart"]\n')


class TestSlowReaders(SockJSTestCase):
    CHOSEN = {"response_limit": 1 << 30}

    async def stalled(self, method, path, headers):
        """A client with small buffers that reads only the head of its answer, and the connection to it."""
        own = socket.create_connection(("127.0.0.1", self.get_http_port()))
        self.opened_here.append(own)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        lines = [f"{method} {path} HTTP/1.1", "Host: x", "Content-Length: 0"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        own.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while not list(self.echo.connections):
            await asyncio.sleep(0.01)
        return own, next(self.echo.connections)

    async def assert_closed_and_freed(self, method, path, headers):
        own, connection = await self.stalled(method, path, headers)
        tracemalloc.start()
        sent = 0
        while not connection.is_closed:
            connection.send(f"{sent:010}" + "x" * 9990)
            sent += 1
            await asyncio.sleep(0)
        self.assertLess(sent, 2000)
        self.assertEqual(connection.session.get_close_reason(), (4013, "Too slow"))
        self.assertEqual((connection.session.waiting, connection.session.send_queue), (0, []))
        allocated = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        self.assertLess(allocated, MOST_WAITING)
        return own

    @gen_test(timeout=20)
    async def test_a_slow_raw_websocket_is_closed_with_4013_and_its_memory_freed(self):
        own = await self.assert_closed_and_freed("GET", "/echo/websocket", UPGRADE)
        await asyncio.to_thread(_everything, own, b"\x88\x0a" + (4013).to_bytes(2, "big") + b"Too slow")

    @gen_test(timeout=20)
    async def test_a_slow_websocket_gets_a_sockjs_close_frame(self):
        own = await self.assert_closed_and_freed("GET", self.session() + "/websocket", UPGRADE)
        received = await asyncio.to_thread(_everything, own, b"Too slow")
        self.assertIn(b'c[4013,"Too slow"]', received)

    @gen_test(timeout=20)
    async def test_a_slow_stream_gets_a_close_frame_and_is_cut_off(self):
        for method, transport in (("POST", "xhr_streaming"), ("GET", "eventsource")):
            own = await self.assert_closed_and_freed(method, f"{self.session()}/{transport}", {})
            received = await asyncio.to_thread(_everything, own, b"\r\n0\r\n\r\n")
            self.assertIn(b'c[4013,"Too slow"]', received)

    @gen_test
    async def test_a_session_that_is_not_polled_is_closed_with_4013(self):
        session = self.session()
        await self.post(session + "/xhr")
        (connection,) = self.echo.connections
        for _ in range(101):
            connection.send("x" * 9990)
        self.assertEqual(connection.session.send_queue, [])
        self.assertEqual((await self.post(session + "/xhr")).body, b'c[4013,"Too slow"]\n')

    @gen_test
    async def test_buffered_messages_below_the_bound_arrive_in_order(self):
        session = self.session()
        await self.post(session + "/xhr")
        (connection,) = self.echo.connections
        texts = [f"{number:04}" + "x" * 5000 for number in range(190)]
        for text in texts:
            connection.send(text)
        connection.close(4029, "Too fast")
        received = []
        while True:
            body = (await self.post(session + "/xhr")).body.decode()
            if not body.startswith("a"):
                break
            received += json.loads(body[1:])
        self.assertEqual((received, body), (texts, 'c[4029,"Too fast"]\n'))

    @gen_test(timeout=20)
    async def test_messages_to_a_slow_websocket_arrive_in_order(self):
        own, connection = await self.stalled("GET", "/echo/websocket", UPGRADE)
        texts = [f"{number:04}" + "x" * 10_000 for number in range(90)]
        for text in texts:
            connection.send(text)
        connection.close(4029, "Too fast")
        received = await asyncio.to_thread(_everything, own, b"Too fast")
        places = [received.index(text[:4].encode() + b"x" * 10_000) for text in texts]
        self.assertEqual(places, sorted(places))


class TestFloods(SockJSTestCase):
    @gen_test
    async def test_a_message_above_16_kb_still_reaches_the_connection(self):
        socket = await self.websocket("/echo/websocket")
        await socket.write_message("x" * 100_000)
        self.assertEqual(await socket.read_message(), "x" * 100_000)

    @gen_test
    async def test_a_frame_above_the_size_limit_is_not_read(self):
        socket = await self.websocket("/echo/websocket")
        await socket.write_message("x" * (LONGEST_FRAME + 1))
        self.assertIsNone(await socket.read_message())
        with self.assertRaises(WebSocketClosedError):
            await socket.write_message("x")

    @gen_test
    async def test_a_body_above_the_size_limit_is_not_read(self):
        session = self.session()
        await self.post(session + "/xhr")
        head = f"POST {session}/xhr_send HTTP/1.1\r\nHost: x\r\n"
        answer = await self.stream("GET", "/echo")
        await answer.stream.read_bytes(19)
        await answer.stream.write(f"{head}Content-Length: 99999999\r\n\r\n".encode())
        self.assertEqual((await answer.begin()).code, 413)
        answer = await self.stream("GET", "/echo")
        await answer.stream.read_bytes(19)
        chunks = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 3
        await answer.stream.write(chunks)
        self.assertNotIn(b"204", await answer.stream.read_until_close())

    @gen_test
    async def test_the_queue_of_one_clients_requests_is_bounded(self):
        session = self.session("/record")
        await self.post(session + "/xhr")
        (connection,) = self.recording.connections
        for _ in range(100):
            connection.session.queue_turn(lambda: asyncio.sleep(0.001))
        await self.post(session + "/xhr_send", '["x"]')
        self.assertEqual(connection.session.get_close_reason()[0], 4029)

    @gen_test
    async def test_a_session_may_change_its_transport_and_break_there(self):
        session = self.session("/record")
        await self.post(session + "/xhr")
        answer = await self.stream("POST", session + "/xhr_streaming")
        self.assertEqual([await answer.read(), await answer.read()][1], 'a["welcome"]\n')
        answer.close()
        while self.record[-1] != "closed":
            await asyncio.sleep(0.01)

    @gen_test
    async def test_the_number_of_polling_sessions_per_network_is_bounded(self):
        await self.post(self.session() + "/xhr")
        own = await self.opened()
        self.echo.count_polling("127.0.0.1", endpoint.MOST_PER_NETWORK - 2)
        answer = await self.post(self.session() + "/xhr")
        self.assertEqual((answer.code, answer.headers["Retry-After"]), (429, "5"))
        self.assertEqual((await self.post(own + "/xhr_send", '["a"]')).code, 204)
        self.assertEqual((await self.post(own + "/xhr")).code, 200)
        await self.websocket("/echo/websocket")

    async def opened(self):
        session = self.session()
        await self.post(session + "/xhr")
        return session


class TestVanishing(SockJSTestCase):
    CHOSEN = {"heartbeat": 0.4, "abandoned": 0.3}

    async def until_gone(self):
        while list(self.echo.connections) + list(self.recording.connections) or self.recording._sessions._items:
            await asyncio.sleep(0.05)

    @gen_test
    async def test_an_abandoned_polling_session_expires_and_leaves_no_state(self):
        session = self.session("/record")
        await self.post(session + "/xhr")
        await self.until_gone()
        while self.record[-1:] != ["closed"]:  # the endpoint forgets a session before its connection's `closed` runs
            await asyncio.sleep(0.01)
        self.assertEqual(self.record, ["opened", "closed"])
        self.assertEqual((dict(self.recording._polling), self.recording._sessions._queue), ({}, []))
        self.assertEqual((await self.post(session + "/xhr")).body, b"o\n")

    @gen_test
    async def test_a_polled_session_does_not_expire_and_gets_heartbeats(self):
        session = self.session()
        answer = await self.stream("POST", session + "/xhr_streaming")
        expected = ["h" * 2048 + "\n", "o\n", "h\n", "h\n", "h\n"]
        self.assertEqual([await answer.read() for _ in expected], expected)

    @gen_test
    async def test_a_poll_is_answered_by_a_heartbeat(self):
        session = self.session()
        await self.post(session + "/xhr")
        self.assertEqual((await self.post(session + "/xhr")).body, b"h\n")

    @gen_test
    async def test_a_websocket_gets_heartbeats_and_stays_open(self):
        socket = await self.websocket(self.session() + "/websocket")
        self.assertEqual([await socket.read_message() for _ in range(4)], ["o", "h", "h", "h"])

    @gen_test
    async def test_a_raw_websocket_that_does_not_answer_pings_is_cut_off(self):
        await self.websocket("/echo/websocket")
        dead = await self.stream("GET", "/echo/websocket", **UPGRADE)
        self.assertEqual(len(list(self.echo.connections)), 2)
        await dead.stream.read_until_close()
        self.assertEqual(len(list(self.echo.connections)), 1)

    @gen_test
    async def test_a_stream_that_is_not_read_is_cut_off(self):
        own = socket.create_connection(("127.0.0.1", self.get_http_port()))
        self.opened_here.append(own)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        own.sendall(f"POST {self.session()}/xhr_streaming HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        while not list(self.echo.connections):
            await asyncio.sleep(0.01)
        connection = next(self.echo.connections)
        connection.session.handler.amount_limit = 1 << 30
        while connection.session.waiting < MOST_WAITING / 2:
            connection.send("x" * 4000)
            await asyncio.sleep(0)
        await self.until_gone()


class TestPython(unittest.TestCase):
    def test_the_library_is_imported_without_a_warning(self):
        """Even without compiled files: the sources have escapes that newer versions of Python warn about."""
        import subprocess
        import sys

        command = [sys.executable, "-W", "error", "-X", "pycache_prefix=/nonexistent", "-B", "-c", "import lib.sockjs"]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


def _everything(own, end):
    """Everything that a client reads, up to `end`."""
    own.settimeout(10)
    received = b""
    while not received.endswith(end):
        part = own.recv(65536)
        assert part, received[-100:]
        received += part
    return received
