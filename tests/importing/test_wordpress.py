"""The WordPress export in tests/material: classic posts, blocks, comments of every status, and what is left out."""

import io
import tempfile
import tracemalloc
import unittest
from datetime import UTC, datetime
from pathlib import Path

from importing.wordpress import read
from importing.wordpress.bodies import body_html
from lib.items import Item, Unusable
from lib.markup import post_html
from tests.hostile import quickly, repeated

EXPORT = Path(__file__).parents[1] / "material" / "old-blog.xml"


def read_text(text: str) -> list[Item | Unusable]:
    with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return list(read(Path(file.name)))


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        found = list(read(EXPORT))
        cls.items = {item.origin_id: item for item in found if isinstance(item, Item)}
        cls.unusable = [part for part in found if isinstance(part, Unusable)]

    def test_only_posts_and_pages_are_imported(self):
        self.assertEqual(list(self.items), ["12", "13", "14", "15", "16", "17", "18", "19", "25", "27"])
        self.assertEqual([number for number, item in self.items.items() if item.is_page], ["14", "25"])

    def test_a_post_is_identified_by_its_blog_and_number(self):
        item = self.items["12"]
        self.assertEqual((item.origin_kind, item.origin_host, item.origin_id), ("wordpress", "old.example", "12"))

    def test_titles_names_and_summaries_are_decoded(self):
        item = self.items["12"]
        self.assertEqual((item.title, item.summary), ("Hello & welcome", "The first post."))
        self.assertEqual((item.categories, item.keywords), (("Web", "Python & C"), ("tornado", "Real time")))

    def test_all_but_published_and_scheduled_posts_without_a_password_are_drafts(self):
        self.assertEqual([number for number, item in self.items.items() if item.is_draft], ["15", "16", "18", "19"])
        self.assertEqual(self.items["17"].date, datetime(2099, 1, 1, tzinfo=UTC))

    def test_dates_are_utc_if_given_and_local_otherwise(self):
        self.assertEqual(self.items["12"].date, datetime(2015, 3, 1, 10, tzinfo=UTC))
        self.assertEqual(self.items["15"].date, datetime(2015, 3, 1, 11, tzinfo=UTC))

    def test_former_addresses_are_kept(self):
        self.assertEqual(self.items["12"].addresses, ("/2015/03/hello/", "/?p=12"))
        self.assertEqual(self.items["14"].addresses, ("/about/", "/?page_id=14"))
        self.assertEqual(self.items["15"].addresses, ("/?p=15",))

    def test_slugs_are_decoded_generated_if_missing_and_made_unique(self):
        slugs = {number: self.items[number].slug for number in ("12", "15", "25", "27")}
        self.assertEqual(slugs, {"12": "hello", "15": "an-unfinished-one", "25": "hello-25", "27": "grüße"})

    def test_closed_comments_stay_closed(self):
        self.assertFalse(any(item.has_closed_comments for item in self.items.values()))
        text = EXPORT.read_text().replace(
            "<wp:comment_status><![CDATA[open]]>", "<wp:comment_status><![CDATA[closed]]>", 1
        )
        closed = [item.origin_id for item in read_text(text) if isinstance(item, Item) and item.has_closed_comments]
        self.assertEqual(closed, ["12"])

    def test_comments_keep_parents_and_statuses(self):
        comments = [(comment.id, comment.parent, comment.status) for comment in self.items["12"].comments]
        states = [("1", None, "published"), ("2", "1", "published"), ("3", "2", "held"), ("4", None, "spam")]
        self.assertEqual(comments, [*states, ("6", "5", "published"), ("10", None, "published")])

    def test_a_comment_has_author_date_and_text(self):
        first, second = self.items["12"].comments[:2]
        self.assertEqual((first.name, first.email, first.url), ("Ann", "ann@mail.example", "http://ann.example"))
        self.assertEqual((first.network, first.date), ("192.0.2.1", datetime(2015, 3, 2, 10, tzinfo=UTC)))
        self.assertEqual(first.text, "<p>First!</p>\n<p>And a <b>bold</b> one, see http://ann.example/.</p>")
        self.assertEqual((second.name, second.url), ("Bob & Co", None))

    def test_unusable_items_are_named(self):
        found = [(part.item, part.reason) for part in self.unusable]
        comments = [
            ("comment 8 on Hello & welcome", "has no text"),
            ("comment 9 on Hello & welcome", "has no usable date"),
        ]
        self.assertEqual(found, [*comments, ("No date at all", "has no usable date")])

    def test_a_classic_post_keeps_its_text_and_layout(self):
        rendered = post_html(self.items["12"].text, "html")
        self.assertTrue(rendered.opening.startswith("<p>Hello from an old blog,<br>\non two lines.</p>\n<p>A <strong>"))
        self.assertNotIn("The rest", rendered.opening)
        for part in (
            "<figcaption>A hill, <em>seen</em> from below</figcaption></figure>",
            "<blockquote><p>Said once.</p>\n<p>Said twice.</p>\n</blockquote>",
            '<span class="k">if</span> <span class="n">a</span> <span class="o">&lt;</span>',
            '[gallery ids="5,6"]',
            '<a href="https://www.youtube.com/embed/abc" rel="noopener">A film</a>',
        ):
            self.assertIn(part, rendered.html)

    def test_blocks_lose_only_their_block_comments(self):
        rendered = post_html(self.items["13"].text, "html")
        self.assertEqual(rendered.opening, "<p>Blocks are HTML\nalready.</p>")
        self.assertNotIn("wp:", self.items["13"].text)
        self.assertIn("<code>x = 1\n\ny = 2</code>", rendered.html)
        self.assertIn("<p>A classic paragraph between blocks.</p>", rendered.html)
        self.assertIn(
            '<figure><a href="https://old.example/wp-content/hill.jpg" rel="noopener">Hill</a>', rendered.html
        )


