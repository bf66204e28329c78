"""A cached page through nginx, as browsers get it: compressed. Against a file of the same bytes, and against bare Tornado.

The file is compressed beforehand too, and is where the same nginx serves bundles from, with the same security headers: the
difference is what it costs to find the page by its address and to count it. The third side is one bare Tornado process
that returns the same bytes, without nginx. Then the page and a file once more, for visitors who take nothing compressed.
Asked by wrk (Debian has it), since nothing in Python asks fast enough.
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
MANY_TURNS = 11  # since these sides differ by so little, and nginx shares its connections out differently each time
GZIP = "Accept-Encoding: gzip, deflate, br, zstd"
IDENTITY = "Accept-Encoding: identity"
REST = 1.0  # seconds after each: the worker counts what was asked


def figures() -> Iterator[Figure]:
    if not find_wrk():
        raise FileNotFoundError("wrk is not here, and nothing in Python asks fast enough: apt install wrk")
    with ExitStack() as until_end:
        running = until_end.enter_context(stack())
        path, page = kept_page(running)
        compressed = file_of(running, path, "gz").read_bytes()
        reference = until_end.enter_context(bare(Tasks({"/page": Task(compressed)})))
        yield Figure("the page, compressed", len(compressed) / 1024, "KB")
        yield Figure("the page", len(page) / 1024, "KB")
        file_url = f"{running.url}{add_file(running, 'bench.woff2', compressed)}"
        kept, file, tornado = in_turn(f"{running.url}{path}", file_url, f"{reference.url}/page", header=GZIP)
        for who, runs in (("cached page", kept), ("compressed file", file), ("bare Tornado", tornado)):
            yield from told(who, runs)
        yield Figure("cached page ÷ compressed file", rate(kept) / rate(file), at_least=0.9)
        yield Figure("cached page ÷ bare Tornado", rate(kept) / rate(tornado), at_least=10)
        file_url = f"{running.url}{add_file(running, 'bench.html', page)}"
        kept, file = in_turn(f"{running.url}{path}", file_url, header=IDENTITY)
        yield from told("cached page, not compressed", kept)
        yield Figure("cached page ÷ plain file, not compressed", rate(kept) / rate(file), at_least=0.9)
        assert file_of(running, path, "gz").read_bytes() == compressed, f"{path} was not in the cache all the time"


def kept_page(running: Running) -> tuple[str, bytes]:
    """The path and the bytes of a page that nginx answers from disk."""
    path, _ = newest_post(running)  # which has asked for it
    page = running.get(path).body.encode()
    assert file_of(running, path, "pages").read_bytes() == page, f"{path} is not in the cache"
    return path, page


def file_of(running: Running, path: str, folder: str) -> Path:
    return running.data / "kept" / "now" / folder / path[1:] / "page.html"


def add_file(running: Running, name: str, content: bytes) -> str:
    """The path of a file with these bytes. nginx compresses one by its suffix: html, but not woff2."""
    folder = running.data / "bundles" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    answer = running.ask("HEAD", f"/static/bundles/{name}")
    assert answer.headers["Content-Length"] == str(len(content)), f"the file is answered with {answer.code}"
    return f"/static/bundles/{name}"


def in_turn(*urls: str, header: str) -> list[list[Asked]]:
    """What wrk says of each address, in all turns but the first."""
    seconds = max(1, round(_turns.SECONDS))
    runs: list[list[Asked]] = [[] for _ in urls]
    for turn, place in _turns.places(len(urls), MANY_TURNS):
        asked = run_wrk(urls[place], CONNECTIONS, seconds, header)
        runs[place] += [asked] if turn else []
        time.sleep(REST)
    return runs


def told(who: str, runs: list[Asked]) -> Iterator[Figure]:
    yield Figure(who, rate(runs), "/s")
    yield Figure(f"{who}, p50", statistics.median(run.p50 for run in runs), "ms")
    yield Figure(f"{who}, p99", statistics.median(run.p99 for run in runs), "ms")


def rate(runs: list[Asked]) -> float:
    return statistics.median(run.per_second for run in runs)
