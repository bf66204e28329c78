"""The UI modules of posts: age notice, metadata, related posts and the external link."""

import unittest
from dataclasses import replace
from datetime import UTC, datetime

from models.categories import Category
from models.posts import Post
from ui_modules.posts import AgeNotice, Elsewhere, PostMeta, Related

BEGAN = datetime(2020, 5, 12, 9, 0, tzinfo=UTC)
POST = Post(id="p", slug="hello", title="Hello & <welcome>", published=BEGAN, edited=BEGAN)


def rendered(module: type, *given: object) -> str:
    return module.render(module.__new__(module), *given)


class TestPosts(unittest.TestCase):
    def test_an_age_notice_appears_after_three_years_and_a_warning_after_six(self):
        self.assertEqual(rendered(AgeNotice, POST, datetime(2023, 5, 11, tzinfo=UTC)), "")
        self.assertIn('class="notice note"', rendered(AgeNotice, POST, datetime(2023, 5, 12, tzinfo=UTC)))
        self.assertIn('class="notice warning"', rendered(AgeNotice, POST, datetime(2026, 5, 12, tzinfo=UTC)))

    def test_titles_and_names_are_escaped(self):
        self.assertIn("Hello &amp; &lt;welcome&gt;", rendered(Related, [POST]))
        filed = replace(POST, categories=(Category("c", "R&D", "R&D"),))
        self.assertIn('href="/oc-R&amp;D">R&amp;D</a>', rendered(PostMeta, filed))

    def test_comment_counts_use_singular_and_plural(self):
        self.assertIn(">1 comment<", rendered(PostMeta, replace(POST, comment_count=1)))
        self.assertIn(">2,749 comments<", rendered(PostMeta, replace(POST, comment_count=2749)))

    def test_a_post_links_only_to_http_urls(self):
        self.assertIn(">example.com ↗<", rendered(Elsewhere, "https://www.example.com/a?b=1&c=2"))
        for url in ("javascript:alert(1)", "/here", "", "http://", "http://[bad", "https://[::1", "http://[x]/"):
            self.assertEqual(rendered(Elsewhere, url), "", url)
