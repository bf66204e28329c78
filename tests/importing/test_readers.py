"""The table of readers: each format is recognised by the content of the file."""

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

    def test_the_items_are_those_of_the_matching_reader(self) -> None:
        self.assertEqual(list(importing.read(EXPORT)), list(wordpress.read(EXPORT)))

    def test_content_takes_precedence_over_the_file_name(self) -> None:
        self.assertIsInstance(next(importing.read(self.file("export.md", EXPORT.read_bytes()))), Item)

    def test_a_truncated_export_is_recognised_and_its_readable_items_are_used(self) -> None:
        content = EXPORT.read_bytes()
        *items, problem = importing.read(self.file("cut.xml", content[: len(content) * 2 // 3]))
        self.assertTrue(any(isinstance(item, Item) for item in items))
        self.assertIsInstance(problem, Unusable)
        problem = next(importing.read(self.file("cut-early.xml", RSS.format(WORDPRESS)[:-20])))
        self.assertIn("broken", problem.reason)

    def test_other_files_are_refused_with_a_list_of_known_formats(self) -> None:
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

    def test_a_missing_file_raises_an_os_error(self) -> None:
        for path in (self.folder / "none.xml", self.folder / "none.md"):
            with self.assertRaises(FileNotFoundError):
                importing.read(path)
