"""The cost of rendering a post with its thread, when the page is not cached.

The reference, in the same run: a bare Tornado handler that sends the same queries to MongoDB (recorded from the site,
in the same order and as many at once) and returns the same bytes. Requests go to one process each, without nginx. With
a query (`?x`) each request renders the page, and it is not cached. Without one it is cached too; requests during a
render would share it, so this is measured over one connection.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import repeat

from bench._client import Run, fetched, request, run
from bench._commands import Task, Tasks, rounds
from bench._figure import Figure
from bench._recorded import listened_to
from bench._reference import bare
from bench._seeded import add_comments, add_post
from bench._stack import process_url, settings_of, stack
from bench._turns import Side, in_turn, latency, rate
from tests.running import Running

COMMENTS = (0, 50, 500, 2749)
PROMISED = 50  # comments
CONNECTIONS = 4


def figures() -> Iterator[Figure]:
    with ExitStack() as until_end:
        running = until_end.enter_context(stack())
        tasks = asyncio.run(recorded(running))
        settings = settings_of(running)
        reference = until_end.enter_context(bare(Tasks(tasks, settings.mongo_url, settings.mongo_driver)))
        for number in COMMENTS:
            path = f"/plog/render-{number}"
            sides = [asked(f"{url}{path}?x", CONNECTIONS) for url in (process_url(running), reference.url)]
            sides += [asked(f"{url}{path}", 1) for url in (process_url(running), reference.url)]
            yield from compared(number, tasks[path], asyncio.run(in_turn(*sides)))


async def recorded(running: Running) -> dict[str, Task]:
    """Adds a post for each number of comments, and returns the task of a bare handler for each."""
    tasks = {}
    async with listened_to(running) as recorder:
        for number in COMMENTS:
            post = await add_post(recorder.site, f"render-{number}")
            await add_comments(recorder.site, post, number)
        for number in COMMENTS:
            path = f"/plog/render-{number}"
            heard = await recorder.commands(partial(get, f"{path}?x"))
            tasks[path] = Task(await fetched(f"{process_url(running)}{path}?x"), rounds(heard))
    return tasks


def get(path: str, url: str) -> bytes:
    return request("GET", url + path)


def asked(url: str, connections: int) -> Side:
    async def side(seconds: float) -> Run:
        return await run(url, repeat(request("GET", url)), connections, seconds)

    return side


def compared(number: int, task: Task, sides: list[list[Run]]) -> Iterator[Figure]:
    ours, theirs, ours_alone, theirs_alone = sides
    least = 0.5 if number == PROMISED else None
    name = f"{number:,} comments"
    yield Figure(f"{name}: the page", len(task.body) / 1024, "KB")
    yield Figure(f"{name}: of them on the page", task.body.count(b'<article class="comment'))
    yield Figure(f"{name}: round trips", sum(map(len, task.rounds)))
    yield Figure(f"{name}: one after another", len(task.rounds), "", 3 if number == PROMISED else None)
    yield Figure(f"{name}: rendered", rate(ours), "/s")
    yield Figure(f"{name}: bare Tornado", rate(theirs), "/s")
    yield Figure(f"{name}: ratio", rate(ours) / rate(theirs), "", at_least=least)
    yield Figure(f"{name}: rendered and cached, alone, p50", latency(ours_alone, 50), "ms")
    yield Figure(f"{name}: rendered and cached, alone, p99", latency(ours_alone, 99), "ms")
    yield Figure(f"{name}: bare Tornado, alone, p50", latency(theirs_alone, 50), "ms")
    yield Figure(f"{name}: ratio of rates, alone", rate(ours_alone) / rate(theirs_alone))
