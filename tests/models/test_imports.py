"""Imports of the WordPress export and the Markdown folder in tests/material: new, repeated, and after changes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from importing import markdown_folder, wordpress
from lib.items import CommentItem, Item, Unusable
from models.comments import Comment
from models.comments.documents import COMMENT
from models.imports import Outcome, parents_first
from models.posts import Post
from tests.base import START, SiteTestCase
from tests.hostile import quickly

MATERIAL = Path(__file__).parents[1] / "material"


def item(id: str = "a.md", **changes: Any) -> Item:
    given = {"kind": "post", "origin_kind": "markdown", "origin_host": "", "origin_id": id, "title": "Hello"}
    given |= {"slug": "hello", "text": "Some *text*.", "format": "markdown", "summary": "", "url": None, "date": START}
    return Item(**{**given, "categories": (), "keywords": (), "is_draft": False, "addresses": (), **changes})


def answer(id: str, parent: str | None = None, status: str = "published", minutes: int = 0) -> CommentItem:
    date = START + timedelta(minutes=minutes)
    return CommentItem(id, parent, f"Name {id}", "", None, f"<p>Text {id}</p>", date, status, "203.0.113.7")


class ImportsTest(SiteTestCase):
    def take(self, *items: Item | Unusable) -> list[Outcome]:
        async def taken() -> list[Outcome]:
            outcomes = [outcome async for outcome in self.site.imports.take(items)]
            await self.site.outbox.flush()
            return outcomes

        return self.run_now(taken())

    def post(self, slug: str = "hello") -> Post:
        return self.run_now(self.site.posts.documents.by_slug(slug))

    def comments(self, post: Post) -> dict[str, Comment]:
        found = self.run_now(self.site.tools.mongo["comments"].find({"post": post.id}).to_list(None))
        return {document["origin"]["id"]: COMMENT.read(document) for document in found}

    def everything(self) -> list[Any]:
        names = ("posts", "comments", "accounts", "categories")
        return [self.run_now(self.site.tools.mongo[name].find({}).sort("_id", 1).to_list(None)) for name in names]

    def test_an_item_with_a_lone_surrogate_is_named_and_the_others_are_imported(self) -> None:
        """YAML can contain lone surrogates, which can be neither stored in MongoDB nor sent in a page."""
        odd = [
            item("a.md", categories=("Fine", "\ud800")),
            item("b.md", url="https://example.com/\udfff"),
            item("c.md", addresses=("/\ud800",)),
            item("d.md", slug="x\ud800"),
        ]
        outcomes = self.take(*odd, item("e.md"))
        self.assertEqual([outcome.what for outcome in outcomes], ["unusable"] * 4 + ["added"])
        for outcome, name in zip(outcomes, "abcd", strict=False):
            self.assertIn(f"({name}.md): it has a character that is none", outcome.message)

    def test_a_wordpress_export_is_imported_with_threads_and_statuses(self) -> None:
        outcomes = self.take(*wordpress.read(MATERIAL / "old-blog.xml"))
        whats = [outcome.what for outcome in outcomes]
        self.assertEqual((whats.count("added"), whats.count("unusable")), (10, 3))
        post = self.post()
        self.assertEqual((post.title, post.summary, post.format), ("Hello & welcome", "The first post.", "html"))
        self.assertEqual([category.name for category in post.categories], ["Web", "Python & C"])
        self.assertNotIn("<script", post.html)
        comments = self.comments(post)
        states = {id: (comment.status, comment.depth) for id, comment in comments.items()}
        shown, held = {"1": ("published", 0), "2": ("published", 1)}, {"3": ("held", 2), "4": ("spam", 0)}
        self.assertEqual(states, {**shown, **held, "6": ("published", 0), "10": ("published", 0)})
        self.assertEqual(comments["2"].parent, comments["1"].id)
        self.assertEqual(sorted(comment.n for comment in comments.values() if comment.n), [1, 2, 3, 4])
        self.assertEqual((post.comment_count, post.root_count, post.n), (4, 3, 4))

    def test_a_title_may_have_500_characters(self) -> None:
        outcomes = self.take(item(title="x" * 500), item("b.md", slug="b", title="x" * 501))
        self.assertEqual([outcome.what for outcome in outcomes], ["added", "unusable"])

    def test_a_markdown_folder_is_imported(self) -> None:
        outcomes = self.take(*markdown_folder.read(MATERIAL / "markdown"))
        whats = [outcome.what for outcome in outcomes]
        self.assertEqual((whats.count("added"), whats.count("unusable")), (7, 11))
        post = self.post("about-tables")
        self.assertEqual(
            (post.url, post.keywords), ("https://elsewhere.example/tables", ("tables", "alignment", "html"))
        )
        self.assertIn("<table>", post.html)
        self.assertEqual(self.post("hello").opening, '<p>Welcome. This blog lives on <a href="https://jekyllrb.com/" '
                         'rel="noopener">Jekyll</a>.</p>')  # fmt: skip

    def test_a_repeated_import_changes_nothing(self) -> None:
        items = [*wordpress.read(MATERIAL / "old-blog.xml"), item("b.md", slug="markdown", categories=("Web",))]
        self.take(*items)
        before = self.everything()
        self.clock.pass_by(days=1)
        again = self.take(*items)
        self.assertEqual({outcome.what for outcome in again}, {"unchanged", "unusable"})
        self.assertEqual(sum(outcome.comments for outcome in again), 0)
        self.assertEqual(self.everything(), before)

    def test_posts_edited_on_this_site_are_not_overwritten_and_are_named(self) -> None:
        self.take(item())
        self.run_now(self.site.posts.writing.edit(replace(self.post(), text="My own words")))
        for text in ("Some *text*.", "Changed over there"):
            (outcome,) = self.take(item(text=text))
            self.assertEqual((outcome.what, outcome.message), ("kept", "/plog/hello  Hello"))
        self.assertEqual(self.post().text, "My own words")

    def test_changes_at_the_source_update_the_post_and_its_id_stays(self) -> None:
        self.take(item(comments=(answer("1"),)))
        before = self.post()
        (outcome,) = self.take(item(title="A new title", slug="anew", comments=(answer("1"), answer("2", "1"))))
        self.assertEqual((outcome.what, outcome.comments), ("updated", 1))
        post = self.post("anew")
        self.assertEqual((post.id, post.title, post.comment_count), (before.id, "A new title", 2))
        self.assertEqual(self.take(item(title="A new title", slug="anew"))[0].what, "unchanged")

    def test_a_former_address_that_is_new_at_the_source_is_added(self) -> None:
        self.take(item())
        self.assertEqual(self.take(item(addresses=("/older/",)))[0].what, "updated")
        self.assertEqual(self.take(item(addresses=("/older/",)))[0].what, "unchanged")
        self.assertEqual(self.client.get("/older").headers["Location"], "/plog/hello")

    def test_imported_closed_comments_are_closed_and_stay_open_if_opened_on_this_site(self) -> None:
        self.take(item(has_closed_comments=True))
        self.assertFalse(self.post().takes_comments)
        self.run_now(self.site.posts.writing.edit(replace(self.post(), has_closed_comments=False)))
        self.take(item(has_closed_comments=True))
        self.assertTrue(self.post().takes_comments)

    def test_former_addresses_redirect_once_in_every_spelling(self) -> None:
        self.take(*wordpress.read(MATERIAL / "old-blog.xml"))
        spellings = {
            "/plog/hello": ("/2015/03/hello/", "/2015/03/hello", "/2015/03/HELLO//", "/?p=12", "//?p=12"),
            "/plog/about": ("/about", "/About/", "/?page_id=14"),
            "/plog/gr%C3%BC%C3%9Fe": ("/2015/03/gr%c3%bc%c3%9fe/", "/2015/03/gr%C3%BC%C3%9Fe", "/?p=27"),
        }
        for path, olds in spellings.items():
            for old in olds:
                with self.subTest(old):
                    response = self.client.get(old)
                    self.assertEqual((response.code, response.headers["Location"]), (301, path))
            self.assertEqual(self.client.get(path).code, 200)
        self.assertEqual(self.client.get("/?p=12&from=mail").headers["Location"], "/plog/hello?from=mail")
        self.assertEqual(self.client.get("/about/?from=mail").headers["Location"], "/plog/about?from=mail")
        self.assertEqual(self.client.get("/?p=15").code, 200, "a draft is not found, so this is the home page")

    def test_of_two_posts_with_one_slug_the_second_is_refused(self) -> None:
        outcomes = self.take(item("a.md"), item("b.md", title="Second"), item("c.md", slug="c", addresses=("/x",)))
        self.assertEqual([outcome.what for outcome in outcomes], ["added", "unusable", "added"])
        self.assertIn("'Second' (b.md): Another post already has the address /plog/hello.", outcomes[1].message)

    def test_a_post_with_a_taken_former_address_is_imported_without_it(self) -> None:
        items = [item(addresses=("/x", "/a")), item("b.md", slug="b", title="Second", addresses=("/X/", "/b", "/y"))]
        self.post_by("own", addresses=("/y/",), is_draft=True)
        outcomes = self.take(*items)
        self.assertEqual([outcome.what for outcome in outcomes], ["added", "added", "unusable", "unusable"])
        said = [
            f"'Second' (b.md): its former address {old} is that of {path}"
            for old, path in (("/X/", "/plog/hello"), ("/y", "/plog/own"))
        ]
        self.assertEqual([outcome.message for outcome in outcomes[2:]], said)
        for old, path in (("/x", "/plog/hello"), ("/a", "/plog/hello"), ("/b", "/plog/b")):
            self.assertEqual(self.client.get(old).headers["Location"], path)

    def test_repeating_an_import_with_a_taken_former_address_changes_no_post(self) -> None:
        items = [item(addresses=("/x",)), item("b.md", slug="b", addresses=("/x/", "/b"))]
        self.take(*items)
        before = self.everything()
        self.clock.pass_by(days=1)
        for again in (items, items[::-1]):
            self.assertEqual(
                sorted(outcome.what for outcome in self.take(*again)), ["unchanged", "unchanged", "unusable"]
            )
        self.assertEqual(self.everything(), before)

    def test_unusable_items_are_named_with_file_and_line(self) -> None:
        outcomes = self.take(
            Unusable("blog.xml", 12, "Hello", "has no date"), Unusable("blog.xml", None, "", "is broken")
        )
        self.assertEqual([o.message for o in outcomes], ["blog.xml:12: Hello: has no date", "blog.xml: is broken"])

    def test_parents_come_before_their_replies(self) -> None:
        answers = [answer("child", "parent"), answer("parent", minutes=5), answer("alone", "nobody", minutes=1)]
        self.assertEqual([c.id for c in parents_first(answers)], ["alone", "parent", "child"])
        self.assertEqual([c.id for c in parents_first([answer("10"), answer("9")])], ["9", "10"])
        circle = [answer("a", "b", minutes=1), answer("b", "a")]
        self.assertEqual([c.id for c in parents_first(circle)], ["b", "a"])

    def test_a_long_chain_of_replies_takes_linear_time(self) -> None:
        chain = [answer(str(n), str(n - 1), minutes=-n) for n in range(20_000)]
        with quickly():
            self.assertEqual([c.id for c in parents_first(chain)], [str(n) for n in range(20_000)])

    def test_a_published_reply_to_a_held_comment_is_attached_to_a_published_ancestor(self) -> None:
        self.take(item(comments=(answer("1"), answer("2", "1", "held", 1), answer("3", "2", minutes=2))))
        comments = self.comments(self.post())
        self.assertEqual(comments["3"].parent, comments["1"].id)

    def test_ip_addresses_are_not_imported(self) -> None:
        self.take(item(comments=(answer("1"),)))
        self.assertEqual(self.comments(self.post())["1"].address, "")

    def test_a_comment_that_moved_to_another_post_at_the_source_is_not_duplicated(self) -> None:
        self.take(item("a.md", comments=(answer("1"),)), item("b.md", slug="b"))
        outcomes = self.take(item("a.md"), item("b.md", slug="b", comments=(answer("1"),)))
        self.assertEqual([(o.what, o.comments) for o in outcomes], [("unchanged", 0)] * 2)

    def test_the_worker_counts_the_comments_of_an_import_that_was_killed(self) -> None:
        """Imported comments have untold entries until they are counted."""

        async def die(*_: Any) -> None:
            raise ConnectionError("killed")

        self.site.posts.documents.set_thread = die  # type: ignore[method-assign]
        with self.assertRaises(ConnectionError):
            self.take(item(comments=(answer("1"), answer("2"))))
        del self.site.posts.documents.set_thread
        self.clock.pass_by(seconds=6)
        self.run_now(self.site.tell_untold())
        self.assertEqual(self.post().comment_count, 2)
        self.assertEqual(self.run_now(self.site.tell_untold()), 0)
