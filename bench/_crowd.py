"""Followers for benchmarks: WebSocket clients that cost next to nothing, so that the server is what is measured.

They parse no frames: they only look for the mark that each measured event carries. Not for tests of correctness, which
use tests/follower.py.
"""

import asyncio
import json
import math
import re
from collections.abc import Collection, Iterable

from tests.running import Running

AT_ONCE = 64
FROM_ONE_ADDRESS = 80  # below nginx's limit, even on a machine with a low limit of open files
PATIENCE = 30.0  # seconds
MARK = re.compile(rb"mark-(\d{6})!")
LONGEST_MARK = 12
PING = b"\x89\x00"  # an empty ping, as Plog and the reference send it; these bytes occur nowhere else
PONG = b"\x8a\x80\x00\x00\x00\x00"


class Follower(asyncio.Protocol):
    """One client: the time when it received each mark, by the event loop's clock."""

    def __init__(self, channel: str) -> None:
        self.received: dict[int, float] = {}
        self.followed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._follow = frame(json.dumps({"type": "follow", "channel": channel}).encode())
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        address, port = transport.get_extra_info("peername")
        head = ["GET /live/websocket HTTP/1.1", f"Host: {address}:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        head += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        transport.write("\r\n".join(head).encode())

    def data_received(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        data = self._rest + data
        if PING in data:  # unanswered, the server closes the connection after 25 s
            self.transport.write(PONG)
            data = data.replace(PING, b"")
        if not self.followed.done():
            return self._greet(data)
        for found in MARK.finditer(data):
            self.received.setdefault(int(found[1]), now)
        self._rest = data[-LONGEST_MARK:]

    def _greet(self, data: bytes) -> None:
        """Sends `follow` after the handshake, and waits for the answer."""
        if b'"followed"' in data:
            self.followed.set_result(None)
            data = b""
        elif b"\r\n\r\n" in data and self._follow:
            self.transport.write(self._follow)
            self._follow = b""
        self._rest = data

    def connection_lost(self, error: Exception | None) -> None:
        if not self.followed.done():
            self.followed.set_exception(ConnectionError("refused"))


async def gathered(number: int, port: int, channel: str) -> list[Follower]:
    """Connects so many followers of a channel, from enough addresses for nginx's limit of one address."""
    at_once, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

    async def follow(place: int) -> Follower:
        own = (f"127.1.{place // FROM_ONE_ADDRESS}.1", 0)
        async with at_once:
            _, follower = await loop.create_connection(lambda: Follower(channel), "127.0.0.1", port, local_addr=own)
            await asyncio.wait_for(follower.followed, PATIENCE)
            return follower

    return await asyncio.gather(*(follow(place) for place in range(number)))


async def all_have(followers: Collection[Follower], mark: int) -> bool:
    """Whether all followers receive a mark within PATIENCE. Does not wait for closed connections."""
    waiting = list(followers)
    end = asyncio.get_running_loop().time() + PATIENCE
    while waiting and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.005)
        waiting = [each for each in waiting if mark not in each.received and not each.transport.is_closing()]
    return all(mark in follower.received for follower in followers)


def frame(payload: bytes) -> bytes:
    """Returns a short WebSocket frame of a client, masked with zeros."""
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


def percentile(values: Iterable[float], percent: float) -> float:
    """Returns the value that so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def newest_post(running: Running) -> tuple[str, str]:
    """Returns the path and the channel of the newest post of the demo site."""
    found = re.search(r'href="(/plog/[^"/#]+)"', running.get("/").body)
    assert found
    channel = re.search(r'data-channel="([^"]+)"', running.get(found[1]).body)
    assert channel
    return found[1], channel[1]
