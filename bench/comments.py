"""Comments: how many a second, and how long until each commenter is answered; and a thread of 50 as JSON.

Every comment is from a new visitor (without cookie, so an account is created too) and from another network, so that no
rate limit refuses it. Its address is in X-Forwarded-For, which nginx trusts because of SITE_PROXIES. Connections are
keep-alive. Nothing is moderated, so each comment has all its consequences: stored with its number, counted, pages
invalidated, event published. Each turn of each side has a new thread, all of whose comments nginx sends to one process.

The reference, in the same run, is a bare Tornado handler that sends the same writes, recorded from the site for one
comment; one process is compared with one process. It sends them for each comment by itself, before or after its answer
as the site does; the site sends those after the answer in batches.
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
READ = 50  # comments of the thread that is read as JSON
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
    """Records the writes of one comment, whose n is MARK wherever it is written."""
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
    """Returns the runs through nginx, directly to one process, and to the bare handler."""
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
    """Yields requests that each write a new comment, from a new visitor and network."""
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
    """Returns the runs of reading a thread of 50 as JSON through nginx, for each number of connections."""
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
