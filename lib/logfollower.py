"""Follows a log that another program writes: each line exactly once, across rotation. models/hits reads nginx's log.

A file is identified by its first line, which must be unique (a time in milliseconds will do), not by its name or inode.
So reading continues in a file that was renamed, or copied and then truncated. The caller stores how far each file was
read (`positions`), ideally in the same write as what it made of the lines. A large log is renamed; a renamed file is
removed when it has been read and has not been written to for a while.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

LONGEST_LINE = 16384  # bytes of a first line that identify a file
MOST = 1 << 20  # bytes per read
KEPT = 1000  # positions: those of the files that were read last
PACKED = (".gz", ".bz2", ".xz", ".zst")

Positions = Mapping[str, int]  # bytes read of each file, by its identity; the last read file is last


@dataclass(frozen=True)
class Reading:
    """Whole lines of one file, without line ends, and the positions of all files after them."""

    lines: tuple[bytes, ...]
    positions: Positions


class LogFollower:
    """Reads the log at `path` and the files beside it whose names begin with its name. `most`: bytes per read."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._path = path
        self._most = most

    def read(self, positions: Positions) -> Reading | None:
        """Returns the next unread lines, of the oldest file that has any; None if all is read."""
        readings = (self._read(path, positions) for path in self._files())
        return next((reading for reading in readings if reading is not None), None)

    def put_aside(self, largest: int) -> None:
        """Renames the log if it has `largest` bytes. The writer must then be told to open a new file."""
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= largest:
                self._path.rename(self._name_aside())

    def remove_read(self, positions: Positions, silent: float) -> None:
        """Removes files renamed by `put_aside` that are fully read and were not written to for `silent` seconds."""
        if not self._path.exists():
            return  # the writer has not opened a new file yet, so it still writes to the renamed one
        for path in list(self._aside()):
            if time.time() - path.stat().st_mtime >= silent and self._read(path, positions) is None:
                path.unlink()

    def _files(self) -> list[Path]:
        """Returns the log and all renamed files, by whoever renamed them, oldest first."""
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
                return None  # truncated between the reads
            if size < offset and path == self._path:  # the machine died before the end of the file was on disk
                return Reading((), _moved(positions, identity, size))
            if read:
                return Reading(tuple(read.splitlines()), _moved(positions, identity, offset + len(read)))
        return None

    def _name_aside(self) -> Path:
        with open(self._path, "rb", buffering=0) as file:
            return self._path.with_name(f"{self._path.name}.{identity_of(file)}")

    def _aside(self) -> Iterator[Path]:
        """Yields the files renamed by `put_aside`: their names end in their identity."""
        for path in self._files():
            with suppress(FileNotFoundError), open(path, "rb", buffering=0) as file:
                if path.suffix == f".{identity_of(file)}":
                    yield path


def identity_of(file: BinaryIO) -> str:
    """Returns a digest of a file's first line; empty if that line is not complete yet."""
    line, end, _ = os.pread(file.fileno(), LONGEST_LINE, 0).partition(b"\n")
    return sha256(line).hexdigest()[:16] if end or len(line) == LONGEST_LINE else ""


def whole_lines(chunk: bytes, most: int) -> bytes:
    """Returns a chunk up to its last line end.

    A full chunk (`most` bytes) without a line end is returned whole, to get past it: it cannot be from a log.
    """
    end = chunk.rfind(b"\n") + 1
    return chunk[:end] if end or len(chunk) < most else chunk


def _moved(positions: Positions, identity: str, offset: int) -> Positions:
    others = [(file, read) for file, read in positions.items() if file != identity]
    return dict([*others[1 - KEPT :], (identity, offset)])
