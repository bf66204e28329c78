"""The page cache: whole pages on disk, plain and compressed, which nginx serves without asking a process.

Files alone keep it fresh, whatever races and whatever is killed. A render first makes two pending files, and only then
reads its data. What it rendered is written into them, entered under its tags, and moved into place: the plain page into
`pages`, the compressed one into `gz` under the same name. Invalidating, after a change is stored, first removes all
pending files, then both files of every page under the tags. A move fails where the pending file is gone, so nothing
rendered from old data can come back. Entries under a tag are never removed singly: removing one while its page is put
again would leave a page that nobody can invalidate. On a full disk pages are answered as ever, and not cached. Where a
page cannot be removed, invalidation raises `Unwritable`; it ignores only files that are gone already.
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
LONGEST_PATH = 1024  # bytes, well below what the kernel takes
SUFFIXES = {
    "text/html": "html",
    "application/rss+xml": "rss",
    "application/atom+xml": "atom",
    "application/feed+json": "feed",
    "application/xml": "xml",
}  # nginx makes the content type of a file from its suffix
FOLDERS = ("pages", "gz")  # plain and compressed: nginx.conf has the same
LEVEL = 4  # of compression: nginx.conf has the same
# Found in an Accept-Encoding that takes gzip; nginx.conf is rendered with it.
TAKES_GZIP = r"(?i)(^|,)\s*gzip\s*(;\s*q=(1(\.0*)?|0\.0*[1-9]\d*)\s*)?(,|$)"
OLDEST_PENDING = 3600  # seconds after which a pending file is one of a process that died
LEAST = 256  # bytes of a disk that even an empty file takes

log = logging.getLogger(__name__)


class Body:
    """The bytes of a page, plain and compressed."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def compressed(self) -> bytes:
        return gzip.compress(self.plain, LEVEL, mtime=0)


