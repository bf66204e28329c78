"""Dates as people read them, in `<time>`: "12 May 2026", and with the hour where it matters. UTC, like everything else.

By hand, not by strftime: that follows the server's locale, and a thread of 2,749 comments has as many dates.
"""

from datetime import datetime

from lib.clock import iso

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day(date: datetime) -> str:
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def day_html(date: datetime) -> str:
    return f'<time datetime="{iso(date)}">{day(date)}</time>'


def moment_html(date: datetime) -> str:
    return f'<time datetime="{iso(date)}">{day(date)}, {date.hour:02}:{date.minute:02}</time>'
