"""The Markdown folder in tests/material: posts as Jekyll and Hugo write them, and broken ones."""

import tempfile
import unittest
from datetime import UTC, datetime
from pathlib import Path

from importing.markdown_folder import read
from lib.items import Item, Unusable
from tests.hostile import quickly, repeated

FOLDER = Path(__file__).parents[1] / "material" / "markdown"


class MarkdownFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        found = list(read(FOLDER))
        cls.items = {item.origin_id: item for item in found if isinstance(item, Item)}
        cls.unusable = {part.item: part for part in found if isinstance(part, Unusable)}

    def test_posts_are_found_in_all_folders_except_hidden_ones(self):
        expected = [
            "2014/tables.markdown",
            "2014/without-zone.md",
            "2014/zone.md",
            "2015-03-01-hello.md",
            "_drafts/idea.md",
        ]
        self.assertEqual(list(self.items), [*expected, "bundle/2016-02-03-a-folder/index.md", "windows.md"])

    def test_date_and_slug_come_from_the_file_name(self):
        item = self.items["2015-03-01-hello.md"]
        self.assertEqual((item.slug, item.date), ("hello", datetime(2015, 3, 1, tzinfo=UTC)))
        self.assertEqual(
            (item.kind, item.origin_kind, item.origin_host, item.format), ("post", "markdown", "", "markdown")
        )
        self.assertTrue(item.text.startswith("Welcome."))

    def test_categories_and_tags_may_be_lists_or_strings(self):
        hello, tables = self.items["2015-03-01-hello.md"], self.items["2014/tables.markdown"]
        self.assertEqual((hello.categories, hello.keywords), (("python", "web"), ("Tornado", "Real time", "2015")))
        self.assertEqual(tables.categories, ("Python", "Web Development"))
        self.assertEqual(tables.keywords, ("tables", "alignment", "html"))

    def test_other_fields_come_from_the_front_matter(self):
        item = self.items["2014/tables.markdown"]
        self.assertEqual((item.slug, item.summary), ("about-tables", "Columns, left and right."))
        self.assertEqual(item.url, "https://elsewhere.example/tables")
        self.assertEqual(item.addresses, ("/old/tables/", "/t?p=7", "/2014/tables.html"))
        self.assertEqual(self.items["2015-03-01-hello.md"].summary, "The first post of an old blog.")

    def test_dates_without_a_zone_are_utc(self):
        self.assertEqual(self.items["2014/zone.md"].date, datetime(2015, 1, 1, 4, 30, tzinfo=UTC))
        self.assertEqual(self.items["2014/without-zone.md"].date, datetime(2014, 12, 31, 23, 30, tzinfo=UTC))
        self.assertEqual(self.items["2014/tables.markdown"].date, datetime(2014, 6, 5, 12, 30, tzinfo=UTC))

    def test_a_url_that_is_a_path_is_a_former_address(self):
        item = self.items["2014/zone.md"]
        self.assertEqual((item.url, item.addresses), (None, ("/hugo/zone/",)))

    def test_an_external_url_is_not_a_former_address(self):
        for url in ("http://x.example/a  b", " HTTP://x.example/a", "http://x.example/a?b#c"):
            with self.subTest(url):
                item = self.read_with(f'url: "{url}"\npermalink: https://here.example/old')
                self.assertEqual((item.url, item.addresses), (" ".join(url.split()), ("/old",)))

    def test_an_invalid_url_is_named(self):
        for url in ("http://[bad", "https://", "http://:80/a", "HTTP://[x/  y"):
            with self.subTest(url):
                unusable = self.read_with(f'url: "{url}"')
                self.assertIn("is no address", unusable.reason)
                self.assertEqual((unusable.item, unusable.line), ("a.md", 1))

    def test_titles_that_look_like_numbers_stay_as_they_are_written(self):
        for title in ("1.10", "12:30", "007", "1_000", "0x10", "2015", "C#"):
            with self.subTest(title):
                item = self.read_with(f"slug: x\ntitle: {title}")
                self.assertEqual((item.title, item.slug), (title, "x"))

    def test_exponentially_nested_aliases_are_refused_with_file_and_line(self):
        lists = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
        maps = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]
        long = f"a0: &a0 {'x' * 10_000}\na1: [{', '.join(['*a0'] * 2_000)}]"
        for front in (
            "a0: &a0 [x]\n" + "\n".join([*lists, "aliases: *a8"]),
            "a0: &a0 {x: y}\n" + "\n".join(maps),
            long,
        ):
            with self.subTest(front[:12]), quickly():
                unusable = self.read_with(front)
                self.assertIn("larger than 100,000 characters, aliases included", unusable.reason)
                self.assertEqual(unusable.item, "a.md")
                self.assertIn(unusable.line, range(4, 12))

    def test_a_recursive_alias_is_refused(self):
        self.assertIn("within what it stands for", self.read_with("aliases: &a [b, *a]").reason)
        nested = "".join(f"&n{n} [{', '.join(f'*n{m}' for m in range(n))}{', ' if n else ''}" for n in range(30))
        with quickly():
            self.assertEqual(self.read_with(f"a: {nested}x{']' * 30}\naliases: *n29").line, 4)

    def test_a_few_aliases_are_read(self):
        self.assertEqual(self.read_with("tags: &t [a, b]\nkeywords: *t").keywords, ("a", "b"))

    def test_hostile_files_take_linear_time(self):
        spaces = repeated(" ")
        fronts = [
            repeated(piece) for piece in ("a: b\n", "x:\n ", "[a,", "- a\n", "[", "{", "&a [*a],", "\n", "'", "? ")
        ]
        for front in (*fronts, f"aliases: ['x{spaces}y']", "".join(f"k{n}: v\n" for n in range(40_000))):
            with self.subTest(front[:12]), quickly():
                self.read_with(front)
        with quickly():
            self.assertIn("is not understood", self.read_dated(f"x{spaces[:90_000]}y"))
        for heading in (f"# a{spaces}b", repeated("# "), repeated("# a #"), repeated(" ")):
            with self.subTest(heading[:12]), quickly():
                self.read_headed(heading)

    def test_a_title_from_a_heading_has_no_closing_marks(self):
        for heading, title in (("# A", "A"), ("# A ##  ", "A"), ("# C#", "C#"), ("#\tA # b #", "A # b")):
            with self.subTest(heading):
                self.assertEqual(self.read_headed(heading).title, title)

    def read_dated(self, date: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.md").write_text(f"---\ntitle: A\ndate: '{date}'\n---\nText\n")
            return next(read(Path(folder))).reason

    def read_headed(self, heading: str) -> Item | Unusable:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.md").write_text(f"---\ndate: 2015-01-01\n---\n{heading}\nText\n")
            return next(read(Path(folder)))

    def read_with(self, front: str) -> Item | Unusable:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "a.md").write_text(f"---\ntitle: A\ndate: 2015-01-01\n{front}\n---\nText\n")
            return next(read(Path(folder)))

    def test_drafts_are_recognised_in_three_ways(self):
        drafts = {name for name, item in self.items.items() if item.is_draft}
        self.assertEqual(drafts, {"2014/without-zone.md", "_drafts/idea.md", "bundle/2016-02-03-a-folder/index.md"})

    def test_comments_are_closed_by_the_word_closed_or_by_false(self):
        for value, is_closed in [
            ("closed", True),
            ("false", True),
            ("no", True),
            ("Closed", True),
            ("true", False),
            ("open", False),
            ("", False),
        ]:
            with self.subTest(value), tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "2015-01-01-a.md").write_text(f"---\ntitle: A\ncomments: {value}\n---\nText\n")
                (item,) = read(Path(folder))
                self.assertEqual(item.has_closed_comments, is_closed)
        self.assertFalse(any(item.has_closed_comments for item in self.items.values()))

    def test_a_page_bundle_has_the_slug_of_its_folder_and_the_title_of_its_heading(self):
        item = self.items["bundle/2016-02-03-a-folder/index.md"]
        self.assertEqual((item.slug, item.title, item.text), ("a-folder", "The title is a heading", "A page bundle.\n"))

    def test_files_with_windows_line_ends_are_read(self):
        item = self.items["windows.md"]
        self.assertEqual((item.title, item.text), ("Füße", "Line one\nLine two\n"))

    def test_unusable_files_are_named_with_line_and_reason(self):
        for name, line, reason in [
            ("2015-04-01-hello.md", None, "the same as that of 2015-03-01-hello.md"),
            ("2015-05-01-no-title.md", 1, "no title"),
            ("impossible-date.md", 1, "day is out of range"),
            ("latin-1.md", 2, "not UTF-8"),
            ("list.md", 1, "no keys"),
            ("no-date.md", 1, "no date"),
            ("no-end.md", 1, "no end"),
            ("no-front-matter.md", 1, "no front matter"),
            ("odd-date.md", 1, "next spring"),
            ("toml.md", 1, "TOML"),
            ("yaml.md", 4, "no YAML"),
        ]:
            with self.subTest(name):
                unusable = self.unusable.pop(f"broken/{name}")
                self.assertEqual((unusable.file, unusable.line), (str(FOLDER / "broken" / name), line))
                self.assertIn(reason, unusable.reason)
        self.assertEqual(self.unusable, {})

    def test_reading_twice_gives_the_same_items(self):
        self.assertEqual(list(read(FOLDER)), list(read(FOLDER)))

    def test_a_single_file_can_be_read(self):
        (item,) = read(FOLDER / "2015-03-01-hello.md")
        self.assertEqual(item, self.items["2015-03-01-hello.md"])

    def test_a_folder_without_usable_files_is_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (Path(folder), Path(folder) / "missing", FOLDER / "notes.txt"):
                with self.subTest(path):
                    (unusable,) = read(path)
                    self.assertIn("no usable Markdown", unusable.reason)

    def test_malformed_front_matter_never_raises(self):
        for front in ("title: [", "&a [*a]", "!!python/object:os.system x", "date: 0001-01-01T00:00:00+14:00\ntitle: x",
                      "title: {}\ndate: 2015-01-01", "[" * 3000, "title: x\ndate: 2015-01-01\naliases: ['http://[']",
                      "title: x\ndate: 99999\ntags: {a: b}", "? [a]\n: b", "title: \"\\ud800\"", "draft: !!bool x",
                      "date: !!timestamp x", "title: !!int ''", "title: \"\\UFFFFFFFF\"", "title: 0x" + "f" * 9000,
                      "date: 0x" + "f" * 9000, "0x" + "f" * 9000 + ": a", "title: 1" + ":59" * 9000):  # fmt: skip
            with self.subTest(front[:40]), tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "a.md").write_text(f"---\n{front}\n---\nText\n")
                self.assertTrue(list(read(Path(folder))))


if __name__ == "__main__":
    unittest.main()
