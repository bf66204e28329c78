"""The time, in UTC, as one callable that is handed to whoever needs it; tests hand in their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, with its zone, cut to milliseconds: what MongoDB keeps is what we had in hand."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """A moment as pages, feeds and JSON write it: `2026-11-20T18:30:00Z`."""
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z"
