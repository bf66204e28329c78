"""A cheap HTTP client, so that the server is what is measured: keep-alive connections, one request at a time on each.

It connects only to 127.0.0.1 and raises Elsewhere for any other address, so that no other site comes under load by
mistake. It also runs `wrk`, if installed, for what Python cannot saturate.
"""

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

HERE = "127.0.0.1"
PATIENCE = 60.0  # seconds for one answer
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LATENCY = re.compile(r"^ +(50|99)% +(\S+)$", re.MULTILINE)
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
FAILED = re.compile(r"Socket errors:.*|Non-2xx.*")


class Elsewhere(ValueError):
    """An address that is not on this machine."""


@dataclass(frozen=True)
class Run:
    """The result of some seconds of requests: the latency of each answer (ms), and the client's own share of a core."""

    times: tuple[float, ...]
    seconds: float
    own_share: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds


class Connection(asyncio.Protocol):
    """One keep-alive connection. `ask` sends a request and returns status and body."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._whole = 0  # bytes of the whole answer; 0 until its head has arrived

    @classmethod
    async def to(cls, url: str) -> "Connection":
        loop, port = asyncio.get_running_loop(), here(url).port or 80
        return (await loop.create_connection(cls, HERE, port))[1]

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self._answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._answer, PATIENCE)

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n") if not self._whole else 0
        if head > 0:
            length = LENGTH.search(self._received, 0, head)
            assert length, f"an answer of unknown length: {bytes(self._received[:head])!r}"
            self._whole = head + 4 + int(length[1])
            self._start = head + 4
        if self._whole and len(self._received) >= self._whole:
            answer = bytes(self._received)
            self._received.clear()
            self._whole = 0
            self._answer.set_result((int(answer[9:12]), answer[self._start :]))

    def connection_lost(self, error: Exception | None) -> None:
        answer = getattr(self, "_answer", None)
        if answer is not None and not answer.done():
            answer.set_exception(ConnectionError("the server hung up"))


def here(url: str) -> SplitResult:
    """Splits an address. Raises Elsewhere if it is not at 127.0.0.1."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname != HERE:
        raise Elsewhere(f"bin/bench asks http://{HERE} alone, and not {url}.")
    return parts


def request(method: str, url: str, sent: Any = None, **headers: str) -> bytes:
    """Returns the bytes of a request. `sent` is sent as JSON; header names have _ for -."""
    parts = here(url)
    body = b"" if sent is None else json.dumps(sent).encode()
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if sent is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def fetched(url: str) -> bytes:
    """Returns the body of a GET."""
    connection = await Connection.to(url)
    try:
        status, body = await connection.ask(request("GET", url))
        assert status == 200, f"{status} from {url}"
        return body
    finally:
        connection.close()


async def run(url: str, requests: Iterator[bytes], connections: int, seconds: float, status: int = 200) -> Run:
    """Sends requests for some seconds, one at a time on each connection. Every answer must have this status."""
    opened = [await Connection.to(url) for _ in range(connections)]
    times: list[float] = []
    began, own = time.perf_counter(), time.process_time()

    async def ask_on(connection: Connection) -> None:
        while (asked := time.perf_counter()) < began + seconds:
            got, body = await connection.ask(next(requests))
            assert got == status, f"{got} from {url}: {body[:200]!r}"
            times.append((time.perf_counter() - asked) * 1000)

    try:
        await asyncio.gather(*map(ask_on, opened))
        took = time.perf_counter() - began
        return Run(tuple(times), took, (time.process_time() - own) / took)
    finally:
        for connection in opened:
            connection.close()


def find_wrk() -> str | None:
    return shutil.which("wrk")


class Asked(NamedTuple):
    """The result of wrk: answers a second, and the median and 99th percentile of the latency (ms)."""

    per_second: float
    p50: float
    p99: float


def run_wrk(url: str, connections: int, seconds: int, *headers: str) -> Asked:
    """Runs wrk with two threads. Every answer must be a 2xx or 3xx.

    wrk runs with batch priority if `chrt` is there. On the same cores it would preempt the server at every answer, and
    the side that lets wrk wait more often would lose most (a cached page: 93,000/s instead of 111,000/s).
    """
    here(url)
    options = ["-t2", f"-c{connections}", f"-d{seconds}s", "--latency", *(f"-H{header}" for header in headers)]
    command = [*(["chrt", "--batch", "0"] if shutil.which("chrt") else []), "wrk", *options, url]
    output = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    assert not FAILED.search(output), output
    rate, latencies = RATE.search(output), dict(LATENCY.findall(output))
    assert rate and {"50", "99"} <= latencies.keys(), output
    return Asked(float(rate[1]), in_ms(latencies["50"]), in_ms(latencies["99"]))


def in_ms(time: str) -> float:
    """Converts a time of wrk: 1.25ms, 980.00us, 1.02s."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", time).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
