"""Posts and comments as HTML: what is allowed, what becomes of the rest, and that rendering takes linear time."""

import re
import time
import unittest
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.token import STANDARD_TYPES

from lib.markup import (
    TooNested,
    absolute_html,
    comment_text_html,
    imported_comment_text_html,
    plain,
    post_html,
    sanitiser,
)
from tests.hostile import quickly, repeated

OWN = "blog.example"
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<img src=https://x.example/p.png alt=pic>", "<svg>",
    '<a href="javascript:alert(1)" id=c12 name=location>', "<a href=' &#1;javascript:x'>", "<iframe src=//x.example/>",
    "<table><tr><td>", "</p>", "<p>", "<pre>\n\n", "</pre>", "<b class=k>", "<h1 id=x>T</h1>", "<math><mi>", "<style>",
    "<!--", "-->", "<!--split-->", "<div class=highlight style='position:fixed'>", "<noscript>", "<a href=/x>", "</a>",
    "https://x.example/a_(b).", "http://", "`", "```", "    code", "\n", "\n\n", "[a](data:text/html,x)", "![i](/a.b)",
    "[^1]", "[^1]: note", "| a | b |\n|--|-:|\n| 1 | 2 |\n", "&lt;", "&#0;", "\x00", "\ud800", "é", "<object data=x>",
    "<select><option>", "<textarea>", "<template>", "<form><button>", "<details open>", "# Title\n", "*", "_", "\\",
    "<li>", "&", "</script>", "</table>", "<figure>", "<caption>", "<video src=/a>", "<!--split", "<title>", "<table>",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), max_size=25).map("".join)


