"""A cached page through nginx, compressed as browsers get it ÷ a file of the same bytes, and ÷ bare Tornado.

The file is compressed beforehand too. The same nginx serves it as a bundle, with the same security headers, so the
difference is the cost of finding the page by its address and counting it. The third side is one bare Tornado process
that returns the same bytes, without nginx. Then the same again for clients that accept no compression. The client is
wrk (a package of Debian): nothing in Python is fast enough.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import _turns
from bench._client import Asked, find_wrk, run_wrk
from bench._commands import Task, Tasks
from bench._crowd import newest_post
from bench._figure import Figure
from bench._reference import bare
from bench._stack import stack
from tests.running import Running

CONNECTIONS = 64
MANY_TURNS = 11  # the sides differ little, and nginx distributes connections differently each time
GZIP = "Accept-Encoding: gzip, deflate, br, zstd"
IDENTITY = "Accept-Encoding: identity"
REST = 1.0  # seconds after each run, in which the worker counts its hits


def figures() -> Iterator[Figure]:
    if not find_wrk():
        raise FileNotFoundError("wrk is not installed, and nothing in Python is fast enough: apt install wrk")
    with ExitStack() as until_end:
        running = until_end.enter_context(stack())
        path, page = cached_page(running)
        compressed = file_of(running, path, "gz").read_bytes()
        reference = until_end.enter_context(bare(Tasks({"/page": Task(compressed)})))
        yield Figure("the page, compressed", len(compressed) / 1024, "KB")
        yield Figure("the page", len(page) / 1024, "KB")
        file_url = f"{running.url}{add_file(running, 'bench.woff2', compressed)}"
        cached, file, tornado = in_turn(f"{running.url}{path}", file_url, f"{reference.url}/page", header=GZIP)
        for who, runs in (("cached page", cached), ("compressed file", file), ("bare Tornado", tornado)):
            yield from speed_of(who, runs)
        yield Figure("cached page ÷ compressed file", rate(cached) / rate(file), at_least=0.9)
        yield Figure("cached page ÷ bare Tornado", rate(cached) / rate(tornado), at_least=10)
        file_url = f"{running.url}{add_file(running, 'bench.html', page)}"
        cached, file = in_turn(f"{running.url}{path}", file_url, header=IDENTITY)
        yield from speed_of("cached page, not compressed", cached)
        yield Figure("cached page ÷ plain file, not compressed", rate(cached) / rate(file), at_least=0.9)
        assert file_of(running, path, "gz").read_bytes() == compressed, f"{path} was not in the cache all the time"


def cached_page(running: Running) -> tuple[str, bytes]:
    """Returns the path and the bytes of a page that nginx serves from disk."""
    path, _ = newest_post(running)  # requests the page, so that it is cached
    page = running.get(path).body.encode()
    assert file_of(running, path, "pages").read_bytes() == page, f"{path} is not in the cache"
    return path, page


def file_of(running: Running, path: str, folder: str) -> Path:
    return running.data / "kept" / "now" / folder / path[1:] / "page.html"


def add_file(running: Running, name: str, content: bytes) -> str:
    """Writes a file with these bytes, and returns its path. nginx compresses files by suffix: html, but not woff2."""
    folder = running.data / "bundles" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    answer = running.ask("HEAD", f"/static/bundles/{name}")
    assert answer.headers["Content-Length"] == str(len(content)), f"the file is answered with {answer.code}"
    return f"/static/bundles/{name}"


def in_turn(*urls: str, header: str) -> list[list[Asked]]:
    """Returns wrk's results for each address, without the warm-up."""
    seconds = max(1, round(_turns.SECONDS))
    runs: list[list[Asked]] = [[] for _ in urls]
    for turn, place in _turns.places(len(urls), MANY_TURNS):
        asked = run_wrk(urls[place], CONNECTIONS, seconds, header)
        runs[place] += [asked] if turn else []
        time.sleep(REST)
    return runs


def speed_of(who: str, runs: list[Asked]) -> Iterator[Figure]:
    """Yields answers a second and latencies."""
    yield Figure(who, rate(runs), "/s")
    yield Figure(f"{who}, p50", statistics.median(run.p50 for run in runs), "ms")
    yield Figure(f"{who}, p99", statistics.median(run.p99 for run in runs), "ms")


def rate(runs: list[Asked]) -> float:
    return statistics.median(run.per_second for run in runs)