class OddExports(unittest.TestCase):
    def test_items_before_a_syntax_error_are_used_and_its_line_is_named(self):
        text = EXPORT.read_text()
        end = text.index("</item>", text.index("Blocks")) + 8
        *found, last = read_text(text[:end] + "<item><title>Broken & torn</title>")
        self.assertEqual([item.origin_id for item in found if isinstance(item, Item)], ["12", "13"])
        self.assertEqual(last.line, text[:end].count("\n") + 1)

    def test_other_files_are_refused_with_the_reason(self):
        self.assertIn("wxr_version", read_text("<rss><channel><title>x</title></channel></rss>")[0].reason)
        self.assertIn("broken", read_text("no xml")[0].reason)
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><title>&b;</title></channel></rss>'
        self.assertIn("no XML", read_text(bomb)[0].reason)
        self.assertIn("no XML", read_text('<?xml version="1.0" encoding="unheard-of"?><rss/>')[0].reason)
        self.assertIn("cannot be read", next(read(Path("/nowhere/x.xml"))).reason)

    def test_control_characters_do_not_stop_an_import(self):
        found = read_text(EXPORT.read_text().replace("on two lines", "on\x08 two\x00 lines"))
        self.assertEqual(found[0].origin_id, "12")
        self.assertIn("on two lines", found[0].text)

    def test_older_versions_and_blogs_in_folders_are_read(self):
        text = EXPORT.read_text().replace("export/1.2/", "export/1.0/")
        text = text.replace("<wp:base_blog_url>https://Old.example<", "<wp:base_blog_url>http://old.example/ann/<")
        self.assertEqual(read_text(text)[0].origin_host, "old.example/ann")
        self.assertEqual(len(read_text(text)), len(list(read(EXPORT))))

    def test_invalid_urls_are_dropped_without_losing_items(self):
        text = EXPORT.read_text()
        for url in ("http://[bad", "http://", "Ann", "javascript:alert(1)"):
            found = read_text(text.replace("http://ann.example<", f"{url}<"))
            self.assertIsNone(found[0].comments[0].url, url)
            self.assertEqual(len(found), len(list(read(EXPORT))))
        found = read_text(text.replace("https://old.example/?p=12<", "https://old.example//[bad?p=12<"))
        self.assertEqual(len(found), len(list(read(EXPORT))))

    def test_a_large_export_is_read_in_little_memory(self):
        head, rest = EXPORT.read_text().split("\t<item>", 1)
        item = "\t<item>" + rest.split("</item>")[0] + "</item>\n"
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(head)
            for _ in range(400):
                file.write(item)
            file.write("</channel></rss>")
            file.flush()
            tracemalloc.start()
            count = sum(isinstance(part, Item) for part in read(Path(file.name)))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            size = file.seek(0, io.SEEK_END)
        self.assertEqual(count, 400)
        self.assertLess(peak, size / 3)

    def test_a_character_reference_with_thousands_of_digits_is_read(self):
        text = EXPORT.read_text().replace("<title>Hello", f"<title>&amp;#{'9' * 5000}; Hello", 1)
        self.assertEqual(len(read_text(text)), len(read_text(EXPORT.read_text())))
        self.assertIn("\ufffd", body_html(f"[code]&#{'9' * 5000};[/code]"))

    def test_a_single_huge_comment_or_tag_of_the_xml_takes_linear_time(self):
        huge = "x" * 12_000_000
        for begin, end in (
            ("<!--", "-->"),
            ("<?x ", "?>"),
            ("<a b='", "'/>"),
            ("<a", "/>"),
            ("<a><![CDATA[", "]]></a>"),
        ):
            with self.subTest(begin), quickly(1):
                self.assertEqual(len(read_text(f"<rss>{begin}{huge}{end}</rss>")), 1)