class Found(HTMLParser):
    """The tags, attributes and text that a browser finds in some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        self.text += data


def markdown(text: str) -> str:
    return post_html(text, "markdown").html


def post(text: str) -> str:
    return post_html(text, "html").html


class Posts(unittest.TestCase):
    def test_markdown_becomes_paragraphs_and_inline_html_stays(self):
        self.assertEqual(
            markdown("Hello *you*, <kbd>Q</kbd> ~~gone~~"), "<p>Hello <em>you</em>, <kbd>Q</kbd> <s>gone</s></p>"
        )

    def test_top_level_headings_move_one_level_down_and_all_others_with_them(self):
        html = markdown("# One\n\n## Two")
        self.assertIn('<h2 id="h-one">One<a', html)
        self.assertIn('<h3 id="h-two">Two<a', html)

    def test_without_top_level_headings_the_levels_stay(self):
        self.assertIn("<h2 ", markdown("## Two"))

    def test_equal_headings_have_unique_ids(self):
        html = markdown("## Straße & C\n\n## Straße & C\n\n## Straße & C 2")
        self.assertEqual(re.findall(r'id="(.*?)"', html), ["h-straße-c", "h-straße-c-2", "h-straße-c-2-2"])

    def test_thousands_of_equal_headings_take_linear_time(self):
        numbered = "".join(f"<h2>a</h2><h2>a {n}</h2>" for n in range(10_000))
        for html in ("<h2>a</h2>" * 20_000, numbered):
            with self.subTest(html[:20]), quickly(10):
                ids = re.findall(r' id="(.*?)"', post(html))
                self.assertEqual((len(ids), len(set(ids))), (20_000, 20_000))

    def test_a_heading_of_combining_marks_takes_linear_time(self):
        with quickly():
            html = post("<h2>a" + repeated("\u0301\u0327") + "</h2>")
        self.assertEqual(html[:12], '<h2 id="h-á"')

    def test_a_heading_has_a_labelled_link_to_itself(self):
        self.assertIn('<a class="anchor" href="#h-why" aria-label="Link to “Why”"> #</a></h2>', markdown("## Why"))

    def test_rendering_rendered_html_changes_nothing(self):
        html = markdown(
            "# One\n\n## Two\n\n```python\nx = 1\n```\n\n| a |\n|--:|\n| 1 |\n\n![a](/a.png) ![b](//x.example/b)"
        )
        self.assertEqual(post(html), html)

    def test_links_within_a_post_follow_the_new_ids_of_headings(self):
        self.assertIn('<a href="#h-my-part">', markdown("[x](#my-part)\n\n## My part"))
        self.assertIn('<a href="#h-my-part">', post('<a href="#old">x</a><h2 id="old">My part</h2>'))

    def test_code_is_highlighted_with_classes(self):
        html = markdown("```python\ndef f(): return '<'\n```")
        self.assertIn('<div class="highlight"><pre tabindex="0"><code><span class="k">def</span>', html)
        self.assertIn("&lt;", html)

    def test_code_of_an_unknown_language_stays_plain(self):
        expected = '<div class="highlight"><pre tabindex="0"><code>a &lt; b\n</code></pre></div>'
        self.assertEqual(markdown("```klingon\na < b\n```"), expected)

    def test_code_in_html_posts_is_highlighted_too(self):
        self.assertIn('<span class="k">def</span>', post('<pre class="brush: python">def f(): pass</pre>'))

    def test_tables_are_scrollable_and_aligned_by_class(self):
        html = markdown("| a | b |\n|:-:|--:|\n| 1 | 2 |")
        self.assertTrue(html.startswith('<div class="table" tabindex="0" role="region" aria-label="Table 1"><table>'))
        self.assertIn('<td class="center">1</td>', html)
        self.assertIn('<th class="right">b</th>', html)
        self.assertNotIn("style", html)

    def test_footnotes_link_there_and_back(self):
        html = markdown("Text[^n].\n\n[^n]: The note.")
        there, back = re.findall(r'href="#(fn.*?)"', html)
        self.assertIn(f'<li id="{there}" class="footnote-item">', html)
        self.assertIn(f'id="{back}"', html)

    def test_footnotes_of_two_posts_on_one_page_do_not_collide(self):
        one, two = (re.search(r'id="fn-(.*?)"', markdown(f"{text}[^n].\n\n[^n]: Note."))[1] for text in "ab")
        self.assertNotEqual(one, two)

    def test_images_of_this_site_keep_their_size(self):
        html = post('<img src="/photos/a b.png" alt="A" width="30" height="20" onload="x" srcset="//x.example/y 2x">')
        picture = ["<p><img", 'alt="A"', 'decoding="async"', 'height="20"', 'loading="lazy"', 'src="/photos/a%20b.png"']
        self.assertEqual(sorted(html.removesuffix("></p>").split(" ")), [*picture, 'width="30"'])

    def test_an_image_keeps_its_srcset_only_if_all_sources_are_of_this_site(self):
        sizes = 'srcset="/photos/a-400.webp 400w, /photos/a-800.webp 800w" sizes="(min-width: 60em) 66ch, 100vw"'
        html = post(f'<img src="/photos/a.webp" alt="A" {sizes}>')
        self.assertIn(sizes.partition('" sizes')[0], html)
        self.assertIn("sizes=", html)
        self.assertNotIn("srcset", absolute_html(html, "https://plog.example/plog/a"))
        for elsewhere in (
            "/a.png 1x, https://x.example/a.png 2x",
            "//x.example/a 2x",
            "/a.png 2x, javascript:x",
            "/a,,b",
        ):
            with self.subTest(elsewhere):
                self.assertNotIn("srcset", post(f'<img src="/a.png" alt="A" srcset="{elsewhere}">'))

    def test_external_media_become_links(self):
        link = '<p><a href="https://x.example/a" rel="noopener">{}</a></p>'
        for html, text in [
            ('<img src="https://x.example/a" alt="Alt" title="T">', "Alt"),
            ('<img src="//x.example/a">', "x.example"),
            ('<iframe src="https://x.example/a" title="A film"></iframe>', "A film"),
            ('<video><source src="https://x.example/a">No film</video>', "x.example"),
            ('<audio src="https://x.example/a"></audio>', "x.example"),
            ('<embed src="https://x.example/a">', "x.example"),
            ('<object data="https://x.example/a"><b>x</b></object>', "x.example"),
            ('<object><param name="movie" value="https://x.example/a"></object>', "x.example"),
            ('<script src="https://x.example/a">alert(1)</script>', "x.example"),
        ]:
            with self.subTest(html):
                self.assertEqual(post(html), link.format(text))

    def test_a_linked_external_image_becomes_the_link_with_its_alt_text(self):
        html = markdown("[![Small](https://x.example/s.png)](https://x.example/large.png)")
        self.assertEqual(html, '<p><a href="https://x.example/large.png" rel="noopener">Small</a></p>')

    def test_media_without_a_usable_url_become_their_text(self):
        self.assertEqual(post('<p>a <img src="data:image/png,x" alt="Alt"> b</p>'), "<p>a Alt b</p>")
        self.assertEqual(post("<object data='file:///x'><b>Text</b></object>"), "<p><b>Text</b></p>")
        self.assertEqual(post("a<script>alert(1)</script>"), "a")

    def test_urls_that_browsers_treat_as_external_are_not_local(self):
        for address in ("/\\x.example/a", "\\\\x.example/a", "/\t/x.example/a", "//x.example/a", "https:/x.example/a"):
            with self.subTest(address):
                self.assertNotIn("<img", post(f'<img src="{address}" alt="a">'))

    def test_links_have_only_http_and_mailto_urls(self):
        html = post(
            "<a href='ftp://x'>1</a><a href='JaVa\nScript:x'>2</a><a href='mailto:a@b.example'>3</a><a name=q>4</a>"
        )
        self.assertEqual(html, '12<a href="mailto:a@b.example">3</a>4')

    def test_only_generated_ids_and_classes_stay(self):
        html = post(
            '<p id="c0ffee" class="evil">a</p><a id="h-x" name="y" href="/z" class="btn">b</a><div id=me>c</div>'
        )
        self.assertEqual(html, '<p>a</p><a href="/z">b</a><div>c</div>')

    def test_broken_html_becomes_well_formed(self):
        self.assertEqual(post("<ul><li>a<li><b>b</ul>c"), "<ul><li>a</li><li><b>b</b></li></ul><b>c</b>")

    def test_any_other_format_is_refused(self):
        with self.assertRaises(ValueError):
            post_html("x", "rst")

    def test_deep_nesting_is_flattened(self):
        self.assertLess(post("<div>" * 1900 + "deep").count("<div>"), 100)

    def test_code_that_is_slow_to_highlight_stays_plain(self):
        for language, piece in (("java", "a "), ("easytrieve", "\t"), ("autoit", " "), ("ng2", "(")):
            blocks = f"```{language}\n{repeated(piece, 9_000)}\n```\n\n" * 30
            with self.subTest(language), quickly(6):
                self.assertEqual(post_html(blocks, "markdown").html.count('<div class="highlight">'), 30)

    def test_hostile_html_is_refused_or_takes_linear_time(self):
        fonts = "".join(f"<font color=a{n}>" for n in range(1000))
        for html in (
            "<div>",
            "<ul><li>",
            "<pre>",
            "<a><div>",
            "<li><dd>",
            "<b></p>",
            "<span><div></span>",
            "<form><div></form>",
            "<g/>",
            "<font id=N><!--</font>--><p>",
            "<b id=N><img alt='</b>'><p>",
        ):
            with self.subTest(html), quickly(), self.assertRaises(TooNested):
                post(repeated(html))
        for html in (f"<p>{fonts}{repeated('<p>x')}", "<p><b><i><u><s>" + repeated("<p>x")):
            with self.subTest(html[:20]), quickly(), self.assertRaises(TooNested):
                post(html)
        for html in (
            "<p>",
            "<li>",
            "<table><tr><td>a</table>",
            "<ul><li></ul>",
            "<dl><dt>a<dd>b</dl>",
            "<br/>",
            "<b>x</b>",
        ):
            with self.subTest(html), quickly(5):
                post(repeated(html))

    def test_hostile_markdown_takes_linear_time(self):
        """Each character may take 20 us, because markdown-it nests brackets 20 deep."""
        pieces = ["[", "![", "[a](", "[^", "[]", "^[", "<", "<!--", "*", "*_", "~~a ", "> ", "- ", "a|", "`a", "&#"]
        backticks = " ".join("`" * n for n in range(1, 300))
        items = "\n".join("  " * n + "- a" for n in range(200))
        for text in (*(repeated(piece, 30_000) for piece in pieces), backticks, items):
            with self.subTest(text[:4]), quickly():
                markdown(text)

    def test_old_html_without_end_tags_is_accepted(self):
        cells = "<table>" + "<tr><td>a<td>b" * 10_000 + "</table>"
        items = "<ul>" + "<li>a<p>b" * 10_000 + "</ul>"
        names = "".join(f"<h2><a name=x{n}>a</h2>" for n in range(300))
        path = "<svg><path d='M0 0'/></svg><svg>" + "<path d='M0 0'/>" * 10_000 + "</svg>"
        for html in (
            cells,
            items,
            names,
            path,
            "<font color=red>a<br>" * 1000,
            "<select>" + "<option>a" * 5000 + "</select>",
        ):
            with self.subTest(html[:20]), quickly(10):
                post(html)


class Openings(unittest.TestCase):
    def test_the_cut_makes_an_opening_and_is_removed(self):
        rendered = post_html("One\n\n<!--split-->\n\nTwo", "markdown")
        self.assertEqual(rendered.opening, "<p>One</p>")
        self.assertNotIn("split", rendered.html)
        self.assertIn("<p>Two</p>", rendered.html)

    def test_without_a_cut_there_is_no_opening(self):
        for text in (
            "One",
            "<!--split-->\n\nTwo",
            "One\n\n<!--split-->",
            "> One\n> <!--split-->\n> Two",
            "a `<!--split-->`",
        ):
            with self.subTest(text):
                self.assertIsNone(post_html(text, "markdown").opening)

    def test_an_opening_has_no_links_to_the_part_after_the_cut(self):
        rendered = post_html("One[^a] [later](#h-later)\n\n<!--split-->\n\n## Later\n\n[^a]: Note", "markdown")
        self.assertEqual(rendered.opening, "<p>One later</p>")
        self.assertIn('href="#h-later"', rendered.html)


class Elsewhere(unittest.TestCase):
    def test_html_for_feeds_has_absolute_urls_and_no_classes_or_anchors(self):
        html = markdown("## Why\n\n[a](/b) [c](#h-why) ![d](/d.png)\n\n```python\nx = 1\n```")
        feed = absolute_html(html, "https://blog.example/plog/x")
        self.assertIn('<a href="https://blog.example/b">a</a>', feed)
        self.assertIn('<a href="https://blog.example/plog/x#h-why">c</a>', feed)
        self.assertIn('<img src="https://blog.example/d.png" alt="d">', feed)
        self.assertNotIn("class=", feed)
        self.assertNotIn("#<", feed)

    def test_links_and_tables_keep_rel_and_scope_in_feeds(self):
        address = "https://blog.example/plog/x"
        link = '<a href="https://x.example/" rel="{}">https://x.example/</a>'
        comment = absolute_html(comment_text_html("https://x.example/", OWN), address)
        self.assertIn(link.format("nofollow ugc noopener"), comment)
        self.assertIn(link.format("noopener"), absolute_html(markdown("<https://x.example/>"), address))
        table = post('<table><tr><th scope="row">a</th><td>b</td></tr></table>')
        self.assertIn('<th scope="row">', absolute_html(table, address))

    def test_plain_text_is_shortened_between_words(self):
        html = markdown("## Why\n\nOne *two*[^a], three<br>four\n\n[^a]: Note")
        self.assertEqual(plain(html, 100), "Why One two, three four")
        self.assertEqual(plain(html, 13), "Why One two…")
        self.assertEqual(plain("<p>" + "x" * 50 + "</p>", 10), "x" * 9 + "…")


class Comments(unittest.TestCase):
    def test_text_becomes_paragraphs_and_lines(self):
        self.assertEqual(comment_text_html("a <b>\nc & d\r\n\r\n  e", OWN), "<p>a &lt;b&gt;<br>\nc &amp; d</p><p>e</p>")

    def test_an_empty_comment_has_no_html(self):
        for text in ("", " \n\t\n ", "\x00", "```\n```"):
            self.assertEqual(comment_text_html(text, OWN), "")

    def test_urls_become_links_without_trailing_punctuation(self):
        rel = 'rel="nofollow ugc noopener"'
        for text, address, rest in [
            ("http://x.example/a.", "http://x.example/a", "."),
            ("https://x.example/a_(b)).", "https://x.example/a_(b)", ")."),
            ("HTTPS://X.example/?q=1,", "HTTPS://X.example/?q=1", ","),
            ("http://x.example…", "http://x.example", "…"),
            ("http://x.example/a”.", "http://x.example/a", "”."),
        ]:
            with self.subTest(text):
                expected = f'<p>(<a href="{address}" {rel}>{address}</a>{rest}</p>'
                self.assertEqual(comment_text_html(f"({text}", OWN), expected)

    def test_text_that_only_resembles_a_url_is_not_linked(self):
        for text in ("http://", "http://.", "xhttp://a.example", "https:///a", "http://[", "http://" + "a" * 3000):
            with self.subTest(text):
                self.assertEqual(comment_text_html(text, OWN), f"<p>{text}</p>")

    def test_links_to_this_site_have_no_nofollow(self):
        self.assertEqual(
            comment_text_html("http://blog.example/x", OWN),
            '<p><a href="http://blog.example/x">http://blog.example/x</a></p>',
        )
        self.assertIn("nofollow", comment_text_html("http://blog.example@x.example/", OWN))
        self.assertIn("nofollow", comment_text_html("http://blog.example.x.example/", OWN))

    def test_code_in_comments_is_shown_as_typed(self):
        self.assertEqual(
            comment_text_html("a `<b> http://x.example` c", OWN), "<p>a <code>&lt;b&gt; http://x.example</code> c</p>"
        )
        box = '<pre tabindex="0"><code>if x:\n    y\n\nz\n</code></pre>'
        self.assertEqual(comment_text_html("a\n```python\nif x:\n    y\n\nz\n```\nb", OWN), f"<p>a</p>{box}<p>b</p>")
        self.assertEqual(comment_text_html("a\n\n    if x:\n        y\n\n    z\n\nb", OWN), f"<p>a</p>{box}<p>b</p>")

    def test_unclosed_code_ends_with_the_comment(self):
        self.assertEqual(comment_text_html("```\nx", OWN), '<pre tabindex="0"><code>x\n</code></pre>')

    def test_hostile_comments_take_linear_time(self):
        for unit in (
            "`",
            "<",
            "http://",
            "http://a.example/(",
            ")",
            "> ",
            "``` ",
            "\n    x\n",
            "&",
            "(http://a.example/)))",
            "`a",
        ):
            with self.subTest(unit):
                started = time.perf_counter()
                comment_text_html((unit * 10_000)[:10_000], OWN)
                self.assertLess(time.perf_counter() - started, 1)


class ImportedComments(unittest.TestCase):
    def test_imported_comments_have_only_the_tags_of_comments(self):
        html = imported_comment_text_html(
            "a <b onclick=x>b</b> <h1 id=x>c</h1><table><td>d</table><font color=red>e</font>", OWN
        )
        self.assertEqual(html, "<p>a <b>b</b> </p><p>c</p><p>d</p><p>e</p>")

    def test_hostile_imported_html_is_shown_as_text(self):
        with quickly():
            self.assertEqual(imported_comment_text_html("<div>" * 3000, OWN), f"<p>{'&lt;div&gt;' * 3000}</p>")

    def test_imported_links_and_images_become_nofollow_links(self):
        rel = 'rel="nofollow ugc noopener"'
        for html in ('<a href="http://x.example/">L</a>', '<img src="http://x.example/" alt="L">'):
            self.assertEqual(imported_comment_text_html(html, OWN), f'<p><a href="http://x.example/" {rel}>L</a></p>')
        self.assertEqual(
            imported_comment_text_html('<a href="https://blog.example/">L</a>', OWN),
            '<p><a href="https://blog.example/">L</a></p>',
        )
        self.assertIn(f'<a href="http://x.example/" {rel}>', imported_comment_text_html("see http://x.example/.", OWN))

    def test_an_empty_imported_comment_has_no_html(self):
        self.assertEqual(imported_comment_text_html("<p> </p><script>x</script><img>", OWN), "")


class WhateverIsWritten(unittest.TestCase):
    @settings(max_examples=150, deadline=None)
    @given(texts, st.sampled_from(["markdown", "html"]))
    def test_posts_contain_only_allowed_html_and_sanitising_is_idempotent(self, text, format):
        rendered = post_html(text, format)
        for html in (rendered.html, rendered.opening or ""):
            self.check(html, sanitiser.POST_TAGS)
            self.assertEqual(sanitiser.post(html), html)

    @settings(max_examples=150, deadline=None)
    @given(texts)
    def test_comments_contain_only_allowed_html_and_sanitising_is_idempotent(self, text):
        for html in (comment_text_html(text, OWN), imported_comment_text_html(text, OWN)):
            self.check(html, sanitiser.COMMENT_TAGS)
            self.assertEqual(sanitiser.comment(html), html)

    @settings(max_examples=150, deadline=None)
    @given(texts)
    def test_no_character_of_a_comment_is_lost(self, text):
        text = text.replace("`", "")
        shown = Found(comment_text_html(text, OWN)).text
        self.assertEqual("".join(shown.split()), "".join(sanitiser.encodable(text).split()))

    def check(self, html: str, tags: set[str]) -> None:
        for tag, attributes in Found(html).tags:
            self.assertIn(tag, tags)
            self.assertFalse(
                [name for name in attributes if name.startswith("on") or name in ("style", "name", "srcset")]
            )
            self.assertRegex(attributes.get("src", "/"), r"^/(?![/\\])")
            self.assertRegex(attributes.get("href", "#"), r"^(?i:https?://|mailto:|(?![a-z+.-]*:|//))")
            self.assertRegex(attributes.get("id", "h-"), r"^(h-|fn-|fnref-)")
            for name in attributes.get("class", "").split():
                self.assertIn(name, sanitiser.CLASSES[tag])


class CodeColours(unittest.TestCase):
    """The colour of every token on every possible background, in both colour schemes."""

    css = (Path(__file__).parents[2] / "static/css/code.css").read_text()

    def test_code_colours_have_enough_contrast(self):
        light, dark = (dict(re.findall(r"(--code-[\w-]+):\s*(#\w{6})", part)) for part in self.css.split("@media"))
        rules = re.findall(r"\.highlight ([^{}]+)\{([^}]*)\}", self.css.split("@media")[1])
        for colours in (light, dark):
            for selector, body in rules:
                if ink := re.search(r"[^-]color: var\((.*?)\)", f" {body}"):
                    paper = re.search(r"background-color: var\((.*?)\)", body)
                    papers = [paper[1]] if paper else ["--code-paper", "--code-marked-paper"]
                    for name in papers:
                        self.assertGreaterEqual(contrast(colours[ink[1]], colours[name]), 4.5, f"{selector} on {name}")

    def test_both_schemes_name_the_same_colours(self):
        light, dark = (set(re.findall(r"(--code-[\w-]+):", part)) for part in self.css.split("@media"))
        self.assertEqual(light, dark)

    def test_every_class_in_the_style_is_one_of_pygments(self):
        used = set(re.findall(r"\.([a-z]\w*)\b", re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", self.css, flags=re.DOTALL)))
        self.assertLessEqual(used - {"highlight", "hll", "ln"}, set(STANDARD_TYPES.values()))


def contrast(one: str, two: str) -> float:
    """The contrast ratio of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


if __name__ == "__main__":
    unittest.main()
