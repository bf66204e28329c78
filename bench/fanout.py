"""How long an event takes from being published until the last of a thousand followers over three processes has it.

The reference, in the same run: one bare Tornado process that broadcasts in memory, with nginx and Redis left out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from tornado.httpclient import AsyncHTTPClient

from bench._crowd import Follower, all_have, gathered, newest_post, percentile
from bench._reference import bare
from bench.start import Figure
from lib import servers
from lib.channels import Channels, Event
from tests.running import Running

FOLLOWERS = 1000
EVENTS = 60
WARM_UP = 10
WORDS = "A comment of an ordinary length, as it stands on the page with all that is around it. " * 6
PROMISED = 100.0  # ms: "within a tenth of a second"
Publish = Callable[[str], Awaitable[object]]


def figures() -> Iterator[Figure]:
    running = Running()
    try:
        running.start()
        ours, lost = asyncio.run(through_plog(running))
    finally:
        running.remove()
    with bare() as reference:
        theirs, lost_there = asyncio.run(through_bare_tornado(reference.port))
    yield from named("Plog", ours, PROMISED)
    yield "Plog: lost", float(lost), "", None
    yield from named("bare Tornado", theirs, None)
    yield "bare Tornado: lost", float(lost_there), "", None
    yield "ratio: until the last has it, p99", last(ours, 99) / last(theirs, 99), "", None


def named(who: str, times: list[list[float]], promised: float | None) -> Iterator[Figure]:
    every = [time for of_event in times for time in of_event]
    for percent in (50, 99):
        yield f"{who}: until a follower has it, p{percent}", percentile(every, percent), "ms", None
    for percent in (50, 99):
        yield f"{who}: until the last has it, p{percent}", last(times, percent), "ms", promised


def last(times: list[list[float]], percent: float) -> float:
    return percentile((max(of_event) for of_event in times), percent)


async def through_plog(running: Running) -> tuple[list[list[float]], int]:
    _, channel = newest_post(running)
    channels = Channels(servers.redis_url(running.data), "bench")
    await channels.start()
    numbers = iter(range(1_000_000, 2_000_000))
    try:
        followers = await gathered(FOLLOWERS, running.port, channel)
        return await measured(followers, lambda text: channels.publish(Event(channel, next(numbers), {"text": text})))
    finally:
        await channels.close()


async def through_bare_tornado(port: int) -> tuple[list[list[float]], int]:
    client = AsyncHTTPClient()
    followers = await gathered(FOLLOWERS, port, "any")
    return await measured(
        followers, lambda text: client.fetch(f"http://127.0.0.1:{port}/publish", method="POST", body=text)
    )


async def measured(followers: list[Follower], publish: Publish) -> tuple[list[list[float]], int]:
    """Milliseconds until each follower had each event, and how many never came; the first few events do not count."""
    loop, times, lost = asyncio.get_running_loop(), [], 0
    for mark in range(EVENTS + WARM_UP):
        began = loop.time()
        await publish(f"mark-{mark:06}! {WORDS}")
        await all_have(followers, mark)
        received = [follower.received[mark] for follower in followers if mark in follower.received]
        lost += len(followers) - len(received)
        times.append([(at - began) * 1000 for at in received])
        await asyncio.sleep(0.05)
    for follower in followers:
        follower.transport.close()
    return times[WARM_UP:], lost
