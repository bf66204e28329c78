"""A kept page as visitors get it, through nginx: against a plain file of the same bytes, and against bare Tornado.

The file lies where the same nginx serves bundles from, with the same security headers; so what the page has less is what
it costs to find it by its address, and to count it. The third side is one bare Tornado process that returns the same
bytes, without nginx. Both are asked for gzipped too, as browsers do: the page lies there compressed, the file is compressed
each time. Asked by wrk (Debian has it), since nothing in Python asks fast enough.
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
GZIP = "Accept-Encoding: gzip"
REST = 1.0  # seconds after each: the worker counts what was asked


def figures() -> Iterator[Figure]:
    if not find_wrk():
        raise FileNotFoundError("wrk is not here, and nothing in Python asks fast enough: apt install wrk")
    with ExitStack() as until_end:
        running = until_end.enter_context(stack())
        path, page = kept_page(running)
        reference = until_end.enter_context(bare(Tasks({"/page": Task(page)})))
        urls = (f"{running.url}{path}", f"{running.url}{add_file(running, page)}", f"{reference.url}/page")
        yield Figure("the page", len(page) / 1024, "KB")
        kept, file, tornado = in_turn(*urls)
        for who, runs in (("kept page", kept), ("plain file", file), ("bare Tornado", tornado)):
            yield from told(who, runs)
        yield Figure("kept page ÷ plain file", rate(kept) / rate(file), at_least=0.9)
        yield Figure("kept page ÷ bare Tornado", rate(kept) / rate(tornado), at_least=10)
        kept, file = in_turn(*urls[:2], header=GZIP)
        yield from told("kept page, gzipped", kept)
        yield Figure("kept page ÷ plain file, gzipped", rate(kept) / rate(file))
        assert kept_file(running, path).read_bytes() == page, f"{path} was not kept all the time"


def kept_page(running: Running) -> tuple[str, bytes]:
    """The path and the bytes of a page that nginx answers from disk."""
    path, _ = newest_post(running)  # which has asked for it
    page = running.get(path).body.encode()
    assert kept_file(running, path).read_bytes() == page, f"{path} is not kept"
    return path, page


def kept_file(running: Running, path: str) -> Path:
    return running.data / "kept" / "now" / "pages" / path[1:] / "page.html"


def add_file(running: Running, content: bytes) -> str:
    """The path of a plain file with these bytes."""
    folder = running.data / "bundles" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.html").write_bytes(content)
    answer = running.get("/static/bundles/bench.html")
    assert answer.body.encode() == content, f"the plain file is answered with {answer.code}"
    return "/static/bundles/bench.html"


def in_turn(*urls: str, header: str = "Accept: text/html") -> list[list[Asked]]:
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
