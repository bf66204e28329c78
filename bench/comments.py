"""Comments: how many a second, and how long each takes until its writer is answered; and a thread of 50 as JSON.

Every comment is a new visitor's (no cookie, so their account is made too) from a network of their own, so that no limit
refuses it: its address is in X-Forwarded-For, which SITE_PROXIES lets nginx believe of this machine. Connections stay.
Nothing is moderated, so that each comment goes the whole way: stored with its number, counted, pages forgotten, published,
told. Each turn of each side has a new thread, whose writers nginx sends to one process. The reference, in the same run: a
bare Tornado handler that sends the same writes, heard from the site for one comment alone, one process against one process.
It makes each of them by itself, before or after its answer as the site does, which makes those after it for all comments
of a moment at once.
"""

import asyncio
import json
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import repeat
from random import randrange

from bench._client import Run, fetched, request, run
from bench._commands import MARK, Task, Tasks, rounds
from bench._figure import Figure
from bench._recorded import listened_to
from bench._reference import bare
from bench._seeded import add_comments, add_post
from bench._stack import process_url, settings_of, site_of, stack
from bench._turns import Side, in_turn, latency, rate
from lib.ids import new_id
from tests.running import Running

SETTINGS = {"SITE_DEMO": "0", "SITE_MODERATION": "none", "SITE_PROXIES": "127.0.0.1"}
AT_ONCE = (4, 64)  # connections
PROMISED = 4
READ = 50  # comments in the thread that is read
CREATED = 201
WORDS = "What a reader says who has read to the end, and asks whether it would not do with one number less."


def figures() -> Iterator[Figure]:
    with ExitStack() as until_end:
        running = until_end.enter_context(stack(**SETTINGS))
        task, settings = asyncio.run(recorded(running)), settings_of(running)
        tasks = Tasks({"/comments": task}, settings.mongo_url, settings.mongo_driver)
        reference = until_end.enter_context(bare(tasks))
        yield Figure("writes of a comment", sum(map(len, task.rounds + task.afterwards)))
        for connections in AT_ONCE:
            sides = asyncio.run(written(running, f"{reference.url}/comments", connections))
            yield from compared(connections, *sides)
        yield from read(asyncio.run(read_in_turn(running)))


async def recorded(running: Running) -> Task:
    """The writes of one comment, after which its thread's newest number is MARK, wherever that is written."""
    async with listened_to(running) as recorder:
        post = await add_post(recorder.site, "recorded")
        await add_comments(recorder.site, post, 2)
        newest = {"n": MARK - 2, "numbers": [MARK - 2]}
        await recorder.site.tools.mongo["comments"].update_one({"post": post.id, "n": 2}, {"$set": newest})
        await recorder.site.tools.mongo["posts"].update_one({"_id": post.id}, {"$set": {"n": MARK - 2}})
        heard = await recorder.commands(lambda url: next(comments(f"{url}{post.path}/comments")), CREATED)
        writes, later = (
            rounds(command for command in some if not command.is_read)
            for some in (heard, await recorder.commands_afterwards())
        )
        return Task(b'{"status": "published"}', writes, CREATED, "application/json", later)


async def written(running: Running, bare_url: str, connections: int) -> list[list[Run]]:
    """Runs through nginx, straight to one process, and to the bare handler."""
    async with site_of(running) as site:

        def thread_at(url: str) -> Side:
            async def side(seconds: float) -> Run:
                post = await add_post(site, f"thread-{new_id()}")
                return await write(f"{url}{post.path}/comments", connections, seconds)

            return side

        async def bare_side(seconds: float) -> Run:
            return await write(bare_url, connections, seconds)

        return await in_turn(thread_at(running.url), thread_at(process_url(running)), bare_side)


async def write(url: str, connections: int, seconds: float) -> Run:
    return await run(url, comments(url), connections, seconds, CREATED)


def comments(url: str) -> Iterator[bytes]:
    """Requests that each write another comment, of somebody else from elsewhere."""
    while True:
        network = ".".join(str(randrange(1, 224)) for _ in range(3))
        yield request("POST", url, {"text": f"{WORDS} {new_id()}", "name": "Cy"}, X_Forwarded_For=f"{network}.1")


def compared(connections: int, ours: list[Run], one: list[Run], theirs: list[Run]) -> Iterator[Figure]:
    is_promised = connections == PROMISED
    at = f"POST at {connections}"
    yield Figure(f"{at}: comments", rate(ours), "/s", at_least=330 if is_promised else None)
    yield Figure(f"{at}: p50", latency(ours, 50), "ms")
    yield Figure(f"{at}: p99", latency(ours, 99), "ms", at_most=26 if is_promised else None)
    yield Figure(f"{at}: the client's own share of a core", statistics.median(run.own_share for run in ours))
    yield Figure(f"{at}: one process", rate(one), "/s")
    yield Figure(f"{at}: one process, p99", latency(one, 99), "ms")
    yield Figure(f"{at}: bare Tornado", rate(theirs), "/s")
    yield Figure(f"{at}: bare Tornado, p99", latency(theirs, 99), "ms")
    yield Figure(f"{at}: ratio, one process", rate(one) / rate(theirs), at_least=0.5 if is_promised else None)


async def read_in_turn(running: Running) -> list[list[Run]]:
    """A thread of 50 as JSON: through nginx at each number of connections."""
    async with site_of(running) as site:
        post = await add_post(site, "read")
        await add_comments(site, post, READ)
    url = f"{running.url}{post.path}/comments?after=0"
    assert len(json.loads(await fetched(url))["comments"]) == READ

    def at(connections: int) -> Side:
        async def side(seconds: float) -> Run:
            return await run(url, repeat(request("GET", url)), connections, seconds)

        return side

    return await in_turn(*map(at, AT_ONCE))


def read(sides: list[list[Run]]) -> Iterator[Figure]:
    for connections, runs in zip(AT_ONCE, sides, strict=True):
        yield Figure(f"GET of {READ} as JSON at {connections}", rate(runs), "/s")
        yield Figure(f"GET of {READ} as JSON at {connections}, p99", latency(runs, 99), "ms")
