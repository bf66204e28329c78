"""Hits: how often each page is asked for, from the cache or from a process. nginx writes a line for each, and the
worker adds them up.
"""

import re

from lib.logfollower import LogFollower
from models.hits.documents import Batch, HitDocuments
from models.hits.tally import Tally, tallies_in
from models.tools import Tools

__all__ = ["Hits", "Tally"]

LARGEST_LOG = 16_000_000  # bytes, before it is put aside
MOST_LINES = 20_000  # after which a look ends; there is one every two seconds
SILENT = 60.0  # seconds after which nginx is surely done with a log that was put aside


class Hits:
    """All counts, and the log of this host that they come from."""

    def __init__(self, tools: Tools, log: LogFollower) -> None:
        self.documents = HitDocuments(tools)
        self._log = log

    async def count(self, pages: re.Pattern[str]) -> None:
        """Counts what is new in this host's log about addresses that `pages` matches, and keeps that log small.

        Not all of a flood at once: a core that counts serves nobody. The rest is counted when it is over.
        """
        batch, counted = await self.documents.last_batch(), 0
        while counted < MOST_LINES and (reading := self._log.read(batch.positions)):
            counted += len(reading.lines)
            batch = Batch(batch.number + 1, reading.positions, tallies_in(reading.lines, pages), is_added=False)
            if not await self.documents.store(batch):
                return  # another worker of this host was faster
            await self.documents.add(batch)
        self._log.put_aside(LARGEST_LOG)  # the worker asks nginx for a new one
        self._log.remove_read(batch.positions, SILENT)
