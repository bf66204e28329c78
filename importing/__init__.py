"""Readers of other programs' files, one for each format. They yield the plain items of lib/items.py and know no site.

A new format is one more module here and one more row in READERS. `bin/site import` uses the first reader whose `is_for`
recognises the content; a file's name alone proves little. Readers never raise because of what a file contains.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from importing import markdown_folder, wordpress
from lib.items import Item, Unusable


class Reader(NamedTuple):
    """One format: its name in messages, whether a path contains it, and the function that reads it."""

    format: str
    is_for: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Item | Unusable]]


MARKDOWN = "a folder of Markdown files with front matter, or one of them (.md)"
READERS = (
    Reader("a WordPress export (WXR)", wordpress.is_for, wordpress.read),
    # after the readers that recognise content: this one recognises the name
    Reader(MARKDOWN, markdown_folder.is_for, markdown_folder.read),
)


class UnknownFormat(Exception):
    """No reader recognises this path; the message names the formats."""


def read(path: Path) -> Iterator[Item | Unusable]:
    """Yields the items of a path, in its order. Raises UnknownFormat, or OSError if the path cannot be read."""
    path.stat()  # raises FileNotFoundError whatever the name says
    for reader in READERS:
        if reader.is_for(path):
            return reader.read(path)
    known = "; ".join(reader.format for reader in READERS)
    raise UnknownFormat(f"{path}: this is no format that can be imported. The formats are: {known}.")
