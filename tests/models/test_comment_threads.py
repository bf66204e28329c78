"""How comments form threads and pages. Pure: no server is needed."""

import unittest
from dataclasses import replace
from datetime import UTC, datetime

from models.comments import Comment, thread
from models.comments.reading import Node, hanging_on, older_pages, page_of

AT = datetime(2026, 11, 20, tzinfo=UTC)


def comment(id: str, place: int | None, parent: Comment | None = None, status: str = "published") -> Comment:
    plain = Comment(id=id, post="p", author="a", text=id, html=f"<p>{id}</p>", created=AT, status=status)
    return replace(plain.under(parent), n=place, place=place)


def outline(nodes: tuple[Node, ...]) -> list[object]:
    return [(node.comment.id, outline(node.replies)) if node.replies else node.comment.id for node in nodes]


class ThreadTest(unittest.TestCase):
    def test_replies_are_nested_under_their_parent_in_order_of_place(self) -> None:
        a = comment("a", 1)
        b, c, d = comment("b", 3, a), comment("c", 2, a), comment("d", 4)
        self.assertEqual(outline(thread([d, c, b, a])), [("a", ["c", "b"]), "d"])

    def test_a_removed_comment_stays_only_if_it_has_visible_replies(self) -> None:
        a = comment("a", 1, status="gone")
        b = comment("b", 2, a, "spam")
        self.assertEqual(outline(thread([a, b])), [])
        self.assertEqual(outline(thread([a, b, comment("c", 3, b)])), [("a", [("b", ["c"])])])

    def test_a_thread_may_be_a_thousand_deep(self) -> None:
        line = [comment("c0", 1)]
        for n in range(1, 1000):
            line.append(comment(f"c{n}", n + 1, line[-1]))
        depth, nodes = 0, thread(reversed(line))
        while nodes:
            depth, nodes = depth + 1, nodes[0].replies
        self.assertEqual(depth, 1000)

    def test_a_reply_is_attached_to_its_nearest_public_ancestor(self) -> None:
        a = comment("a", 1)
        held = comment("b", None, a, "held")
        spam = comment("c", None, held, "spam")
        known = {c.id: c for c in (a, held, spam)}
        self.assertEqual(hanging_on("c", known), a)
        self.assertIsNone(hanging_on(None, known))
        self.assertIsNone(hanging_on("unknown", known))

    def test_older_pages_are_counted_from_the_oldest_comment_and_never_change(self) -> None:
        self.assertEqual(list(older_pages(0)), [])
        self.assertEqual(list(older_pages(95)), [])
        self.assertEqual(list(older_pages(96)), [1])
        self.assertEqual(list(older_pages(190)), [1])
        self.assertEqual(list(older_pages(191)), [1, 2])
        for roots in range(1, 400):
            for index in range(roots):
                page = page_of(index, roots)
                is_new = index >= roots - 95
                self.assertEqual(page, None if is_new else index // 95 + 1)
                self.assertTrue(is_new or page in older_pages(roots))
