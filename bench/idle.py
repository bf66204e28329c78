"""What a live connection costs while nothing happens: resident memory of the processes, for each one that follows.

The reference, in the same run: WebSockets of one bare Tornado process.
"""

import asyncio
from collections.abc import Iterator

from bench._crowd import gathered, newest_post
from bench._reference import bare
from bench.start import Figure, resident
from tests.running import Running

FOLLOWERS = 3000
WARM_UP = 300
SETTLE = 3.0  # seconds
KILOBYTES = 1024  # in a megabyte


def figures() -> Iterator[Figure]:
    running = Running()
    try:
        running.start()
        _, channel = newest_post(running)
        pids = [running.pid_of(f"--port={running.port + n}") for n in (1, 2, 3)]
        ours = asyncio.run(for_each(pids, running.port, channel))
    finally:
        running.remove()
    with bare() as reference:
        theirs = asyncio.run(for_each([reference.pid], reference.port, "any"))
    yield "Plog: memory of an idle follower", ours, "kB", None
    yield "bare Tornado: memory of an idle WebSocket", theirs, "kB", None
    yield "ratio", ours / theirs, "", None


async def for_each(pids: list[int], port: int, channel: str) -> float:
    """How many kilobytes these processes grow by each follower, once they are warm."""
    early = await gathered(WARM_UP, port, channel)
    await asyncio.sleep(SETTLE)
    before = sum(map(resident, pids))
    followers = await gathered(FOLLOWERS, port, channel)
    await asyncio.sleep(SETTLE)
    grown = sum(map(resident, pids)) - before
    for follower in (*early, *followers):
        follower.transport.close()
    return grown * KILOBYTES / FOLLOWERS
