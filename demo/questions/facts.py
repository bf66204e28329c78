"""Reads the hand-written tables of facts/ and makes a question out of each line. README.md describes their format."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from demo.questions.row import CHOICES, DIFFICULTIES, OWN, Row, drawn, other_forms, shuffled

FOLDER = Path(__file__).parent / "facts"
GENRES = {"currencies": "countries", "flags": "countries"}  # the genres of files that are not named after theirs
LISTS = {"countries", "cities", "airports", "endonyms"}  # remarks on facts of packages, read by other generators
YEARS_AROUND = (-31, -22, -14, -9, -6, -4, -3, 3, 4, 6, 9, 14, 22, 31)


@dataclass
class Table:
    """Lines that are asked in the same words (`wordings`, taken in turn), or each in its own (no wordings)."""

    name: str
    genre: str
    flag: str
    wordings: list[str]
    lines: list[list[str]] = field(default_factory=list)


def rows() -> list[Row]:
    """The questions of all tables."""
    files = sorted(path for path in FOLDER.glob("*.txt") if path.stem not in LISTS)
    return [row for path in files for table in tables(path) for row in _rows_of(table)]


def remarks(name: str) -> dict[str, list[str]]:
    """What a list says about each code."""
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    cells = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    return {code: [cell.strip() for cell in rest] for code, *rest in cells}


def tables(path: Path) -> list[Table]:
    """The tables of a file."""
    found: list[Table] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("= "):
            head, *wordings = line[2:].split(" | ")
            name, _, flag = head.partition(" ")
            found.append(Table(name, GENRES.get(path.stem, path.stem), flag, wordings))
        elif line and not line.startswith("#"):
            found[-1].lines.append([cell.strip() for cell in line.split(" | ")])
    return found


def _rows_of(table: Table) -> list[Row]:
    if not table.wordings:
        return [_free(table, *line) for line in table.lines]
    if table.flag == "years":
        return [_year(table, *line) for line in table.lines]
    wordings = cycle(table.wordings)
    return [_tabled(table, next(wordings), *line) for line in table.lines]


def _free(table: Table, difficulty: str, text: str, answers: str, wrong: str, explanation: str) -> Row:
    answer, *accepted = answers.split("; ")
    return _row(table, difficulty, text, answer, accepted, wrong.split("; "), explanation)


def _year(table: Table, difficulty: str, pool: str, subject: str, answer: str, explanation: str) -> Row:
    text = table.wordings[0].format(subject)
    years = [str(int(answer) + offset) for offset in YEARS_AROUND if int(answer) + offset <= 2025]
    return _row(table, difficulty, text, answer, [], random.Random(text).sample(years, CHOICES - 1), explanation)


def _tabled(
    table: Table, wording: str, difficulty: str, pool: str, subject: str, answers: str, explanation: str
) -> Row:
    answer, *accepted = answers.split("; ")
    text = wording.format(subject)
    others = _pool(table)[pool]
    if table.flag == "person" and _has_surname(answer) and not _has_namesake(answer, others):
        accepted.append(answer.split()[-1])
    wrong = drawn(others, [answer, *accepted, subject], text)
    return _row(table, difficulty, text, answer, accepted, wrong, explanation)


def _has_surname(name: str) -> bool:
    """Unlike Voltaire, Henry VIII, Catherine the Great or the Wright brothers."""
    words = name.split()
    return len(words) > 1 and not words[-1].isupper() and not words[-1].islower() and "the" not in words


def _has_namesake(name: str, others: list[str]) -> bool:
    """Like Emily and Charlotte Brontë: there the surname alone is no answer."""
    return any(other != name and other.split()[-1] == name.split()[-1] for other in others)


def _pool(table: Table) -> dict[str, list[str]]:
    answers = defaultdict(list)
    for line in table.lines:
        answers[line[1]].append(line[3].split("; ")[0])
    return answers


def _row(
    table: Table,
    difficulty: str,
    text: str,
    answer: str,
    accepted: list[str],
    wrong: list[str],
    explanation: str,
) -> Row:
    return Row(
        text=text,
        answer=answer,
        alternatives=shuffled(answer, wrong, text),
        accepted=other_forms(answer, accepted),
        genre=table.genre,
        difficulty=DIFFICULTIES[difficulty],
        explanation=explanation,
        source=OWN,
        template=table.name,
    )
