"""What the lines of nginx's log of hits say: how often each page was asked for on each day. Pure.

A hit was answered from the page cache, a miss by a process; a read is either of them where a person asked, as far as
one can tell. Only addresses of pages are counted, of which nginx logs those that it answered with 200 or 304: a made-up
one is no row.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

ALL = ""  # instead of a day or a page: all of them

# Seconds without the last two digits, k(ept) or r(endered) for p(erson) or b(ot), and the address without its query.
LINE = re.compile(rb"(\d{8}) ([kr])([pb]) (/[!-\[\]-~]*)")  # no backslash: nginx writes it for what no address has
Key = tuple[str, str]  # day and page


@dataclass(frozen=True)
class Tally:
    """How often a page was asked for on a day; of all pages, or on all days, where one of them is empty."""

    day: str = ALL
    page: str = ALL
    hits: int = 0
    misses: int = 0
    reads: int = 0

    @property
    def asked(self) -> int:
        return self.hits + self.misses


def tallies_in(lines: Iterable[bytes], pages: re.Pattern[str]) -> tuple[Tally, ...]:
    """What these lines of the log say, by day and page. Lines about anything that `pages` does not match are skipped."""
    alike = Counter(line[:8] + line[14:] for line in lines)  # many lines in few, before any of them is looked at
    counts: dict[Key, list[int]] = {}
    for key, is_hit, is_read, number in _counted(alike, pages):
        count = counts.setdefault(key, [0, 0, 0])
        count[0 if is_hit else 1] += number
        count[2] += number if is_read else 0
    return tuple(Tally(*key, *count) for key, count in counts.items())


def rolled_up(tallies: Iterable[Tally]) -> list[Tally]:
    """These, and the sums of them: of each page on all days, of all pages on each day, of everything."""
    sums: dict[Key, Tally] = {}
    for one in tallies:
        for day, page in ((one.day, one.page), (ALL, one.page), (one.day, ALL), (ALL, ALL)):
            so_far = sums.get((day, page), Tally(day, page))
            counts = (so_far.hits + one.hits, so_far.misses + one.misses, so_far.reads + one.reads)
            sums[day, page] = Tally(day, page, *counts)
    return list(sums.values())


def _counted(alike: Mapping[bytes, int], pages: re.Pattern[str]) -> Iterator[tuple[Key, bool, bool, int]]:
    for line, number in alike.items():
        if (found := LINE.fullmatch(line)) and pages.fullmatch(page := found[4].decode()):
            day = datetime.fromtimestamp(int(found[1]) * 100, UTC).date().isoformat()
            yield (day, page), found[2] == b"k", found[3] == b"p", number
