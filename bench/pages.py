"""A kept page as visitors get it, through nginx: against a plain file of the same bytes, and against bare Tornado.

The file lies where the same nginx serves bundles from, with the same security headers; so what the page has less is what
it costs to find it by its address, and to count it. The third side is one bare Tornado process that returns the same
bytes, without nginx. Asked by wrk (Debian has it), since nothing in Python asks fast enough; without it this is left out.
"""

import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from bench import _turns
from bench._client import find_wrk, run_wrk
from bench._commands import Task, Tasks
from bench._crowd import newest_post
from bench._figure import Figure
from bench._reference import bare
from bench._stack import stack
from tests.running import Running

CONNECTIONS = 64
GZIP = "Accept-Encoding: gzip"


def figures() -> Iterator[Figure]:
    if not find_wrk():
        print("pages is left out: it asks with wrk, which is not here (apt install wrk).", file=sys.stderr)
        return
    with ExitStack() as until_end:
        running = until_end.enter_context(stack())
        path, page = kept_page(running)
        reference = until_end.enter_context(bare(Tasks({"/page": Task(page)})))
        urls = (f"{running.url}{path}", f"{running.url}{add_file(running, page)}", f"{reference.url}/page")
        yield Figure("the page", len(page) / 1024, "KB")
        yield from compared(*(statistics.median(rates) for rates in in_turn(*urls)))
        yield from gzipped(*(statistics.median(rates) for rates in in_turn(*urls[:2], header=GZIP)))


def kept_page(running: Running) -> tuple[str, bytes]:
    """The path and the bytes of a page that nginx answers from disk."""
    path, _ = newest_post(running)  # which has asked for it
    page = running.get(path).body.encode()
    assert (running.data / "kept" / "now" / "pages" / path[1:] / "page.html").read_bytes() == page, (
        f"{path} is not kept"
    )
    return path, page


def add_file(running: Running, content: bytes) -> str:
    """The path of a plain file with these bytes."""
    folder = running.data / "bundles" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.html").write_bytes(content)
    answer = running.get("/static/bundles/bench.html")
    assert answer.body.encode() == content, f"the plain file is answered with {answer.code}"
    return "/static/bundles/bench.html"


def in_turn(*urls: str, header: str = "Accept: text/html") -> list[tuple[float, ...]]:
    """Requests a second at each address, in all turns but the first."""
    seconds = max(1, round(_turns.SECONDS))
    turns = [[run_wrk(url, CONNECTIONS, seconds, header) for url in urls] for _ in range(1 + _turns.TURNS)]
    return list(zip(*turns[1:], strict=True))


def compared(page: float, file: float, tornado: float) -> Iterator[Figure]:
    yield Figure("kept page", page, "/s")
    yield Figure("plain file", file, "/s")
    yield Figure("bare Tornado", tornado, "/s")
    yield Figure("kept page ÷ plain file", page / file, at_least=0.9)
    yield Figure("kept page ÷ bare Tornado", page / tornado, at_least=10)


def gzipped(page: float, file: float) -> Iterator[Figure]:
    yield Figure("kept page, gzipped", page, "/s")
    yield Figure("plain file, gzipped", file, "/s")
    yield Figure("kept page ÷ plain file, gzipped", page / file)
