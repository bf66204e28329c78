"""What the statistics are made of: a chart of days, and numbers as people read them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import unquote

from tornado.escape import xhtml_escape
from tornado.web import UIModule

from lib import dates
from models.hits import Tally

STEP, BAR, HEIGHT = 10, 8, 100  # of the picture's own units
SHORTEST = 1.5  # a day with one reader is to be seen beside one with a thousand


class HitsChart(UIModule):
    """Days as bars, hits below misses. It says in words what it shows; the template has the same as a table."""

    def render(self, days: Sequence[Tally]) -> str:
        most = max((tally.asked for tally in days), default=0) or 1
        bars = "".join(_bar(place, tally, most) for place, tally in enumerate(days))
        box = f'viewBox="0 0 {len(days) * STEP - (STEP - BAR)} {HEIGHT}" preserveAspectRatio="none"'
        named = f'<title id="chart-title">Hits and misses by day</title><desc id="chart-desc">{_said(days)}</desc>'
        return f'<svg class="chart" role="img" aria-labelledby="chart-title chart-desc" {box}>{named}{bars}</svg>'


class DayOf(UIModule):
    """The day that a tally is of."""

    def render(self, day: str) -> str:
        return f'<time datetime="{day}">{_written(day)}</time>'


class Share(UIModule):
    """How many of the requests the cache answered: 97.3 %. Never more than it was: 99.96 is not 100."""

    def render(self, tally: Tally) -> str:
        return f"{tally.hits * 1000 // tally.asked / 10:.1f} %" if tally.asked else "—"


class Address(UIModule):
    """An address as people read it."""

    def render(self, page: str) -> str:
        return xhtml_escape(unquote(page))


def _bar(place: int, tally: Tally, most: int) -> str:
    hits, misses = (_height(number, most) for number in (tally.hits, tally.misses))
    below, above = (
        _rectangle("hits", place, HEIGHT - hits, hits),
        _rectangle("misses", place, HEIGHT - hits - misses, misses),
    )
    return f"<g><title>{_written(tally.day)}: {_numbers([tally])}</title>{below}{above}</g>"


def _height(number: int, most: int) -> float:
    return max(SHORTEST, number / most * (HEIGHT - 2 * SHORTEST)) if number else 0.0


def _rectangle(kind: str, place: int, top: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{place * STEP}" y="{top:.2f}" width="{BAR}" height="{height:.2f}"/>' if height else ""
    )


def _said(days: Sequence[Tally]) -> str:
    if not any(tally.asked for tally in days):
        return "Nothing has been counted yet."
    busiest = max(days, key=lambda tally: tally.asked)
    span = f"{_written(days[0].day)} to {_written(days[-1].day)}: {_numbers(days)}."
    return f"{span} The busiest day was {_written(busiest.day)}: {_numbers([busiest])}."


def _numbers(days: Iterable[Tally]) -> str:
    hits, misses = map(sum, zip(*((tally.hits, tally.misses) for tally in days), strict=True))
    return f"{hits:,} from the cache, {misses:,} from a process"


def _written(day: str) -> str:
    """2026-11-20 → 20 November 2026"""
    return dates.day(datetime.fromisoformat(day))
