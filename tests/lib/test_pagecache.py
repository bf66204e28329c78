"""The page cache on a real disk: what happens if others work, or a process dies, at each line of put and invalidate."""

import gzip
import shutil
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from lib.pagecache import LEAST, Body, PageCache, Unwritable, etag_of, name_of, takes_gzip
from tests.disks import REFUSALS, full, read_only

HTML = "text/html"
PAGE = b"as long as most pages are " * 20  # long enough to be compressed
Step = Callable[[str], None]
_steps: list[Step] = []  # called for each thing that this interpreter does to the disk


def _audit(event: str, _: object) -> None:
    if _steps and (event == "open" or event.startswith(("os.", "shutil."))):
        _steps[-1](event)


sys.addaudithook(_audit)  # cannot be taken away again; with nobody to tell it does nothing


class PageCacheTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog-pages-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.cache = PageCache(self.folder)
        self.other = PageCache(self.folder)  # of another process

    def put(self, address: str, body: bytes = b"hello", *tags: str) -> bool:
        return self.cache.put(self.cache.begin(), address, HTML, Body(body), tags)

    def file(self, address: str) -> Path:
        return self.folder / "now" / "pages" / name_of(address, HTML)

    def files(self, address: str) -> list[Path]:
        """The files of a page that are there: the plain one, then the compressed one."""
        places = [self.folder / "now" / folder / name_of(address, HTML) for folder in ("pages", "gz")]
        return [path for path in places if path.is_file()]

    def test_a_page_is_where_nginx_looks_for_it_and_the_other_spelling_is_not(self) -> None:
        names = {"/": "folder.html", "/plog/": "plog/folder.html", "/plog/hello": "plog/hello/page.html"}
        for address, name in names.items():
            self.assertEqual(name_of(address, HTML), name)
        self.assertEqual(name_of("/oc-Live/rss.xml", "application/rss+xml"), "oc-Live/rss.xml/page.rss")
        self.assertEqual(name_of("/plog/caf%C3%A9", HTML), "plog/café/page.html")

    def test_what_is_put_is_there_until_one_of_its_tags_is_invalidated(self) -> None:
        for tag in ("home", "post:1"):
            self.assertTrue(self.put("/", b"the page", "home", "post:1"))
            self.assertEqual(self.file("/").read_bytes(), b"the page")
            self.other.invalidate(["elsewhere"])
            self.assertTrue(self.file("/").exists())
            self.other.invalidate([tag])
            self.assertFalse(self.file("/").exists())

    def test_a_page_is_cached_compressed_too(self) -> None:
        for address, page in (("/", PAGE), ("/plog/", b"short")):
            self.assertTrue(self.put(address, page, "home"))
            plain, compressed = self.files(address)
            self.assertEqual(gzip.decompress(compressed.read_bytes()), plain.read_bytes())
        self.assertEqual(list((self.folder / "now" / "pending").iterdir()), [])

    def test_the_etag_of_a_page_is_the_one_that_nginx_makes_of_its_file(self) -> None:
        self.put("/", PAGE, "home")
        for path in self.files("/"):
            status = path.stat()
            self.assertEqual(etag_of(path.read_bytes()), f'"{int(status.st_mtime):x}-{status.st_size:x}"')

    def test_a_page_may_be_put_again_and_invalidated_again(self) -> None:
        for n in range(3):
            self.assertTrue(self.put("/plog/hello", b"%d" % n, "post:1"))
            self.cache.invalidate(["post:1"])
            self.assertFalse(self.file("/plog/hello").exists())

    def test_a_page_that_was_begun_before_a_change_is_never_cached(self) -> None:
        for invalidate in (
            lambda: self.other.invalidate([]),
            self.other.invalidate_all,
            lambda: self.other.invalidate_address("/x"),
        ):
            pending = self.cache.begin()
            self.assertTrue(pending.is_current)
            invalidate()
            self.assertFalse(pending.is_current)
            self.assertFalse(self.cache.put(pending, "/", HTML, Body(b"old"), ["home"]))
            self.assertFalse(self.file("/").exists())

    def test_invalidating_at_any_line_of_putting_leaves_no_stale_page(self) -> None:
        """Another process invalidates before each step of `put` on the disk in turn: no stale page may survive."""
        for invalidate in (
            lambda: self.other.invalidate(["home"]),
            self.other.invalidate_all,
            lambda: self.other.invalidate_address("/"),
        ):
            for number in range(len(self.putting())):
                self.putting(invalidate, at=number)
                is_older_than_change = number > self.begun
                self.assertFalse(is_older_than_change and self.files("/"), f"invalidated at step {number}")
                self.other.invalidate(["home"])
                self.assertFalse(self.files("/"), f"cannot be invalidated after step {number}")

    def test_a_process_that_dies_at_any_line_of_putting_leaves_no_page_that_cannot_be_invalidated(self) -> None:
        for number in range(len(self.putting())):
            with self.assertRaises(Killed):
                self.putting(self.die, at=number)
            self.other.invalidate(["home"])
            self.assertFalse(self.files("/"), f"died at step {number}")

    def test_a_process_that_dies_at_any_line_of_invalidating_leaves_no_stale_page(self) -> None:
        self.put("/", PAGE, "home")
        steps = self.stepwise(lambda: self.cache.invalidate(["home"]))
        for number in range(len(steps)):
            self.put("/", PAGE, "home")
            pending = self.cache.begin()
            with self.assertRaises(Killed):
                self.stepwise(lambda: self.cache.invalidate(["home"]), self.die, at=number)
            self.other.invalidate(["home"])  # the worker tells it again
            self.assertFalse(self.files("/"))
            self.assertFalse(self.cache.put(pending, "/", HTML, Body(PAGE), ["home"]))

    def test_processes_of_the_version_before_invalidate_both_files_during_a_deploy(self) -> None:
        """They follow the entries of a tag from `pages`, and know nothing of `gz`."""
        self.put("/", PAGE, "home")
        self.put("/plog/hello", PAGE, "home")
        pages = self.folder / "now" / "pages"
        for tag in (self.folder / "now" / "tags").iterdir():
            for entry in tag.iterdir():
                (pages / entry.readlink()).unlink()
        self.assertFalse(self.files("/") + self.files("/plog/hello"))

    def test_what_processes_of_the_version_before_put_is_invalidated_too(self) -> None:
        """A deploy back to that version may otherwise serve it: its nginx looks for `page.html.gz`."""
        self.put("/plog/hello", PAGE, "post:1")
        beside = self.file("/plog/hello").with_name("page.html.gz")
        beside.write_bytes(b"")
        self.cache.invalidate(["post:1"])
        self.assertFalse(beside.exists())

    def test_two_renderings_in_one_second_of_equal_size_differ_in_their_second(self) -> None:
        seconds = set()
        for body in (b"one", b"two"):
            self.put("/", body, "home")
            seconds.add(int(self.file("/").stat().st_mtime))
        self.assertEqual(len(seconds), 2)
        self.put("/", b"one", "home")
        self.assertIn(int(self.file("/").stat().st_mtime), seconds)

    def test_no_name_leads_outside_or_is_too_long_for_the_disk(self) -> None:
        for address in ("/../secret", "/a/../../b", "/%2e%2e/x", "/a//b", "/" + "é" * 200, "/a" * 600, "/a\0b", "/./x"):
            self.assertFalse(self.put(address, b"x", "t"), address[:40])
        files = [path for path in self.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        self.assertEqual(files, [])

    def test_invalidating_everything_removes_all_pages_and_the_next_page_is_cached_again(self) -> None:
        self.put("/", b"x", "home")
        self.cache.invalidate_all()
        self.assertFalse((self.folder / "now").exists())
        self.cache.invalidate_all()
        self.assertTrue(self.put("/", b"y", "home"))

    def test_invalidating_everything_takes_as_long_for_many_pages_as_for_none_and_the_sweep_removes_them(self) -> None:
        few = self.stepwise(self.cache.invalidate_all)
        for n in range(50):
            self.put(f"/plog/post-{n}", b"x", "home", f"post:{n}")
        many = self.stepwise(self.cache.invalidate_all)
        self.assertEqual(many, few)
        self.put("/", b"y", "home")
        self.assertEqual(self.cache.sweep(oldest=3600, most=10_000_000), 0)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["now"])
        self.assertTrue(self.file("/").exists())

    def test_the_oldest_go_when_they_take_more_than_half_of_the_room_and_all_that_are_too_old(self) -> None:
        body = b"x" * 100_000
        for n in range(4):
            self.put(f"/p{n + 2}", body, "home")
            moment = time.time_ns()
            while time.time_ns() == moment:
                pass
        size = sum(file.stat().st_blocks * 512 for file in self.files("/p2"))
        self.assertEqual(self.cache.sweep(oldest=3600, most=2 * 2 * size), 4)
        self.assertFalse(self.files("/p2") or self.files("/p3"))
        self.assertEqual(self.cache.sweep(oldest=-1, most=10_000_000), 4)

    def test_small_pages_count_as_what_they_take_of_the_disk(self) -> None:
        self.put("/", b"x", "home")
        size = sum(file.stat().st_blocks * 512 for file in self.files("/"))
        self.assertEqual(self.cache.sweep(oldest=3600, most=2 * size), 0)
        self.assertEqual(self.cache.sweep(oldest=3600, most=size), 2)

    def test_everything_is_invalidated_when_names_take_more_than_the_other_half(self) -> None:
        for n in range(100):
            self.cache.put(self.cache.begin(), "/", HTML, Body(b"x"), [f"post:{n}"])
        most = 2 * 200 * LEAST - 1
        self.put("/p2", b"x", "home")
        self.assertEqual(self.cache.sweep(oldest=3600, most=most), 4)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_on_a_full_disk_no_page_is_cached_and_the_log_says_so_once_each_time(self) -> None:
        for _ in range(2):
            with full(100), self.assertLogs("lib.pagecache", "WARNING") as logged:
                for n in range(5):
                    self.assertFalse(self.put(f"/p{n + 2}", b"x" * 10_000, "home"))
            self.assertEqual(len(logged.output), 1)
            self.assertTrue(self.put("/p2", b"x" * 10_000, "home"))
        self.assertEqual(list((self.folder / "now" / "pending").iterdir()), [])

    def test_a_page_whose_pending_file_cannot_be_made_is_not_cached(self) -> None:
        (self.folder / "now").write_text("This is no folder.")
        with self.assertLogs("lib.pagecache", "WARNING") as logged:
            for _ in range(3):
                pending = self.cache.begin()
                self.assertFalse(pending.is_current)
                self.assertFalse(self.cache.put(pending, "/", HTML, Body(b"x"), ["home"]))
        self.assertEqual(len(logged.output), 1)

    def test_pages_that_cannot_be_removed_are_an_error_with_path_and_reason(self) -> None:
        self.put("/", b"x", "home")
        with read_only(self.folder):
            for invalidate in (
                lambda: self.cache.invalidate(["home"]),
                lambda: self.cache.invalidate_address("/"),
                self.cache.invalidate_all,
                lambda: self.cache.sweep(oldest=-1, most=10_000_000),
            ):
                with self.assertRaisesRegex(Unwritable, f"{self.folder}/now.*: ({REFUSALS})"):
                    invalidate()
        self.assertTrue(self.file("/").exists())
        self.cache.invalidate(["home"])
        self.assertFalse(self.file("/").exists())

    def test_a_folder_in_the_place_of_a_page_is_such_an_error_too(self) -> None:
        self.put("/", b"x", "home")
        self.file("/").unlink()
        self.file("/").mkdir()
        for invalidate in (lambda: self.cache.invalidate(["home"]), lambda: self.cache.invalidate_address("/")):
            with self.assertRaisesRegex(Unwritable, f"{self.file('/')}: Is a directory"):
                invalidate()

    def test_a_page_whose_folder_has_the_name_of_another_page_is_not_cached(self) -> None:
        for address in ("/plog/folder.html", "/plog/page.html", "/plog/page.html.gz", "/plog/folder.feed/p2"):
            self.assertFalse(self.put(address, PAGE, "post:1"), address)
        self.assertTrue(self.put("/plog/", PAGE, "archive") and self.put("/plog/pages", PAGE, "post:2"))

    def putting(self, intrude: Callable[[], None] | None = None, at: int = -1) -> list[str]:
        """Put a page from the first step to the last, with an intruder before step `at`."""
        self.other.invalidate_all()
        steps = self.stepwise(
            lambda: self.cache.put(self.cache.begin(), "/", HTML, Body(PAGE), ["home", "post:1"]), intrude, at
        )
        self.begun = steps.index("open")  # the first pending file is there from its opening on
        return steps

    def stepwise(
        self, work: Callable[[], object], intrude: Callable[[], None] | None = None, at: int = -1
    ) -> list[str]:
        """Does some work, with the intruder before step `at`. Returns the steps. A killed process does no more."""
        steps: list[str] = []

        def step(event: str) -> None:
            steps.append(event)
            if intrude is not None and (len(steps) == at + 1 or (intrude == self.die and len(steps) > at)):
                _steps.clear()
                try:
                    intrude()
                finally:
                    _steps.append(step)

        _steps.append(step)
        try:
            work()
        finally:
            _steps.clear()
        return steps

    def die(self) -> None:
        raise Killed


class TakesGzipTest(unittest.TestCase):
    def test_only_a_visitor_that_takes_gzip_gets_it(self) -> None:
        for header in ("gzip", "gzip, deflate, br, zstd", "br,GZIP;Q=0.5", "deflate , gzip ; q=1.0", "gzip;q=0.001"):
            self.assertTrue(takes_gzip(header), header)
        for header in (
            "",
            "identity",
            "br",
            "*",
            "x-gzip",
            "gzipped",
            "gzip;q=0",
            "gzip; q=0.000, br",
            "gzip;q=",
            "gzip/2",
        ):
            self.assertFalse(takes_gzip(header), header)


class Killed(BaseException):
    """What a killed process does: nothing more."""
