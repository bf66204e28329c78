"""Whole pages on disk, where nginx finds them without asking anybody; here they are put, and forgotten.

Fresh under every race and kill, by files alone. A render first makes a pending file, and only then reads its data;
what it made is written into that file, entered under its tags, and moved into place; so is what most browsers get, the
same compressed. Forgetting, after a change is stored, first takes all pending files away, then the tags' pages. A move
whose file is gone fails, so nothing rendered from old data can come back, whoever dies where. Entries under a tag stay
(they are names, not pages): one that was taken away in the moment when its page is put again would leave a page that
nobody can forget. A disk that takes nothing more keeps no page, and nobody from being answered.
"""

import gzip
import logging
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
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
LEVEL = 4  # of compression: nginx.conf has the same
OLDEST_PENDING = 3600  # seconds after which a pending file is one of a process that died
LEAST = 256  # bytes of a disk that even an empty file takes

log = logging.getLogger(__name__)


class Pending:
    """A page that is being made: exists as long as nothing that it may be made from has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.compressed = _compressed(path)

    @property
    def is_current(self) -> bool:
        try:
            return self.path.exists()
        except OSError:  # a folder that nobody may enter
            return False


class PageCache:
    """Pages in `folder`/now/pages. Several processes share the folder; it may be thrown away at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = folder / "now"  # moved away as one, so that a page and its tags are never parted
        self._pages = self._now / "pages"
        self._pending = self._now / "pending"
        self._tags = self._now / "tags"
        self._has_failed = False  # to keep the last page that was tried

    def begin(self) -> Pending:
        """To be called before the data of a page is read."""
        pending = Pending(self._pending / uuid4().hex)
        try:
            self._pending.mkdir(parents=True, exist_ok=True)
            pending.path.touch()
            pending.compressed.touch()
        except (FileNotFoundError, FileExistsError):
            pass  # everything is being forgotten: then this page is not kept
        except OSError as error:
            self._fail(error)
        return pending

    def put(self, pending: Pending, address: str, kind: str, body: bytes, tags: Iterable[str]) -> bool:
        """Keep a page under its address. False where it was forgotten meanwhile, or cannot be kept at all."""
        name = name_of(address, kind)
        page = self._page(name)
        try:
            if page is None:
                return False
            compressed = gzip.compress(body, LEVEL, mtime=0)
            files = ((pending.path, page, body), (pending.compressed, _compressed(page), compressed))
            for draft, _, content in files:
                self._write(draft, content)
            self._enter(name, tags)
            page.parent.mkdir(parents=True, exist_ok=True)
            for draft, place, _ in files:
                draft.rename(place)
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
            _remove(pending.path)

    def forget(self, tags: Iterable[str]) -> None:
        """Forget all pages under these tags, and whatever is being made now. To be called after a change was stored."""
        for path in _listed(self._pending):
            path.unlink(missing_ok=True)
        for tag in tags:
            for entry in _listed(self._folder_of(tag)):
                with suppress(OSError):
                    _remove(self._pages / entry.readlink())

    def forget_address(self, address: str) -> None:
        """Forget one page."""
        self.forget(())
        for kind in SUFFIXES:
            if page := self._page(name_of(address, kind)):
                _remove(page)

    def forget_all(self) -> None:
        """Forget everything at once: what is being made now finds its place gone, too. It is only moved away here, and
        takes its room until the next sweep: thousands of files would hold up whoever removes them for seconds."""
        with suppress(FileNotFoundError):
            self._now.rename(self._folder / f"gone-{uuid4().hex}")

    def sweep(self, oldest: float, most: int) -> int:
        """Forget pages older than `oldest` seconds, then the oldest ones until all take at most half of `most` bytes of the
        disk; and remove what was moved away. How many files, of which most pages have two. May take seconds.

        The other half is for names: entries under tags, and folders. None is taken away singly (see above), so where
        they take more, everything is forgotten.
        """
        now = time.time()
        statuses = _statuses(self._pages)
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
            with suppress(OSError):
                path.unlink()
            size -= bytes_
        return len(pages)

    def _fail(self, error: OSError) -> None:
        """Pages cannot be kept now. Said once, not at each request, until one is kept again."""
        if not self._has_failed:
            log.warning("Pages cannot be kept: %s", error)
        self._has_failed = True

    def _page(self, name: str) -> Path | None:
        """Where a page is, or None for a name that leads elsewhere, is too long for a file, or a folder in a page's place."""
        parts = name.split("/")
        is_fit = all(0 < len(os.fsencode(part)) <= LONGEST_NAME and part not in (".", "..") for part in parts)
        is_fit = is_fit and not any(part.startswith(("page.", "folder.")) for part in parts[:-1])
        return self._pages / name if is_fit and "\0" not in name and len(os.fsencode(name)) <= LONGEST_PATH else None

    def _write(self, path: Path, body: bytes) -> None:
        """Into the file that is there, never a new one. nginx makes an ETag of second and size: the second is of the content."""
        with open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
            file.write(body)
        second = 1_000_000_000 + int.from_bytes(sha256(body).digest()[:4]) % 700_000_000
        os.utime(path, (second, second))

    def _enter(self, name: str, tags: Iterable[str]) -> None:
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


def _compressed(page: Path) -> Path:
    """Where nginx looks for the same, compressed (its gzip_static)."""
    return page.with_name(f"{page.name}.gz")


def _remove(page: Path) -> None:
    """A page, with the compressed one beside it."""
    _compressed(page).unlink(missing_ok=True)
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
