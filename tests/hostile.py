"""Texts that are made to take long, and the time that reading one of them may take."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LENGTH = 300_000
SECONDS = 3  # of processor time. Code that takes the square of the length needed over 20 s, or did not end


def repeated(piece: str, length: int = LENGTH) -> str:
    return (piece * (length // len(piece) + 1))[:length]


@contextmanager
def quickly(seconds: float = SECONDS) -> Iterator[None]:
    """Fails where the block takes longer. Other processes do not count, so a busy machine fails no test."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
