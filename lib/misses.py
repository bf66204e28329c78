"""Remembers for a few seconds what is not there, so that those who ask for it again and again cost no read each."""

from collections.abc import Callable

LIFETIME = 3.0  # seconds: what appears meanwhile is found after that
MOST = 10_000


class Misses:
    """Names that were not found. Beyond `most` of them all are forgotten, so a flood of names takes no memory."""

    def __init__(self, seconds: Callable[[], float], lifetime: float = LIFETIME, most: int = MOST) -> None:
        self._seconds = seconds
        self._lifetime = lifetime
        self._most = most
        self._missed: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        age = self._seconds() - self._missed.get(name, float("-inf"))
        return 0 <= age < self._lifetime  # below 0: the clock went back

    def add(self, name: str) -> None:
        if len(self._missed) >= self._most:
            self._missed.clear()
        self._missed[name] = self._seconds()
