"""Hostile texts that are slow to process, and the time limit for processing one."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LENGTH = 300_000
SECONDS = 3  # of processor time. Quadratic code needed more than 20 s


def repeated(piece: str, length: int = LENGTH) -> str:
    return (piece * (length // len(piece) + 1))[:length]


@contextmanager
def quickly(seconds: float = SECONDS) -> Iterator[None]:
    """Fails if the block takes longer. Counts only this process's time, so a busy machine fails no test."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
