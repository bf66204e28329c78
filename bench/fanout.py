"""The time from publishing an event until the last of 1,000 and of 4,000 followers over three processes has received
it.

The reference, in turns for each event: one bare Tornado process that broadcasts in memory to as many followers, without
nginx and Redis.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from tornado.httpclient import AsyncHTTPClient

from bench._crowd import Follower, all_have, gathered, newest_post, percentile
from bench._figure import Figure
from bench._reference import Bare, bare
from bench._stack import stack
from lib.channels import Channels, Event
from settings import redis_url
from tests.running import Running

PROMISED = {1000: 100.0, 4000: 300.0}  # followers → ms until the last one has the event, p99
RATIO_PROMISED = {4000: 2.0}
EVENTS = 60
WARM_UP = 10
WORDS = "A comment of an ordinary length, as it stands on the page with all that is around it. " * 6
Publish = Callable[[str], Awaitable[object]]


@dataclass
class Crowd:
    """The followers of one side, how to publish an event to them, and the ms that each waited for each event."""

    followers: list[Follower]
    publish: Publish
    times: list[list[float]] = field(default_factory=list)
    lost: int = 0

    async def hear(self, mark: int) -> None:
        """Publishes one event and waits until all have it.

        Times of the first WARM_UP events are dropped; losses count.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self.publish(f"mark-{mark:06}! {WORDS}")
        await all_have(self.followers, mark)
        received = [follower.received[mark] for follower in self.followers if mark in follower.received]
        self.lost += len(self.followers) - len(received)
        self.times += [[(at - began) * 1000 for at in received]] if mark >= WARM_UP else []

    def every(self, percent: float) -> float:
        return percentile((time for of_event in self.times for time in of_event), percent)

    def last(self, percent: float) -> float:
        return percentile((max(of_event) for of_event in self.times), percent)


def figures() -> Iterator[Figure]:
    with stack() as running, bare() as reference:
        for number, promised in PROMISED.items():
            ours, theirs = asyncio.run(measured(number, running, reference))
            yield from named(f"{number:,}", ours, promised)
            yield from named(f"{number:,}, bare Tornado", theirs, None)
            ratio = ours.last(99) / theirs.last(99)
            yield Figure(f"{number:,}: ratio until the last, p99", ratio, at_most=RATIO_PROMISED.get(number))


def named(who: str, crowd: Crowd, promised: float | None) -> Iterator[Figure]:
    for percent in (50, 99):
        yield Figure(f"{who}: until a follower has it, p{percent}", crowd.every(percent), "ms")
    yield Figure(f"{who}: until the last has it, p50", crowd.last(50), "ms")
    yield Figure(f"{who}: until the last has it, p99", crowd.last(99), "ms", at_most=promised)
    yield Figure(f"{who}: lost", crowd.lost, at_most=None if promised is None else 0)


async def measured(number: int, running: Running, reference: Bare) -> tuple[Crowd, Crowd]:
    """Connects this many followers to each side, and publishes all events in turns."""
    _, channel = newest_post(running)
    channels = Channels(redis_url(running.data), "bench")
    await channels.start()
    numbers = iter(range(number * 1000, number * 1000 + EVENTS + WARM_UP))
    client = AsyncHTTPClient()
    ours = Crowd(
        await gathered(number, running.port, channel),
        lambda text: channels.publish(Event(channel, next(numbers), {"text": text})),
    )
    theirs = Crowd(
        await gathered(number, reference.port, "any"),
        lambda text: client.fetch(f"{reference.url}/publish", method="POST", body=text),
    )
    try:
        for mark in range(EVENTS + WARM_UP):
            for crowd in (ours, theirs):
                await crowd.hear(mark)
                await asyncio.sleep(0.05)
        return ours, theirs
    finally:
        for follower in (*ours.followers, *theirs.followers):
            follower.transport.close()
        await channels.close()
