"""A negative cache: remembers for a few seconds which names do not exist, so that asking again costs no read."""

from collections.abc import Callable

LIFETIME = 3.0  # seconds; a name that appears meanwhile is found only afterwards
MOST = 10_000


class Misses:
    """Names that were not found. At `most` names all are dropped, so a flood of names takes no memory."""

    def __init__(self, seconds: Callable[[], float], lifetime: float = LIFETIME, most: int = MOST) -> None:
        self._seconds = seconds
        self._lifetime = lifetime
        self._most = most
        self._missed: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        age = self._seconds() - self._missed.get(name, float("-inf"))
        return 0 <= age < self._lifetime  # negative if the clock was set back

    def add(self, name: str) -> None:
        if len(self._missed) >= self._most:
            self._missed.clear()
        self._missed[name] = self._seconds()