class Bodies(unittest.TestCase):
    def test_lines_of_classic_texts_become_paragraphs_and_breaks(self):
        self.assertEqual(body_html("a\nb\r\n\r\nc"), "<p>a<br>\nb</p>\n<p>c</p>")

    def test_existing_paragraphs_and_blocks_are_kept(self):
        for html in (
            "<p>a\n\nb</p>",
            "<ul>\n\n<li>a\n\nb</li>\n</ul>",
            "<pre>a\n\nb</pre>",
            "<table><tr><td>a\n\nb</table>",
        ):
            self.assertEqual(body_html(html), html)

    def test_the_more_tag_cuts_even_within_a_line(self):
        self.assertEqual(body_html("a <!--more Go on--> b"), "<p>a</p>\n<!--split-->\n<p>b</p>")

    def test_code_is_read_with_or_without_escaping(self):
        for code in ("a < b", "a &lt; b"):
            self.assertEqual(body_html(f"[code]{code}[/code]"), "<pre><code>a &lt; b\n</code></pre>")
        self.assertIn('class="language-c++"', body_html("[sourcecode lang='c++']\nx\n\ny\n[/sourcecode]"))

    def test_captions_of_both_syntaxes_become_figures(self):
        figure = '<figure><img src="/a.png"><figcaption>Words</figcaption></figure>'
        self.assertEqual(body_html('[caption width="3"]<img src="/a.png"> Words[/caption]'), figure)
        self.assertEqual(body_html('[caption caption="Words"]<img src="/a.png">[/caption]'), figure)

    def test_other_shortcodes_stay_as_text(self):
        self.assertEqual(body_html("[gallery] [caption]x[/caption]"), "<p>[gallery] [caption]x[/caption]</p>")

    def test_a_shortcode_ends_at_its_first_closing_tag(self):
        text = "[sourcecode]a [code] [/code] b[/sourcecode][code]c[/code] [code]d"
        code = "<pre><code>{}\n</code></pre>"
        expected = f"{code.format('a [code] [/code] b')}{code.format('c')}<p>[code]d</p>"
        self.assertEqual(body_html(text), expected)

    def test_hostile_texts_take_linear_time(self):
        pieces = ["[code]", "[code", "[code a", "[sourcecode]", "[caption]", "[caption", "[embed]", "[embed", "<p>"]
        pieces += [
            "<ul>",
            "<pre>",
            "<p><ul>",
            "</ul><p>",
            "<!-- wp:a {",
            "<!--wp:",
            "<!-- wp:a {} ",
            " ",
            "\n ",
            "<br ",
        ]
        texts = [repeated(piece) for piece in pieces]
        spaces = " " * len(texts[0])
        texts += [
            f"a{spaces}b",
            f"a<br{spaces}b",
            f"[caption]<img>{spaces}b[/caption]",
            f"[caption{spaces}]<img>[/caption]",
        ]
        texts += [f"{repeated(piece)}{end}" for piece, end in (("[code]", "[/code]"), ("[caption]", "[/caption]"))]
        for text in texts:
            with self.subTest(text[:12]), quickly():
                body_html(text)

    def test_an_embedded_url_is_linked(self):
        self.assertEqual(
            body_html("[embed]http://x.example/a[/embed]"), '<p><a href="http://x.example/a">http://x.example/a</a></p>'
        )


if __name__ == "__main__":
    unittest.main()
