"""Latency of public answers while the admin process blocks for five seconds ÷ before.

SIGSTOP stops the admin process. To everybody else that looks like a blocking call: it accepts connections, and answers
nothing. Windows with and without it take turns, so that other load on this machine affects both.
"""

import http.client
import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench._crowd import newest_post, percentile
from bench._figure import Figure
from bench._stack import stack

BLOCKED_FOR = 5.0  # seconds
WINDOWS = 6  # of each kind
REST = 0.01  # seconds between requests: moderate load
PROMISED = 1.2


def figures() -> Iterator[Figure]:
    with stack() as running:
        post, _ = newest_post(running)
        path = f"{post}/comments?after=0"  # never cached: always reaches a process and MongoDB
        list(latencies(running.port, path))  # warm
        windows: list[tuple[list[float], list[float]]] = []
        for _ in range(WINDOWS):
            idle = list(latencies(running.port, path))
            with standing_still(running.pid_of("--admin")):
                windows.append((idle, list(latencies(running.port, path))))
    yield from compared(windows)


def compared(windows: list[tuple[list[float], list[float]]]) -> Iterator[Figure]:
    """Compares all requests; and the median of the pairs of windows, which a burst of other load does not change."""
    idle, blocked = ([time for pair in windows for time in pair[kind]] for kind in (0, 1))
    for percent in (50, 99):
        yield Figure(f"the comments of a post, p{percent}", percentile(idle, percent), "ms")
        yield Figure(f"the same while the admin blocks, p{percent}", percentile(blocked, percent), "ms")
    yield Figure("ratio of p99", percentile(blocked, 99) / percentile(idle, 99), at_most=PROMISED)
    ratios = [percentile(after, 99) / percentile(before, 99) for before, after in windows]
    yield Figure("ratio of p99, median of the windows", statistics.median(ratios), at_most=PROMISED)


def latencies(port: int, path: str) -> Iterator[float]:
    """Yields the milliseconds of each request in five seconds, one after another over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    end = time.monotonic() + BLOCKED_FOR
    try:
        while (began := time.monotonic()) < end:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            yield (time.monotonic() - began) * 1000
            time.sleep(REST)
    finally:
        connection.close()


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
