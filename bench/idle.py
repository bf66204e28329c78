"""The resident memory of the processes for each idle follower.

The reference, in the same run: idle WebSockets of one bare Tornado process.
"""

import asyncio
from collections.abc import Iterator

from bench._crowd import gathered, newest_post
from bench._figure import Figure
from bench._reference import bare
from bench._stack import stack
from bench.start import resident

FOLLOWERS = 3000
WARM_UP = 300
SETTLE = 3.0  # seconds
KILOBYTES = 1024  # in a megabyte


def figures() -> Iterator[Figure]:
    with stack() as running:
        _, channel = newest_post(running)
        pids = [running.pid_of(f"--port={running.port + n}") for n in (1, 2, 3)]
        ours = asyncio.run(for_each(pids, running.port, channel))
    with bare() as reference:
        theirs = asyncio.run(for_each([reference.pid], reference.port, "any"))
    yield Figure("Plog: memory of an idle follower", ours, "KB", at_most=20)
    yield Figure("bare Tornado: memory of an idle WebSocket", theirs, "KB")
    yield Figure("ratio", ours / theirs)


async def for_each(pids: list[int], port: int, channel: str) -> float:
    """Returns by how many kilobytes these processes grow for each follower, after a warm-up."""
    early = await gathered(WARM_UP, port, channel)
    await asyncio.sleep(SETTLE)
    before = sum(map(resident, pids))
    followers = await gathered(FOLLOWERS, port, channel)
    await asyncio.sleep(SETTLE)
    grown = sum(map(resident, pids)) - before
    for follower in (*early, *followers):
        follower.transport.close()
    return grown * KILOBYTES / FOLLOWERS
