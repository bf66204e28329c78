"""Reads CSV as spreadsheets write it: comma, semicolon or tab; a header row, then one question in each row.

Columns, in any order and case: text, answer, `alternative 2` to `alternative 4` (or `alternatives`), accepted, genre,
explanation, source, licence, difficulty. Several values in one cell are separated by `|`. Other columns are ignored.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from importing.questions.fitness import named, usable
from lib.items import QuestionItem, Unreadable, Unusable

DELIMITERS = (",", ";", "\t")
NEEDED = {"text", "answer"}

_ALTERNATIVE = re.compile(r"alternative ?[1-9]")


class _Header(NamedTuple):
    delimiter: str
    columns: list[str]


def is_for(text: str) -> bool:
    return _header(text) is not None


def read(text: str, file: str) -> Iterator[QuestionItem | Unusable]:
    header = _header(text)
    rows = csv.reader(io.StringIO(text), delimiter=header.delimiter if header else ",", strict=True)
    columns: list[str] = []
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            yield Unusable(file, line, "", f"is no row of CSV: {problem}")
            continue
        if not any(map(str.strip, row)):
            continue
        if columns:
            yield _read_one(row, columns, file, line)
        columns = columns or _columns(row)


def _header(text: str) -> _Header | None:
    """The columns that the first line names, and what separates them; None if it does not name those needed."""
    first = text.lstrip().partition("\n")[0]
    for delimiter in DELIMITERS:
        try:
            columns = _columns(next(csv.reader([first], delimiter=delimiter), []))
        except csv.Error:
            return None
        if set(columns) >= NEEDED:
            return _Header(delimiter, columns)
    return None


def _columns(row: list[str]) -> list[str]:
    return [" ".join(cell.casefold().split()) for cell in row]


def _read_one(row: list[str], columns: list[str], file: str, line: int) -> QuestionItem | Unusable:
    cells = dict(zip(columns, map(str.strip, row), strict=False))
    try:
        if any(map(str.strip, row[len(columns) :])):
            raise Unreadable("has more cells than the header: a comma in a text needs quotes around the text")
        return usable(_item(cells, file, line))
    except Unreadable as problem:
        return Unusable(file, line, named(cells.get("text", "")), problem.reason)


def _item(cells: dict[str, str], file: str, line: int) -> QuestionItem:
    wrong = [cell for column, cell in cells.items() if _ALTERNATIVE.fullmatch(column)]
    wrong += cells.get("alternatives", "").split("|")
    return QuestionItem(
        origin_kind="csv",
        origin_host="",
        origin_id="",
        file=file,
        line=line,
        text=cells.get("text", ""),
        answer=cells.get("answer", ""),
        wrong=tuple(wrong),
        genre=cells.get("genre", ""),
        accepted=tuple(filter(None, map(str.strip, cells.get("accepted", "").split("|")))),
        explanation=cells.get("explanation", ""),
        source=cells.get("source", ""),
        licence=cells.get("licence", ""),
        difficulty=cells.get("difficulty", "").casefold(),
    )
