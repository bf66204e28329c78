"""Hits: how often each page is asked for, from a kept file or from a process. The thing is pure; the collection counts."""

from models.hits.collection import Hits
from models.hits.tally import Tally

__all__ = ["Hits", "Tally"]
