"""Imports of the WordPress export, the Markdown folder and the questions in tests/material: new, repeated, and after
changes.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from importing import markdown_folder, questions, wordpress
from lib.items import CommentItem, Item, QuestionItem, Unusable
from models.comments import Comment
from models.comments.documents import COMMENT
from models.imports import Outcome, parents_first
from models.posts import Post
from models.questions import Question, State
from models.questions.documents import QUESTION
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


def question(id: str = "1", **changes: Any) -> QuestionItem:
    given = {"text": "What is the capital of Iran?", "answer": "Tehran", "wrong": ("Baghdad", "Kabul", "Ankara")}
    given |= {
        "origin_kind": "csv",
        "origin_host": "",
        "origin_id": id,
        "file": "a.csv",
        "line": 7,
        "genre": "Geography",
    }
    return QuestionItem(**{**given, **changes})


class ImportsTest(SiteTestCase):
    def take(self, *items: Item | QuestionItem | Unusable) -> list[Outcome]:
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
        names = ("posts", "comments", "accounts", "categories", "questions")
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

    # Questions

    def question(self, id: str = "1") -> Question:
        (document,) = self.run_now(self.site.tools.mongo["questions"].find({"origin.id": id}).to_list(None))
        return QUESTION.read(document)

    def test_questions_of_every_format_are_imported_and_published(self) -> None:
        for name, added, unusable in (
            ("trivia.json", 2, 2),
            ("geography.gift.txt", 4, 8),
            ("animals.txt", 2, 4),
            ("mixed.csv", 2, 3),
        ):
            whats = [outcome.what for outcome in self.take(*questions.read(MATERIAL / "questions" / name))]
            self.assertEqual((whats.count("added"), whats.count("unusable")), (added, unusable), name)
        stored = [QUESTION.read(document) for document in self.everything()[-1]]
        self.assertEqual({one.state for one in stored}, {State.PUBLISHED})
        self.assertEqual([one.licence for one in stored if one.answer == "Mercury"], ["CC0"])

    def test_alternatives_are_in_alphabetical_order_wherever_the_answer_was(self) -> None:
        self.take(question())
        self.assertEqual(self.question().alternatives, ("Ankara", "Baghdad", "Kabul", "Tehran"))
        self.assertTrue(self.question().may_be_misspelt)

    def test_an_imported_question_is_strict_where_a_wrong_alternative_is_nearly_the_answer(self) -> None:
        self.take(question(answer="Iran", wrong=("Iraq", "Oman", "Qatar")))
        self.assertFalse(self.question().may_be_misspelt)

    def test_a_repeated_import_of_questions_changes_nothing(self) -> None:
        items = [*questions.read(MATERIAL / "questions" / "mixed.csv"), question()]
        self.take(*items, question())
        before = self.everything()
        self.clock.pass_by(days=1)
        self.assertEqual({outcome.what for outcome in self.take(*items)}, {"unchanged", "unusable"})
        self.assertEqual(self.everything(), before)

    def test_a_question_edited_on_this_site_is_not_overwritten_and_is_named(self) -> None:
        self.take(question())
        self.run_now(self.site.questions.writing.edit(replace(self.question(), explanation="Since 1786.")))
        for explanation in ("", "Changed over there"):
            (outcome,) = self.take(question(explanation=explanation))
            self.assertEqual((outcome.what, outcome.message), ("kept", "What is the capital of Iran?"))
        self.assertEqual(self.question().explanation, "Since 1786.")

    def test_a_question_that_changed_at_the_source_is_updated_and_stays_rejected(self) -> None:
        self.take(question())
        before = self.question()
        self.run_now(self.site.questions.writing.edit(replace(before, state=State.REJECTED)))
        (outcome,) = self.take(question(wrong=("Baghdad", "Kabul", "Doha")))
        after = self.question()
        self.assertEqual((outcome.what, after.id, after.created), ("updated", before.id, before.created))
        self.assertEqual((after.alternatives[1], after.state), ("Doha", State.REJECTED))
        self.assertEqual(self.take(question(wrong=("Baghdad", "Kabul", "Doha")))[0].what, "unchanged")

    def test_a_question_that_makes_no_sense_is_named_with_file_and_line(self) -> None:
        outcomes = self.take(
            question(text="Who?", difficulty="tough"), question("2", wrong=("A", "a", "B")), question("3")
        )
        self.assertEqual([outcome.what for outcome in outcomes], ["unusable", "unusable", "added"])
        said = "The text must have 5 to 200 characters. The difficulty must be one of easy, medium, hard, or empty."
        self.assertEqual(outcomes[0].message, f"a.csv:7: Who?: {said}")
        self.assertIn("a.csv:7: What is the capital of Iran?: There must be exactly four", outcomes[1].message)

    def test_lone_surrogates_in_a_question_are_left_out(self) -> None:
        self.take(question(text="What is the capital\ud800 of Iran?", wrong=("Baghdad\udfff", "Kabul", "Ankara")))
        self.assertEqual(self.question().text, "What is the capital of Iran?")

    def test_two_processes_that_import_the_same_questions_double_none(self) -> None:
        items = [question(str(n), text=f"What is the capital of Iran ({n})?") for n in range(20)]
        self.second_site

        async def both() -> list[Outcome]:
            async def take(site: Any) -> list[Outcome]:
                return [outcome async for outcome in site.imports.take(items)]

            first, second = await asyncio.gather(take(self.site), take(self.second_site))
            return first + second

        whats = [outcome.what for outcome in self.run_now(both())]
        self.assertEqual(whats.count("added"), 20)
        self.assertEqual(len(self.everything()[-1]), 20)
