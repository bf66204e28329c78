"""How the time of a page grows with the site: from 100 posts to 100,000, and from 100 comments of a post to 100,000.

Two stacks take turns for each page. Pages are requested from a process directly, one after another: each request
renders and caches the page, like the first one after a change. Comments are written in the same way.
"""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from itertools import islice, repeat
from time import perf_counter

from bench._client import Connection, request
from bench._figure import Figure
from bench._seeded import add_comments, add_post, add_posts
from bench._stack import process_url, site_of, stack
from bench.comments import SETTINGS, comments
from tests.running import Running

FEW, MANY = 100, 100_000
REQUESTS = 12  # of each side in each turn
WARM_UP = 2
TURNS = 3
PROMISED = 1.5
OF_POSTS = {
    "home": "/",
    "home, last page": "/p{pages}",
    "post": "/plog/post-50",
    "archive": "/plog/",
    "category": "/oc-Category+1",
    "feed": "/atom.xml",
}
IS_PROMISED = ("home", "home, last page", "post", "category")
OF_COMMENTS = {
    "post": "/plog/talked-about",
    "first changes as JSON": "/plog/talked-about/comments?after=0",
    "last change as JSON": "/plog/talked-about/comments?after={last_but_one}",
    "comments feed": "/plog/talked-about/comments.atom",
}
WRITTEN = "/plog/talked-about/comments"
Ask = Callable[[str], Iterator[bytes]]


def figures() -> Iterator[Figure]:
    with stack(**SETTINGS) as small, stack(**SETTINGS) as large:
        for running, number in ((small, FEW), (large, MANY)):
            asyncio.run(fill(running, number))
        for page, path in OF_POSTS.items():
            bound = PROMISED if page in IS_PROMISED else None
            yield from grown("posts", page, asyncio.run(in_turn(got, path, small, large)), bound)
        for page, path in OF_COMMENTS.items():
            yield from grown("comments", page, asyncio.run(in_turn(got, path, small, large)))
        yield from grown("comments", "writing one", asyncio.run(in_turn(comments, WRITTEN, small, large)))


async def fill(running: Running, number: int) -> None:
    """Adds this many posts, and as many comments under one of them."""
    async with site_of(running) as site:
        await add_posts(site, number)
        await add_comments(site, await add_post(site, "talked-about"), number)


async def in_turn(ask: Ask, path: str, small: Running, large: Running) -> tuple[float, float]:
    """Returns the median latency (ms) of each side."""
    sides = [
        process_url(running) + path.format(pages=number // 10, last_but_one=number - 1)
        for running, number in ((small, FEW), (large, MANY))
    ]
    turns = [[await times(url, ask(url)) for url in sides] for _ in range(TURNS)]
    few, many = ([time for turn in turns for time in turn[side]] for side in (0, 1))
    return statistics.median(few), statistics.median(many)


def got(url: str) -> Iterator[bytes]:
    return repeat(request("GET", url))


async def times(url: str, requests: Iterator[bytes]) -> list[float]:
    connection, found = await Connection.to(url), []
    try:
        for asked in islice(requests, WARM_UP + REQUESTS):
            began = perf_counter()
            status, _ = await connection.ask(asked)
            assert status in (200, 201), f"{status} from {url}"
            found.append((perf_counter() - began) * 1000)
        return found[WARM_UP:]
    finally:
        connection.close()


def grown(of: str, page: str, medians: tuple[float, float], bound: float | None = None) -> Iterator[Figure]:
    for number, median in zip((FEW, MANY), medians, strict=True):
        yield Figure(f"{page}: {number:,} {of}", median, "ms")
    yield Figure(f"{page}: ratio of {of}", medians[1] / medians[0], at_most=bound)
