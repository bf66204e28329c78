"""The current time in UTC, as a callable that is passed to the code that needs it; tests pass their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Returns the current time in UTC, cut to milliseconds, because MongoDB stores no more than that."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """Returns a moment in the format of pages, feeds and JSON: `2026-11-20T18:30:00Z`."""
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z"
