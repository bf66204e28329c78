"""Readers of other programs' files, one for each format. They yield the plain items of lib/items.py and know no site.

A new format is one more module here and one more line in READERS. `bin/site import` takes the first reader whose `is_for`
recognises what is in the file; a file's name alone proves little. Readers never raise for what a file holds.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from importing import markdown_folder, wordpress
from lib.items import Item, Unusable


class Reader(NamedTuple):
    """One format: how the command names it, whether a path holds it, and what it holds."""

    format: str
    is_for: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Item | Unusable]]


MARKDOWN = "a folder of Markdown files with front matter, or one of them (.md)"
READERS = (
    Reader("a WordPress export (WXR)", wordpress.is_for, wordpress.read),
    Reader(
        MARKDOWN, markdown_folder.is_for, markdown_folder.read
    ),  # after those that look at content: it goes by the name
)


class UnknownFormat(Exception):
    """No reader recognises what is at this path; the message says which formats there are."""


def read(path: Path) -> Iterator[Item | Unusable]:
    """What a path holds, in its order. Raises UnknownFormat, and OSError where the path cannot be read."""
    path.stat()  # raises where there is nothing, whatever the name says
    for reader in READERS:
        if reader.is_for(path):
            return reader.read(path)
    known = "; ".join(reader.format for reader in READERS)
    raise UnknownFormat(f"{path}: this is no format that can be imported. Known are: {known}.")
