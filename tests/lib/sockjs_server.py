"""A real server with the endpoints that the public sockjs-protocol tests need, and a client that sees every chunk."""

import asyncio
import uuid

from tornado.httputil import HTTPHeaders, parse_response_start_line
from tornado.tcpclient import TCPClient
from tornado.testing import AsyncHTTPTestCase
from tornado.web import Application
from tornado.websocket import websocket_connect

from lib.origins import is_own
from lib.sockjs import Connection, Endpoint


class Echo(Connection):
    async def received(self, text):
        self.send(text)


class Closing(Connection):
    async def opened(self):
        self.close()


class Recording(Connection):
    """Records its events in its context, a list, and fails on request."""

    async def opened(self):
        self.context.append("opened")
        await asyncio.sleep(0)
        self.send("welcome")

    async def received(self, text):
        self.context.append("began " + text[:10])
        await asyncio.sleep(0.01)
        if text == "fail":
            raise ValueError("on purpose")
        self.context.append("ended " + text[:10])

    async def closed(self):
        self.context.append("closed")
        self.send("nobody hears this")
        self.close()


class Streamed:
    """An answer that is read chunk by chunk over a new connection."""

    def __init__(self, stream):
        self.stream = stream

    @classmethod
    async def request(cls, port, method, path, headers=None, body="", version="1.1"):
        stream = await TCPClient().connect("127.0.0.1", port)
        lines = [f"{method} {path} HTTP/{version}", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await stream.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return await cls(stream).begin()

    async def begin(self):
        head = (await self.stream.read_until(b"\r\n\r\n")).decode("latin1")
        first, _, rest = head.partition("\r\n")
        self.code = parse_response_start_line(first).code
        self.headers = HTTPHeaders.parse(rest)
        return self

    async def read(self):
        """The next chunk; empty at the end."""
        size = int(await self.stream.read_until(b"\r\n"), 16)
        return (await self.stream.read_bytes(size + 2))[:-2].decode()

    def close(self):
        self.stream.close()


class SockJSTestCase(AsyncHTTPTestCase):
    """Endpoints /echo, /close and /record (whose connections write to `self.record`); the site is https://own.example."""

    OWN = "https://own.example"
    CHOSEN = {}

    def get_app(self):
        self.record = []
        self.opened_here = []
        chosen = {"is_allowed": self.is_allowed, "response_limit": 4096} | self.CHOSEN
        self.echo = Endpoint("/echo", Echo, **chosen)
        self.closing = Endpoint("/close", Closing, **chosen)
        self.recording = Endpoint("/record", Recording, self.record, **chosen)
        self.endpoints = [self.echo, self.closing, self.recording]
        return Application([route for endpoint in self.endpoints for route in endpoint.routes], log_function=_no_log)

    def tearDown(self):
        for each in self.opened_here:
            each.close()
        for endpoint in self.endpoints:
            self.io_loop.run_sync(endpoint.close)
        super().tearDown()

    def is_allowed(self, request):
        return is_own(request.headers, self.OWN, request.host)

    def session(self, prefix="/echo"):
        return f"{prefix}/000/{uuid.uuid4()}"

    async def ask(self, method, path, body=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.get_url(path)
        return await self.http_client.fetch(
            url, method=method, body=body, headers=headers, raise_error=False, allow_nonstandard_methods=True
        )

    async def get(self, path, **headers):
        return await self.ask("GET", path, **headers)

    async def post(self, path, body="", **headers):
        return await self.ask("POST", path, body, **headers)

    async def stream(self, method, path, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.opened_here.append(await Streamed.request(self.get_http_port(), method, path, headers))
        return self.opened_here[-1]

    async def websocket(self, path, **options):
        self.opened_here.append(await websocket_connect(self.get_url(path).replace("http", "ws"), **options))
        return self.opened_here[-1]


def _no_log(_handler):
    pass
