"""The rules that every row must keep. make.py runs them over what it made, the tests over the files."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from demo.questions.row import CHOICES, DIFFICULTIES, FIELDS
from lib.spelling import folded

FOLDER = Path(__file__).parent
MOST_OF_A_TEMPLATE = 250
LONGEST = {"text": 200, "answer": 60, "explanation": 500}
MOST_WORDS = 4  # of an answer


def read(folder: Path = FOLDER) -> Iterator[tuple[str, dict[str, str]]]:
    """Each file's name with each of its rows. Raises ValueError if a header is not the agreed one."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != FIELDS:
                raise ValueError(f"{path.name}: the header is {reader.fieldnames}")
            yield from ((path.stem, row) for row in reader)


def faults(cells: Mapping[str, str]) -> list[str]:
    """What is wrong with a row by itself."""
    choices = cells["alternatives"].split("|")
    typed = [folded(choice) for choice in choices]
    accepted = [folded(form) for form in cells["accepted"].split("|")] if cells["accepted"] else []
    rules = {
        "not four different alternatives": len(set(typed)) == len(typed) == CHOICES,
        "the answer is no alternative": cells["answer"] in choices,
        "an accepted form is a wrong alternative": not set(accepted) & (set(typed) - {folded(cells["answer"])}),
        "an accepted form is the answer or stands twice": len({folded(cells["answer"]), *accepted})
        == len(accepted) + 1,
        "the text does not end with ?": cells["text"].endswith("?") and len(cells["text"]) >= 5,
        "too long": all(len(cells[name]) <= most for name, most in LONGEST.items()),
        "something is empty": all(cells[name].strip() for name in FIELDS if name != "accepted"),
        "the answer cannot be typed": len(cells["answer"].split()) <= MOST_WORDS
        and not set('"“”') & set(cells["answer"]),
        "HTML or untidy spaces": not re.search(r"<|&\w+;|\s\s|^\s|\s$", "|".join(cells.values())),
        "no such difficulty": cells["difficulty"] in DIFFICULTIES.values(),
        "the text contains the answer": _asks_without_telling(cells["text"], cells["answer"], choices),
    }
    return [rule for rule, is_kept in rules.items() if not is_kept]


def _asks_without_telling(text: str, answer: str, choices: list[str]) -> bool:
    """A text may name its answer only if it names all the choices."""
    named = [choice for choice in choices if _words(choice) in _words(text)]
    return answer not in named or len(named) == len(choices)


def _words(text: str) -> str:
    return f" {' '.join(re.findall('[^ ,:?!“”()]+', folded(text)))} "


def repeated(texts: list[str]) -> list[str]:
    """Texts that stand more than once."""
    return [text for text, count in Counter(map(folded, texts)).items() if count > 1]
