"""The public sockjs-protocol tests of the transports that Plog supports, over real sockets.

Written after https://github.com/sockjs/sockjs-protocol. Where it allows any origin, only our own may connect here. Its
tests of jsonp, htmlfile, the iframe page, cookies and WebSocket drafts before RFC 6455 are left out.
"""

import asyncio
import json
import re

from tornado.testing import gen_test

from tests.lib.sockjs_server import SockJSTestCase, Streamed

NEVER_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
PLAIN = "text/plain; charset=UTF-8"
UPGRADE = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
KEY = {"Sec_WebSocket_Key": "x3JJHMbDL1EzLkh9GBhXDw=="}


class ProtocolTestCase(SockJSTestCase):
    def assert_type(self, answer, content_type):
        self.assertEqual(answer.headers["Content-Type"].replace(" ", ""), content_type)

    def assert_not_cached(self, answer):
        self.assertEqual(answer.headers["Cache-Control"], NEVER_CACHED)
        self.assertNotIn("Expires", answer.headers)
        self.assertNotIn("Last-Modified", answer.headers)

    def assert_cors(self, answer):
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], self.OWN)
        self.assertEqual(answer.headers["Access-Control-Allow-Credentials"], "true")

    def assert_empty(self, answer, code):
        self.assertEqual((answer.code, answer.body), (code, b""))

    async def assert_options(self, path, methods):
        answer = await self.ask("OPTIONS", path, Origin=self.OWN, Access_Control_Request_Method=methods)
        self.assert_empty(answer, 204)
        self.assertRegex(answer.headers["Cache-Control"], r"public.*max-age=[1-9][0-9]{6}")
        self.assertRegex(answer.headers["Expires"], r"^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$")
        self.assertGreater(int(answer.headers["Access-Control-Max-Age"]), 1_000_000)
        self.assertEqual(answer.headers["Access-Control-Allow-Methods"], methods)
        self.assert_cors(answer)

    async def opened(self, prefix="/echo"):
        session = self.session(prefix)
        self.assertEqual((await self.post(session + "/xhr")).body, b"o\n")
        return session


