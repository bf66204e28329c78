"""Comments as HTML: text of visitors is escaped, and replies are nested to any depth."""

import re
import unittest
from datetime import UTC, datetime

from models.comments.comment import Comment
from models.comments.reading import Node
from models.comments.rules import CHECKS, REFUSING
from ui_modules.comments import REASONS, comment_html, thread_html

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def comment(id: str, **more: object) -> Comment:
    given = {
        "post": "p",
        "author": "a",
        "text": "Hi",
        "html": "<p>Hi</p>",
        "created": NOON,
        "status": "published",
        "n": 1,
    }
    return Comment(id=id, **{**given, **more})


class TestOneComment(unittest.TestCase):
    def test_a_comment_has_an_anchor_a_number_and_a_time(self):
        html = comment_html(comment("b7", n=12))
        self.assertIn('id="cb7" data-n="12"', html)
        self.assertIn('<time datetime="2026-11-20T12:00:00Z">20 November 2026, 12:00</time>', html)

    def test_html_in_a_name_is_escaped(self):
        html = comment_html(comment("b7", name='<img src=x onerror="a()">'))
        self.assertNotIn("<img", html)
        self.assertIn("&lt;img", html)

    def test_a_comment_without_a_name_is_anonymous(self):
        self.assertIn("Anonymous", comment_html(comment("b7")))

    def test_a_comment_contains_no_form_image_svg_or_script(self):
        for status in ("published", "held", "gone"):
            html = comment_html(comment("b7", status=status))
            self.assertIsNone(re.search(r"<(form|img|svg|script|input|button)\b", html))

    def test_a_held_comment_says_so_and_has_no_number_and_no_reply_button(self):
        html = comment_html(comment("b7", status="held", n=None))
        self.assertIn("only you see this", html)
        self.assertNotIn("data-n", html)
        self.assertNotIn('class="reply"', html)

    def test_a_comment_that_is_held_again_is_shown_to_its_author_only(self):
        again = comment("b7", n=12, place=3, status="held")
        self.assertIn('class="comment gone"', comment_html(again))
        self.assertNotIn("Hi", comment_html(again))
        own = comment_html(again, is_own=True)
        self.assertIn('class="comment held"', own)
        self.assertIn("Hi", own)
        self.assertIn('data-place="3"', own)

    def test_a_removed_comment_is_rendered_as_a_tombstone(self):
        removed = comment("b7", name="Bo").removed("author")
        self.assertEqual(
            comment_html(removed),
            '<article class="comment gone" id="cb7" data-n="1"><p class="gone-note">Removed by its author.</p></article>',
        )


class TestThread(unittest.TestCase):
    def test_replies_are_nested_in_the_item_of_their_parent(self):
        nodes = (Node(comment("a"), (Node(comment("b")), Node(comment("c")))), Node(comment("d")))
        shape = re.sub(r"<article.*?</article>", lambda m: re.search(r'id="c(\w)"', m[0])[1], thread_html(nodes))
        self.assertEqual(shape, '<li>a<ol class="replies"><li>b</li><li>c</li></ol></li><li>d</li>')

    def test_a_comment_in_a_thread_is_rendered_as_it_is_alone(self):
        one = comment("a", name="Bo")
        self.assertEqual(thread_html([Node(one)]), f"<li>{comment_html(one)}</li>")

    def test_a_thread_may_be_5000_levels_deep(self):
        node = Node(comment("a"))
        for _ in range(5_000):
            node = Node(comment("a"), (node,))
        self.assertEqual(thread_html([node]).count("<article"), 5_001)


class TestReasons(unittest.TestCase):
    def test_staff_read_a_reason_for_each_check_that_holds_comments(self):
        holding = {check for checks in CHECKS.values() for check in checks} - set(REFUSING)
        for check in holding:
            self.assertTrue(REASONS.get(check.__name__.removesuffix("_held")), check.__name__)