class Unwritable(Exception):
    """Cached pages cannot be removed, so nginx goes on serving them. The message has the path and the reason."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"Cached pages cannot be removed, so visitors get old ones: {error.filename}: {error.strerror}."
        )


class Pending:
    """A page that is being made: exists as long as nothing that it may be made from has changed."""

    def __init__(self, path: Path) -> None:
        self.paths = (path, path.with_suffix(".gz"))  # for the plain page and the compressed one

    @property
    def is_current(self) -> bool:
        try:
            return self.paths[0].exists()
        except OSError:  # a folder that nobody may enter
            return False


@contextmanager
def _removing() -> Iterator[None]:
    """Turns an error of the disk into `Unwritable`, which no caller takes for a server that is away."""
    try:
        yield
    except OSError as error:
        raise Unwritable(error) from error


class PageCache:
    """Pages in `folder`/now/pages and …/gz. Several processes share the folder; it may be thrown away at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = folder / "now"  # moved away as one, so that a page and its tags are never parted
        self._folders = [self._now / name for name in FOLDERS]
        self._pages = self._folders[0]
        self._pending = self._now / "pending"
        self._tags = self._now / "tags"
        self._has_failed = False  # to keep the last page that was tried

    def begin(self) -> Pending:
        """To be called before the data of a page is read."""
        pending = Pending(self._pending / uuid4().hex)
        try:
            self._pending.mkdir(parents=True, exist_ok=True)
            for path in pending.paths:
                path.touch()
        except (FileNotFoundError, FileExistsError):
            pass  # everything is being forgotten: then this page is not kept
        except OSError as error:
            self._fail(error)
        return pending

    def put(self, pending: Pending, address: str, kind: str, body: Body, tags: Iterable[str]) -> bool:
        """Cache a page under its address. False if it was invalidated meanwhile, or cannot be cached at all."""
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
            return False  # forgotten
        except OSError as error:
            self._fail(error)
            return False
        finally:
            self.drop(pending)
        self._has_failed = False
        return True

    def drop(self, pending: Pending) -> None:
        """Give up a page that was begun."""
        with suppress(OSError):  # a file that stays is never moved into place any more
            for path in pending.paths:
                path.unlink(missing_ok=True)

    @_removing()
    def forget(self, tags: Iterable[str]) -> None:
        """Forget all pages under these tags, and whatever is being made now. To be called after a change was stored."""
        for path in _listed(self._pending):
            path.unlink(missing_ok=True)
        for tag in tags:
            for entry in _listed(self._folder_of(tag)):
                with suppress(FileNotFoundError):
                    _remove(self._pages / entry.readlink())

    @_removing()
    def forget_address(self, address: str) -> None:
        """Forget one page."""
        self.forget(())
        for kind in SUFFIXES:
            for place in self._places(name_of(address, kind)):
                _remove(place)

    @_removing()
    def forget_all(self) -> None:
        """Forget everything at once: what is being made now finds its place gone, too. It is only moved away here, and
        takes its room until the next sweep: thousands of files would hold up whoever removes them for seconds."""
        with suppress(FileNotFoundError):
            self._now.rename(self._folder / f"gone-{uuid4().hex}")

    @_removing()
    def sweep(self, oldest: float, most: int) -> int:
        """Forget pages older than `oldest` seconds, then the oldest ones until all take at most half of `most` bytes of the
        disk; and remove what was moved away. How many files, of which most pages have two. May take seconds.

        The other half is for names: entries under tags, and folders. None is taken away singly (see above), so where
        they take more, everything is forgotten.
        """
        now = time.time()
        statuses = [found for folder in self._folders for found in _statuses(folder)]
        pages = sorted((s.st_ctime, _size(s), path) for path, s in statuses if not S_ISDIR(s.st_mode))
        names = [s for _, s in statuses if S_ISDIR(s.st_mode)] + [s for _, s in _statuses(self._tags)]
        forgotten = self._forget_oldest(pages, now - oldest, most // 2)
        if sum(map(_size, names)) > most // 2:
            self.forget_all()
            forgotten = len(pages)
        for path, status in _statuses(self._pending):
            if status.st_ctime < now - OLDEST_PENDING:
                path.unlink(missing_ok=True)
        for folder in self._folder.glob("gone-*"):
            shutil.rmtree(folder, ignore_errors=True)
        return forgotten

    def _forget_oldest(self, pages: list[tuple[float, int, Path]], before: float, most: int) -> int:
        """Forget those from `before` or earlier, and more until the rest takes at most `most` bytes. How many.

        `pages` are (changed, bytes, path), the oldest first.
        """
        size = sum(size for _, size, _ in pages)
        for number, (changed, bytes_, path) in enumerate(pages):
            if changed > before and size <= most:
                return number
            path.unlink(missing_ok=True)
            size -= bytes_
        return len(pages)

    def _fail(self, error: OSError) -> None:
        """Pages cannot be kept now. Said once, not at each request, until one is kept again."""
        if not self._has_failed:
            log.warning("Pages cannot be kept: %s", error)
        self._has_failed = True

    def _places(self, name: str) -> list[Path]:
        """The plain file of a page and the compressed one. None for a name that leads outside, is too long for a file, or
        would make a folder where another page is."""
        parts = name.split("/")
        is_fit = all(0 < len(os.fsencode(part)) <= LONGEST_NAME and part not in (".", "..") for part in parts)
        is_fit = is_fit and not any(part.startswith(("page.", "folder.")) for part in parts[:-1])
        is_fit = is_fit and "\0" not in name and len(os.fsencode(name)) <= LONGEST_PATH
        return [folder / name for folder in self._folders] if is_fit else []

    def _write(self, path: Path, body: bytes) -> None:
        """Into the file that is there, never a new one."""
        with open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(body)
        second = _second(body)
        os.utime(path, (second, second))

    def _enter(self, place: Path, tags: Iterable[str]) -> None:
        """Each file has its own entry. Its target starts at `pages`, also for a file in `gz`: during a deploy, processes of
        the version before follow it from there, and so remove that file too."""
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
    """`/plog/hello` → `plog/hello/page.html`, `/plog/` → `plog/folder.html`: the other spelling is never found."""
    path = unquote(address).removeprefix("/")
    suffix = SUFFIXES[kind]
    return f"{path}folder.{suffix}" if path.endswith("/") or not path else f"{path}/page.{suffix}"


def etag_of(content: bytes) -> str:
    """The ETag that nginx gives to a cached file: mtime and size, in hexadecimal."""
    return f'"{_second(content):x}-{len(content):x}"'


def takes_gzip(accept_encoding: str) -> bool:
    return bool(re.search(TAKES_GZIP, accept_encoding))


def _second(content: bytes) -> int:
    """The mtime of a file with this content. Taken from its digest, because two renderings of one second may be of equal
    size, and must differ in their ETags. It is no date: nginx.conf sends no Last-Modified of it."""
    return 1_000_000_000 + int.from_bytes(sha256(content).digest()[:4]) % 700_000_000


def _remove(page: Path) -> None:
    """A file of a page, and the one that the version before put beside it (`page.html.gz`): after a deploy back to that
    version, its nginx would serve a stale one. Remove this in the next version."""
    page.with_name(f"{page.name}.gz").unlink(missing_ok=True)
    page.unlink(missing_ok=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _statuses(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """Everything in a folder and in those in it, and these themselves; no more of it where it is forgotten meanwhile."""
    found = []
    with suppress(FileNotFoundError):
        for path in folder.rglob("*"):
            with suppress(FileNotFoundError):
                found.append((path, path.lstat()))
    return found


def _size(status: os.stat_result) -> int:
    """What a file takes of the disk, in bytes."""
    return max(status.st_blocks * 512, LEAST)
