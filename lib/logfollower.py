"""Follows a log that somebody else writes, line by line: nothing is missed, and nothing is read twice.

A file is known by its first line, which must be its alone (a time in milliseconds will do), and not by its name or number.
So a file that was renamed, and one that was copied before it was truncated, go on where they were left. How far each was
read is the reader's to keep (`positions`), best in one write with whatever it made of the lines. Where it has grown, the log
is put aside under another name; what was put aside is removed once it was read and has long been silent.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 16384  # bytes of a first line, by which a file is known
MOST = 1 << 20  # bytes that are read at once
KEPT = 1000  # positions of files, the last read ones
PACKED = (".gz", ".bz2", ".xz", ".zst")

Positions = Mapping[str, int]  # bytes that were read of each file, the last read file last


@dataclass(frozen=True)
class Reading:
    """Whole lines of one file, without their ends, and how far every file is read with them."""

    lines: tuple[bytes, ...]
    positions: Positions


class LogFollower:
    """A log at `path`, and the files beside it whose names begin with its name."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path = path
        self._most = most

    def read(self, positions: Positions) -> Reading | None:
        """What was not read yet, at most so much of it; None where there is no more."""
        readings = (self._read(path, positions) for path in self._files())
        return next((reading for reading in readings if reading is not None), None)

    def put_aside(self, largest: int) -> None:
        """Rename the log once it is that large. Its writer goes on in the renamed file until it is asked for a new one."""
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= largest:
                self._path.rename(self._name_aside())

    def remove_read(self, positions: Positions, silent: float) -> None:
        """Remove what was put aside, read to its end, and not written to for so many seconds."""
        if not self._path.exists():
            return  # its writer still writes to the one that was put aside
        for path in list(self._aside()):
            if time.time() - path.stat().st_mtime >= silent and self._read(path, positions) is None:
                path.unlink()

    def _files(self) -> list[Path]:
        """The log and what was put aside, by anyone, the oldest first."""
        dated = []
        for path in self._path.parent.glob(f"{self._path.name}*"):
            with suppress(FileNotFoundError):
                dated.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(dated) if path.suffix not in PACKED]

    def _read(self, path: Path, positions: Positions) -> Reading | None:
        with suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
            identity = identity_of(file)
            offset, size = positions.get(identity, 0), os.fstat(file.fileno()).st_size
            read = whole_lines(os.pread(file.fileno(), self._most, offset), self._most)
            if not identity or identity_of(file) != identity:
                return None  # truncated just now
            if size < offset and path == self._path:  # the machine died before its end was on disk
                return Reading((), _moved(positions, identity, size))
            if read:
                return Reading(tuple(read.splitlines()), _moved(positions, identity, offset + len(read)))
        return None

    def _name_aside(self) -> Path:
        with open(self._path, "rb", buffering=0) as file:
            return self._path.with_name(f"{self._path.name}.{identity_of(file)}")

    def _aside(self) -> Iterator[Path]:
        """What was put aside here: a name that says what is in it."""
        for path in self._files():
            with suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
                if path.suffix == f".{identity_of(file)}":
                    yield path


def identity_of(file: BinaryIO) -> str:
    """A digest of a file's first line; empty as long as that is not whole."""
    line, end, _ = os.pread(file.fileno(), LONGEST_LINE, 0).partition(b"\n")
    return sha256(line).hexdigest()[:16] if end or len(line) == LONGEST_LINE else ""


def whole_lines(chunk: bytes, most: int) -> bytes:
    """A chunk up to its last line end. A full one without any is no log's: all of it, to get past it."""
    end = chunk.rfind(b"\n") + 1
    return chunk[:end] if end or len(chunk) < most else chunk


def _moved(positions: Positions, identity: str, offset: int) -> Positions:
    others = [(file, read) for file, read in positions.items() if file != identity]
    return dict([*others[1 - KEPT :], (identity, offset)])
