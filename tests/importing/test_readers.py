"""The table of readers: each format is recognised by what is in the file."""

import tempfile
import unittest
from pathlib import Path

import importing
from importing import READERS, UnknownFormat, markdown_folder, wordpress
from lib.items import Item, Unusable

MATERIAL = Path(__file__).parents[1] / "material"
EXPORT = MATERIAL / "old-blog.xml"
RSS = '<rss version="2.0"{}><channel><title>A feed</title></channel></rss>'
WORDPRESS = ' xmlns:wp="http://wordpress.org/export/1.2/"'


class ReadersTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="plog-importing-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def readers_for(self, path: Path) -> list[object]:
        return [reader.read for reader in READERS if reader.is_for(path)]

    def test_each_path_has_one_reader(self) -> None:
        post = MATERIAL / "markdown" / "2015-03-01-hello.md"
        self.assertEqual(self.readers_for(EXPORT), [wordpress.read])
        self.assertEqual(self.readers_for(self.file("export", EXPORT.read_bytes())), [wordpress.read])
        self.assertEqual(self.readers_for(self.file("blank-line.xml", b"\n" + EXPORT.read_bytes())), [wordpress.read])
        for path in (MATERIAL / "markdown", post, self.file("POST.MD", post.read_bytes())):
            self.assertEqual(self.readers_for(path), [markdown_folder.read], path)

    def test_what_is_read_is_what_the_reader_reads(self) -> None:
        self.assertEqual(list(importing.read(EXPORT)), list(wordpress.read(EXPORT)))

    def test_content_counts_more_than_the_name(self) -> None:
        self.assertIsInstance(next(importing.read(self.file("export.md", EXPORT.read_bytes()))), Item)

    def test_an_export_that_is_cut_off_is_recognised_and_gives_what_it_has(self) -> None:
        content = EXPORT.read_bytes()
        *items, problem = importing.read(self.file("cut.xml", content[: len(content) * 2 // 3]))
        self.assertTrue(any(isinstance(item, Item) for item in items))
        self.assertIsInstance(problem, Unusable)
        problem = next(importing.read(self.file("cut-early.xml", RSS.format(WORDPRESS)[:-20])))
        self.assertIn("broken", problem.reason)

    def test_anything_else_is_refused_with_the_formats_that_there_are(self) -> None:
        for content in (
            b"",
            b"\0\xff" * 40000,
            "just text",
            '{"db": []}',
            "<!DOCTYPE html><title>A page</title>",
            RSS.format(""),
            RSS.format("").replace("A feed", "http://wordpress.org/export/1.2/"),
            f'<feed xmlns="http://www.w3.org/2005/Atom"{WORDPRESS}/>',
            f"<!-- {'x' * 200_000} -->" + RSS.format(WORDPRESS),
            f'<!DOCTYPE rss [<!ENTITY a "b">]>{RSS.format(WORDPRESS)}',
            f'<?xml version="1.0" encoding="unheard-of"?>{RSS.format(WORDPRESS)}',
        ):
            with self.subTest(content[:60]), self.assertRaises(UnknownFormat) as caught:
                importing.read(self.file("export.xml", content))
            for reader in READERS:
                self.assertIn(reader.format, str(caught.exception))

    def test_what_is_missing_or_cannot_be_read_is_an_os_error(self) -> None:
        for path in (self.folder / "none.xml", self.folder / "none.md"):
            with self.assertRaises(FileNotFoundError):
                importing.read(path)
