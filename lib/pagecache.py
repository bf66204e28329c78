"""The page cache: whole pages on disk, plain and compressed, which nginx serves without asking a process.

No stale page survives, whatever races and whatever is killed. A render creates two pending files before it reads any
data, writes the page into them, adds an entry under each tag, and renames them: the plain page into `pages`, the
compressed one into `gz`. Invalidation, after a change is stored, removes all pending files, then both files of every
page under the tags. So the rename of a page rendered from old data fails. A full disk only means that pages are not
cached.
"""

import gzip
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from urllib.parse import unquote
from uuid import uuid4

LONGEST_NAME = 255  # bytes of one part of a path
LONGEST_PATH = 1024  # bytes, well below the kernel's limit
SUFFIXES = {
    "text/html": "html",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "feed",
    "application/xml": "xml",
}  # nginx derives the Content-Type of a file from its suffix
FOLDERS = ("pages", "gz")  # plain and compressed; nginx.conf uses the same names
LEVEL = 4  # gzip level; nginx.conf uses the same
# Matches an Accept-Encoding header that accepts gzip. nginx.conf is generated from it.
TAKES_GZIP = r"(?i)(^|,)\s*gzip\s*(;\s*q=(1(\.0*)?|0\.0*[1-9]\d*)\s*)?(,|$)"
OLDEST_PENDING = 3600  # seconds; the process that made an older pending file has died
LEAST = 256  # bytes that even an empty file takes on disk

log = logging.getLogger(__name__)


class Body:
    """The bytes of a page, plain and compressed."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.plain, LEVEL, mtime=0)


class Unwritable(Exception):
    """Cached pages cannot be removed, so nginx goes on serving them. The message names the path and the reason."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"Cached pages cannot be removed, so visitors get old ones: {os.path.normpath(error.filename)}: {error.strerror}."
        )


class Pending:
    """The two pending files of a render in flight. They exist until any invalidation: then the render may be stale."""

    def __init__(self, path: Path) -> None:
        self.paths = (path, path.with_suffix(".gz"))  # plain, compressed

    @property
    def is_current(self) -> bool:
        """Whether nothing was invalidated since the render began."""
        try:
            return self.paths[0].exists()
        except OSError:  # no permission to enter the folder
            return False


@contextmanager
def _removing() -> Iterator[None]:
    """Turns an OSError into `Unwritable`, so that no caller mistakes it for a server that is away."""
    try:
        yield
    except OSError as error:
        raise Unwritable(error) from error


