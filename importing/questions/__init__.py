"""Readers of questions, one for each format. `bin/site import-questions` uses the first that recognises the content.

A new format is one more module here and one more row in READERS. Whatever a file contains, nothing here raises or takes
more than linear time: a question that cannot be used is yielded as Unusable, with its line.
"""

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from importing import UnknownFormat
from importing.questions import aiken, gift, opentdb, spreadsheet
from lib.items import QuestionItem, Unusable


class Reader(NamedTuple):
    """One format: its name in messages, whether a text is of it, and the function that reads a text; with its file."""

    format: str
    is_for: Callable[[str], bool]
    read: Callable[[str, str], Iterator[QuestionItem | Unusable]]


READERS = (
    Reader("JSON as the Open Trivia Database answers", opentdb.is_for, opentdb.read),
    Reader("CSV with the columns text, answer and alternatives", spreadsheet.is_for, spreadsheet.read),
    Reader("Aiken", aiken.is_for, aiken.read),
    Reader("GIFT", gift.is_for, gift.read),
)
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read(path: Path) -> Iterator[QuestionItem | Unusable]:
    """Yields the questions of a file, in its order. Raises UnknownFormat, or OSError if the file cannot be read."""
    text = decoded(path.read_bytes())
    for reader in READERS:
        if reader.is_for(text):
            return reader.read(text, str(path).encode("utf-8", "replace").decode())
    known = "; ".join(reader.format for reader in READERS)
    raise UnknownFormat(f"{path}: this is no format of questions. The formats are: {known}.")


def decoded(content: bytes) -> str:
    """The text of a file, its lines ended by newlines. What is not UTF-8 becomes U+FFFD, which `usable` refuses."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8")
    text = content.decode(encoding, "replace").replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")