class TestAddresses(ProtocolTestCase):
    @gen_test
    async def test_the_prefix_answers_with_a_greeting(self):
        for path in ("/echo", "/echo/"):
            answer = await self.get(path)
            self.assertEqual((answer.code, answer.body), (200, b"Welcome to SockJS!\n"))
            self.assert_type(answer, "text/plain;charset=UTF-8")
            self.assertNotIn("Set-Cookie", answer.headers)

    def every_address(self):
        session = self.session()
        yield from (
            "/echo",
            "/echo/",
            "/echo/info",
            "/echo/websocket",
            session + "/websocket",
            session + "/eventsource",
        )
        yield from (session + "/xhr", session + "/xhr_streaming", session + "/xhr_send")

    @gen_test
    async def test_an_unknown_method_is_answered_405_in_plain_text_everywhere(self):
        for path in self.every_address():
            for method in ("FOO", "DELETE"):
                answer = await self.stream(method, path)
                self.assertEqual((answer.code, answer.headers["Content-Type"]), (405, PLAIN), (method, path))
                self.assertIn(answer.headers["Allow"], ("GET", "GET, HEAD", "OPTIONS, GET", "OPTIONS, POST"), path)
                self.assertEqual(await self.text_of(answer), "Method Not Allowed\n", path)

    @gen_test
    async def test_a_malformed_body_is_answered_in_plain_text_and_not_logged(self):
        with self.assertNoLogs("tornado", "WARNING"):
            for path in ("/echo", "/echo/", "/echo/websocket"):
                answer = await self.stream("POST", path, Content_Type="multipart/form-data; boundary=x; boundary")
                self.assertEqual((answer.code, answer.headers["Content-Type"]), (400, PLAIN), path)
                self.assertEqual(await self.text_of(answer), "Bad Request\n", path)

    async def text_of(self, answer):
        return (await answer.stream.read_bytes(int(answer.headers["Content-Length"]))).decode()

    @gen_test
    async def test_the_greeting_answers_head_requests(self):
        answer = await self.ask("HEAD", "/echo")
        self.assertEqual((answer.code, answer.body), (200, b""))

    @gen_test
    async def test_other_paths_are_not_found(self):
        for suffix in ("/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "/a/a/unknown", "/a/a/xhr/more"):
            self.assertEqual((await self.get("/echo" + suffix)).code, 404, suffix)

    @gen_test
    async def test_server_and_session_ids_may_have_any_characters_except_dots(self):
        for part in ("/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20"):
            self.assertEqual((await self.post(f"/echo{part}/xhr")).body, b"o\n")
        for part in ("//", "/a./a", "/a/a.", "/./.", "/", "///"):
            for method in ("GET", "POST"):
                answer = await Streamed.request(self.get_http_port(), method, f"/echo{part}/xhr")
                self.assertEqual(answer.code, 404, part)

    @gen_test
    async def test_a_session_is_identified_by_its_id_regardless_of_the_server_id(self):
        session = await self.opened()
        self.assert_empty(await self.post(session + "/xhr_send", '["a"]'), 204)
        elsewhere = session.replace("/000/", "/999/")
        self.assertEqual((await self.post(elsewhere + "/xhr")).body, b'a["a"]\n')


class TestInfo(ProtocolTestCase):
    @gen_test
    async def test_info_describes_the_servers_features(self):
        answer = await self.get("/echo/info", Origin=self.OWN)
        self.assertEqual(answer.code, 200)
        self.assert_type(answer, "application/json;charset=UTF-8")
        self.assert_not_cached(answer)
        self.assert_cors(answer)
        self.assertNotIn("Set-Cookie", answer.headers)
        found = json.loads(answer.body)
        self.assertEqual(
            found | {"entropy": 0}, {"websocket": True, "origins": ["*:*"], "cookie_needed": False, "entropy": 0}
        )

    @gen_test
    async def test_entropy_is_32_bits_and_new_each_time(self):
        drawn = [json.loads((await self.get("/echo/info")).body)["entropy"] for _ in range(8)]
        self.assertEqual(len(set(drawn)), 8)
        self.assertTrue(all(0 <= entropy < 1 << 32 for entropy in drawn))

    @gen_test
    async def test_options_requests_are_answered(self):
        await self.assert_options("/echo/info", "OPTIONS, GET")


class TestSessions(ProtocolTestCase):
    @gen_test
    async def test_a_session_opens_and_receives_and_delivers_messages(self):
        session = await self.opened()
        self.assert_empty(await self.post(session + "/xhr_send", '["a"]'), 204)
        self.assertEqual((await self.post(session + "/xhr")).body, b'a["a"]\n')
        self.assertEqual((await self.post("/echo/000/unknown/xhr_send", '["a"]')).code, 404)

    @gen_test
    async def test_only_one_request_may_poll_a_session(self):
        session = await self.opened()
        waiting = asyncio.ensure_future(self.post(session + "/xhr"))
        await self.until_polled()
        second = await self.post(session + "/xhr")
        self.assertEqual((second.code, second.body), (200, b'c[2010,"Another connection still open"]\n'))
        await self.post(session + "/xhr_send", '["a"]')
        self.assertEqual((await waiting).body, b'a["a"]\n')

    @gen_test
    async def test_a_closed_session_always_answers_with_its_close_frame(self):
        session = await self.opened("/close")
        for _ in range(3):
            answer = await self.post(session + "/xhr")
            self.assertEqual((answer.code, answer.body), (200, b'c[3000,"Go away!"]\n'))

    @gen_test
    async def test_a_close_ends_the_open_request(self):
        session = self.session("/close")
        for expected in (["o\n", 'c[3000,"Go away!"]\n'], ['c[3000,"Go away!"]\n']):
            answer = await self.stream("POST", session + "/xhr_streaming")
            await answer.read()
            self.assertEqual([await answer.read() for _ in expected], expected)
            self.assertEqual(await answer.read(), "")

    @gen_test
    async def test_a_second_stream_is_refused_and_a_broken_one_ends_the_session(self):
        session = self.session()
        first = await self.stream("POST", session + "/xhr_streaming")
        self.assertEqual([await first.read(), await first.read()][1], "o\n")
        second = await self.stream("POST", session + "/xhr_streaming")
        expected = ["h" * 2048 + "\n", 'c[2010,"Another connection still open"]\n', ""]
        self.assertEqual([await second.read() for _ in range(3)], expected)
        first.close()
        third = await self.stream("POST", session + "/xhr_streaming")
        self.assertIn([await third.read(), await third.read()][1], ("o\n", 'c[1002,"Connection interrupted"]\n'))

    @gen_test
    async def test_a_broken_poll_ends_the_session(self):
        session = await self.opened()
        first = await self.raw_poll(session)
        self.assertEqual((await self.post(session + "/xhr")).body, b'c[2010,"Another connection still open"]\n')
        first.close()
        self.assertIn((await self.post(session + "/xhr")).body, (b"o\n", b'c[1002,"Connection interrupted"]\n'))

    async def raw_poll(self, session):
        stream = (await Streamed.request(self.get_http_port(), "GET", "/echo")).stream
        await stream.read_bytes(19)
        await stream.write(f"POST {session}/xhr HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        await self.until_polled()
        return stream

    async def until_polled(self):
        """Waits until a poll of the only session has arrived. A request sent after it may overtake it."""
        (connection,) = self.echo.connections
        while connection.session.handler is None:
            await asyncio.sleep(0.01)


class TestPolling(ProtocolTestCase):
    @gen_test
    async def test_options_requests_are_answered(self):
        await self.assert_options("/echo/abc/abc/xhr", "OPTIONS, POST")
        await self.assert_options("/echo/abc/abc/xhr_send", "OPTIONS, POST")

    @gen_test
    async def test_polling_answers_have_their_headers_and_bodies(self):
        session = self.session()
        answer = await self.post(session + "/xhr", Origin=self.OWN)
        self.assertEqual((answer.code, answer.body), (200, b"o\n"))
        self.assert_type(answer, "application/javascript;charset=UTF-8")
        sent = await self.post(session + "/xhr_send", '["x"]', Origin=self.OWN)
        self.assert_empty(sent, 204)
        self.assert_type(sent, "text/plain;charset=UTF-8")
        for each in (answer, sent):
            self.assert_cors(each)
            self.assert_not_cached(each)
        self.assertEqual((await self.post(session + "/xhr")).body, b'a["x"]\n')

    @gen_test
    async def test_malformed_messages_are_refused_and_the_session_stays_open(self):
        session = await self.opened()
        for body, reason in (('["x', b"Broken JSON encoding."), ("", b"Payload expected.")):
            answer = await self.post(session + "/xhr_send", body)
            self.assertEqual((answer.code, answer.body), (500, reason))
        for body in (
            '{"a": 1}',
            "[1]",
            "[[]]",
            "null",
            "[" * 50_000,
            '["\udcff"]'.encode("latin1", "replace") + b"\xff",
        ):
            self.assertEqual((await self.post(session + "/xhr_send", body)).code, 500, body[:10])
        self.assert_empty(await self.post(session + "/xhr_send", '["a"]'), 204)
        self.assertEqual((await self.post(session + "/xhr")).body, b'a["a"]\n')

    @gen_test
    async def test_any_content_type_is_accepted(self):
        session = await self.opened()
        types = (
            "text/plain",
            "T",
            "application/json",
            "application/xml",
            "",
            "application/json; charset=utf-8",
            "text/xml",
        )
        for content_type in types:
            self.assert_empty(await self.post(session + "/xhr_send", '["a"]', Content_Type=content_type), 204)
        expected = "a[" + ",".join(['"a"'] * len(types)) + "]\n"
        self.assertEqual((await self.post(session + "/xhr")).body.decode(), expected)

    @gen_test
    async def test_headers_requested_by_a_preflight_are_allowed(self):
        for asked, allowed in (("a, b, c", "a, b, c"), ("", None)):
            answer = await self.ask(
                "OPTIONS", self.session() + "/xhr", Origin=self.OWN, Access_Control_Request_Headers=asked
            )
            self.assert_cors(answer)
            self.assertEqual(answer.headers.get("Access-Control-Allow-Headers"), allowed)

    @gen_test
    async def test_an_empty_frame_is_allowed(self):
        session = await self.opened()
        self.assert_empty(await self.post(session + "/xhr_send", "[]"), 204)
        self.assert_empty(await self.post(session + "/xhr_send", '["a"]'), 204)
        self.assertEqual((await self.post(session + "/xhr")).body, b'a["a"]\n')


class TestStreaming(ProtocolTestCase):
    @gen_test
    async def test_options_requests_are_answered(self):
        await self.assert_options("/echo/abc/abc/xhr_streaming", "OPTIONS, POST")

    @gen_test
    async def test_a_stream_sends_a_prelude_an_open_frame_and_messages(self):
        session = self.session()
        answer = await self.stream("POST", session + "/xhr_streaming", Origin=self.OWN)
        self.assertEqual(answer.code, 200)
        self.assert_type(answer, "application/javascript;charset=UTF-8")
        self.assert_cors(answer)
        self.assert_not_cached(answer)
        self.assertEqual(await answer.read(), "h" * 2048 + "\n")
        self.assertEqual(await answer.read(), "o\n")
        self.assert_empty(await self.post(session + "/xhr_send", '["x"]'), 204)
        self.assertEqual(await answer.read(), 'a["x"]\n')

    @gen_test
    async def test_the_stream_ends_at_its_size_limit(self):
        session = self.session()
        answer = await self.stream("POST", session + "/xhr_streaming")
        self.assertEqual([await answer.read(), await answer.read()][1], "o\n")
        message = '["' + "x" * 128 + '"]'
        for _ in range(31):
            self.assert_empty(await self.post(session + "/xhr_send", message), 204)
            self.assertEqual(await answer.read(), f"a{message}\n")
        self.assertEqual(await answer.read(), "")


class TestEventSource(ProtocolTestCase):
    @gen_test
    async def test_a_stream_sends_a_prelude_an_open_frame_and_messages(self):
        session = self.session()
        answer = await self.stream("GET", session + "/eventsource")
        self.assertEqual(answer.code, 200)
        self.assert_type(answer, "text/event-stream")
        self.assert_not_cached(answer)
        self.assertEqual(await answer.read(), "\r\n")
        self.assertEqual(await answer.read(), "data: o\r\n\r\n")
        await self.post(session + "/xhr_send", '["x"]')
        self.assertEqual(await answer.read(), 'data: a["x"]\r\n\r\n')
        await self.post(session + "/xhr_send", r'["  \u0000\n\r "]')
        self.assertEqual(await answer.read(), 'data: a["  \\u0000\\n\\r "]\r\n\r\n')

    @gen_test
    async def test_the_stream_ends_at_its_size_limit(self):
        session = self.session()
        answer = await self.stream("GET", session + "/eventsource")
        self.assertEqual([await answer.read(), await answer.read()][1], "data: o\r\n\r\n")
        message = '["' + "x" * 4096 + '"]'
        await self.post(session + "/xhr_send", message)
        self.assertEqual(await answer.read(), f"data: a{message}\r\n\r\n")
        self.assertEqual(await answer.read(), "")


class TestWebSocket(ProtocolTestCase):
    @gen_test
    async def test_an_invalid_handshake_is_refused(self):
        answer = await self.get("/echo/0/0/websocket")
        self.assertEqual((answer.code, answer.headers["Content-Type"]), (400, PLAIN))
        self.assertIn(b'Can "Upgrade" only to "WebSocket".', answer.body)
        answer = await self.stream("GET", "/echo/0/0/websocket", Upgrade="WebSocket", Connection="close")
        self.assertEqual(answer.code, 400)
        self.assertIn(b'"Connection" must be "Upgrade".', await answer.stream.read_until_close())

    @gen_test
    async def test_only_get_is_allowed_for_websockets(self):
        for headers in ({"Upgrade": "WebSocket", "Connection": "Upgrade"}, {}):
            answer = await self.stream("POST", "/echo/0/0/websocket", **headers)
            self.assertEqual((answer.code, answer.headers["Content-Length"]), (405, "0"))
            self.assertEqual(answer.headers["Allow"], "GET")
            self.assertNotIn("Content-Type", answer.headers)

    @gen_test
    async def test_the_handshake_accepts_the_headers_of_firefox(self):
        for connection in ("Upgrade", "keep-alive, Upgrade"):
            answer = await self.stream(
                "GET", self.session() + "/websocket", **UPGRADE | KEY | {"Connection": connection}
            )
            self.assertEqual(answer.code, 101)
            self.assertEqual(answer.headers["Sec-WebSocket-Accept"], "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
            self.assertEqual(answer.headers["Connection"].lower(), "upgrade")
            self.assertEqual(answer.headers["Upgrade"].lower(), "websocket")
            self.assertNotIn("Content-Length", answer.headers)
            answer.close()

    @gen_test
    async def test_frames_and_empty_frames_are_exchanged(self):
        socket = await self.websocket(self.session() + "/websocket")
        self.assertEqual(await socket.read_message(), "o")
        for frame in ("", "[]", '["a"]', '"b"'):
            await socket.write_message(frame)
        self.assertEqual(await socket.read_message(), 'a["a"]')
        self.assertEqual(await socket.read_message(), 'a["b"]')

    @gen_test
    async def test_a_close_frame_is_sent_before_the_connection_closes(self):
        socket = await self.websocket(self.session("/close") + "/websocket")
        self.assertEqual([await socket.read_message() for _ in range(3)], ["o", 'c[3000,"Go away!"]', None])
        self.assertEqual((socket.close_code, socket.close_reason), (3000, "Go away!"))

    @gen_test
    async def test_session_ids_may_be_reused_even_at_the_same_time(self):
        path = self.session() + "/websocket"
        sockets = [await self.websocket(path) for _ in range(2)]
        sockets[0].close()
        sockets.append(await self.websocket(path))
        for socket in sockets[1:]:
            self.assertEqual(await socket.read_message(), "o")
            await socket.write_message('["a"]')
            self.assertEqual(await socket.read_message(), 'a["a"]')

    @gen_test
    async def test_broken_json_ends_the_connection_at_once(self):
        for frame in ('["a', "{}", "[1]"):
            socket = await self.websocket(self.session() + "/websocket")
            await socket.write_message(frame)
            self.assertEqual([await socket.read_message() for _ in range(2)], ["o", None])
            self.assertIsNone(socket.close_code)


class TestRawWebSocket(ProtocolTestCase):
    @gen_test
    async def test_messages_are_sent_without_framing(self):
        socket = await self.websocket("/echo/websocket")
        for text in ("Hello world!\uffff", "x" * 125, "x" * 126, "ü" * 40_000):
            await socket.write_message(text)
            self.assertEqual(await socket.read_message(), text)

    @gen_test
    async def test_a_close_carries_code_and_reason(self):
        socket = await self.websocket("/close/websocket")
        self.assertIsNone(await socket.read_message())
        self.assertEqual((socket.close_code, socket.close_reason), (3000, "Go away!"))

    @gen_test
    async def test_binary_messages_are_refused(self):
        socket = await self.websocket("/echo/websocket")
        await socket.write_message(b"\x00", binary=True)
        self.assertIsNone(await socket.read_message())
        self.assertEqual(socket.close_code, 1003)


class TestUnicode(ProtocolTestCase):
    FROM_CLIENT = re.compile(
        '[\\"\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0604\u2000-\u20ff\ufeff\ufff0-\uffff\u0300-\u0333\u0591-\u05af]'
    )
    FROM_SERVER = re.compile("[\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]")

    def escaped(self, pattern, first):
        return "".join(rf"\u{code:04x}" for code in range(first, 65536) if pattern.match(chr(code)))

    @gen_test
    async def test_the_server_escapes_characters_that_browsers_or_proxies_change(self):
        escaped = self.escaped(self.FROM_SERVER, 255)
        session = await self.opened()
        await self.post(session + "/xhr_send", json.dumps([json.loads(f'"{escaped}"')], ensure_ascii=False))
        self.assertEqual((await self.post(session + "/xhr")).body.decode(), f'a["{escaped}"]\n')

    @gen_test
    async def test_the_server_decodes_characters_escaped_by_clients(self):
        sent = f'["{self.escaped(self.FROM_CLIENT, 0)}"]'
        session = await self.opened()
        await self.post(session + "/xhr_send", sent)
        self.assertEqual(json.loads((await self.post(session + "/xhr")).body[1:]), json.loads(sent))


class TestHttp(ProtocolTestCase):
    @gen_test
    async def test_http_1_0_and_1_1_answers_have_a_length_and_keep_alive(self):
        for version in ("1.0", "1.1"):
            headers = {"Connection": "Keep-Alive"}
            answer = await Streamed.request(self.get_http_port(), "GET", "/echo", headers, version=version)
            self.assertEqual((answer.code, answer.headers["Content-Length"]), (200, "19"))
            self.assertNotIn("Transfer-Encoding", answer.headers)
            self.assertEqual(await answer.stream.read_bytes(19), b"Welcome to SockJS!\n")
            await answer.stream.write(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual((await answer.begin()).code, 200)

    @gen_test
    async def test_http_1_0_streams_without_chunks(self):
        path = self.session("/close") + "/xhr_streaming"
        answer = await Streamed.request(self.get_http_port(), "POST", path, {"Connection": "Keep-Alive"}, version="1.0")
        self.assertNotIn("Transfer-Encoding", answer.headers)
        self.assertNotIn("Content-Length", answer.headers)
        whole = await answer.stream.read_until_close()
        self.assertEqual(whole.decode(), "h" * 2048 + "\n" + "o\n" + 'c[3000,"Go away!"]\n')

    @gen_test
    async def test_http_1_1_streams_in_chunks(self):
        answer = await self.stream("POST", self.session("/close") + "/xhr_streaming", Connection="Keep-Alive")
        self.assertEqual(answer.headers["Transfer-Encoding"], "chunked")
        self.assertNotIn("Content-Length", answer.headers)
        expected = ["h" * 2048 + "\n", "o\n", 'c[3000,"Go away!"]\n', ""]
        self.assertEqual([await answer.read() for _ in expected], expected)