class PageCache:
    """Pages in `folder`/now/pages and …/gz. Processes share the folder, which may be deleted at any time.

    `begin`, `put` and `drop` raise no OSError: they log that pages cannot be cached. Invalidation raises `Unwritable`
    where a page cannot be removed, and ignores only files that are gone already. Entries under a tag are never removed
    one by one: removing one while its page is cached again would leave a page that cannot be invalidated.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = folder / "now"  # renamed as a whole, so that a page never loses its tags
        self._folders = [self._now / name for name in FOLDERS]
        self._pages = self._folders[0]
        self._pending = self._now / "pending"
        self._tags = self._now / "tags"
        self._has_failed = False  # whether the last write failed

    def begin(self) -> Pending:
        """Creates the pending files of a render. Call it before the page's data is read."""
        pending = Pending(self._pending / uuid4().hex)
        try:
            self._pending.mkdir(parents=True, exist_ok=True)
            for path in pending.paths:
                path.touch()
        except (FileNotFoundError, FileExistsError):
            pass  # another process is invalidating all pages, so this one will not be cached
        except OSError as error:
            self._fail(error)
        return pending

    def put(self, pending: Pending, address: str, kind: str, body: Body, tags: Iterable[str]) -> bool:
        """Caches a page under its address. False if it was invalidated meanwhile, or cannot be cached at all."""
        places, tags = self._places(name_of(address, kind)), tuple(tags)
        try:
            if not places:
                return False
            for path, content in zip(pending.paths, (body.plain, body.compressed), strict=True):
                self._write(path, content)
            for place in places:
                self._enter(place, tags)
                place.parent.mkdir(parents=True, exist_ok=True)
            for path, place in zip(pending.paths, places, strict=True):
                path.rename(place)
        except (FileNotFoundError, FileExistsError):
            return False  # invalidated
        except OSError as error:
            self._fail(error)
            return False
        finally:
            self.drop(pending)
        self._has_failed = False
        return True

    def drop(self, pending: Pending) -> None:
        """Removes the pending files of a render."""
        with suppress(OSError):  # harmless: nothing renames a pending file after this
            for path in pending.paths:
                path.unlink(missing_ok=True)

    @_removing()
    def invalidate(self, tags: Iterable[str]) -> None:
        """Invalidates all pages under these tags and every render in flight. Call it after the change is stored."""
        for path in _listed(self._pending):
            path.unlink(missing_ok=True)
        for tag in tags:
            for entry in _listed(self._folder_of(tag)):
                with suppress(FileNotFoundError):
                    _remove(self._pages / entry.readlink())

    @_removing()
    def invalidate_address(self, address: str) -> None:
        """Invalidates one page."""
        self.invalidate(())
        for kind in SUFFIXES:
            for place in self._places(name_of(address, kind)):
                _remove(place)

    @_removing()
    def invalidate_all(self) -> None:
        """Invalidates all pages and every render in flight, with one rename.

        The next `sweep` deletes the files: deleting thousands here would block the caller for seconds.
        """
        with suppress(FileNotFoundError):
            self._now.rename(self._folder / f"gone-{uuid4().hex}")

    @_removing()
    def sweep(self, oldest: float, most: int) -> int:
        """Removes pages older than `oldest` seconds, then the oldest until the rest takes at most half of `most` bytes.

        Also deletes what `invalidate_all` renamed, and old pending files. Returns the number of page files removed:
        most pages have two. May take seconds. The other half of `most` is for folders and entries under tags, which are
        never removed one by one: if they take more, all pages are invalidated.
        """
        now = time.time()
        statuses = [found for folder in self._folders for found in _statuses(folder)]
        pages = sorted((s.st_ctime, _size(s), path) for path, s in statuses if not S_ISDIR(s.st_mode))
        names = [s for _, s in statuses if S_ISDIR(s.st_mode)] + [s for _, s in _statuses(self._tags)]
        removed = self._remove_oldest(pages, now - oldest, most // 2)
        if sum(map(_size, names)) > most // 2:
            self.invalidate_all()
            removed = len(pages)
        for path, status in _statuses(self._pending):
            if status.st_ctime < now - OLDEST_PENDING:
                path.unlink(missing_ok=True)
        for folder in self._folder.glob("gone-*"):
            shutil.rmtree(folder, ignore_errors=True)
        return removed

    def _remove_oldest(self, pages: list[tuple[float, int, Path]], before: float, most: int) -> int:
        """Removes files changed at `before` or earlier, and more until the rest takes at most `most` bytes.

        Returns how many. `pages` are (changed, bytes, path), oldest first.
        """
        size = sum(size for _, size, _ in pages)
        for number, (changed, bytes_, path) in enumerate(pages):
            if changed > before and size <= most:
                return number
            path.unlink(missing_ok=True)
            size -= bytes_
        return len(pages)

    def _fail(self, error: OSError) -> None:
        """Logs that pages cannot be cached: once, not at each request, until one is cached again."""
        if not self._has_failed:
            log.warning("Pages cannot be cached: %s", error)
        self._has_failed = True

    def _places(self, name: str) -> list[Path]:
        """Returns the paths of the plain and the compressed file.

        Empty for a name that leaves the folder, is too long, or needs a folder where another page's file is.
        """
        parts = name.split("/")
        is_fit = all(0 < len(os.fsencode(part)) <= LONGEST_NAME and part not in (".", "..") for part in parts)
        is_fit = is_fit and not any(part.startswith(("page.", "folder.")) for part in parts[:-1])
        is_fit = is_fit and "\0" not in name and len(os.fsencode(name)) <= LONGEST_PATH
        return [folder / name for folder in self._folders] if is_fit else []

    def _write(self, path: Path, body: bytes) -> None:
        """Writes into an existing file. Never creates one: an invalidated render must not get its pending file back."""
        with open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(body)
        second = _second(body)
        os.utime(path, (second, second))

    def _enter(self, place: Path, tags: Iterable[str]) -> None:
        """Adds an entry for one file under each tag: a symlink whose target is relative to `pages`.

        That holds for files in `gz` too: during a deploy, processes of the version before resolve targets from `pages`,
        and so remove both files.
        """
        name = os.path.relpath(place, self._pages)
        entry = sha256(os.fsencode(name)).hexdigest()[:32]
        for tag in tags:
            folder = self._folder_of(tag)
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                (folder / entry).symlink_to(name)

    def _folder_of(self, tag: str) -> Path:
        return self._tags / sha256(tag.encode()).hexdigest()[:32]


def name_of(address: str, kind: str) -> str:
    """`/plog/hello` → `plog/hello/page.html`, `/plog/` → `plog/folder.html`, so a final slash makes a difference."""
    path = unquote(address).removeprefix("/")
    suffix = SUFFIXES[kind]
    return f"{path}folder.{suffix}" if path.endswith("/") or not path else f"{path}/page.{suffix}"


def etag_of(content: bytes) -> str:
    """The ETag that nginx gives a cached file with this content: mtime and size, in hexadecimal."""
    return f'"{_second(content):x}-{len(content):x}"'


def takes_gzip(accept_encoding: str) -> bool:
    return bool(re.search(TAKES_GZIP, accept_encoding))


def _second(content: bytes) -> int:
    """The mtime, in seconds, to set on a file with this content, derived from its digest.

    Two renders within one second may have equal sizes and still need different ETags. nginx.conf sends no
    Last-Modified, because this mtime is not a date.
    """
    return 1_000_000_000 + int.from_bytes(sha256(content).digest()[:4]) % 700_000_000


def _remove(page: Path) -> None:
    """Removes a page's file, and the `page.html.gz` that the version before wrote beside it.

    After a deploy back to that version, its nginx would serve a stale one. The next version can drop this.
    """
    page.with_name(f"{page.name}.gz").unlink(missing_ok=True)
    page.unlink(missing_ok=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _statuses(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """Returns all files and folders below a folder with their status. Skips what disappears meanwhile."""
    found = []
    with suppress(FileNotFoundError):
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                found.append((path, path.lstat()))
    return found


def _size(status: os.stat_result) -> int:
    """The bytes that a file takes on disk."""
    return max(status.st_blocks * 512, LEAST)
