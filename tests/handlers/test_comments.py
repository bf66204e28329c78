"""Comments over HTTP: reading changes, and editing and removing one's own comments."""

from typing import Any

from tornado.httpclient import HTTPResponse

from lib import json
from models.comments import Attempt, Author, Comment
from models.comments.documents import document_of
from models.posts import Post
from tests.base import SiteTestCase, TestClient, approve

ADA = Author("0" * 12, is_staff=True)
PATH = "/plog/hello/comments"
NAME = """<img src=x onerror="alert('1')">"""


class CommentsTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")

    def published(self, text: str = "Ada's words", post: Post | None = None, **fields: Any) -> Comment:
        parent = fields.pop("parent", None)
        return self.run_now(self.site.comments.writing.add(post or self.post, ADA, Attempt(text, **fields), parent))

    def write(self, client: TestClient | None = None, path: str = PATH, **fields: Any) -> HTTPResponse:
        return (client or self.client).post(path, json_body={"text": "Bo's words", **fields})

    def changes(self, query: str = "after=0", client: TestClient | None = None) -> dict[str, Any]:
        response = (client or self.client).get(f"{PATH}?{query}")
        self.assertEqual(response.code, 200)
        return json.loads(response.body)

    def count(self) -> int:
        return self.run_now(self.site.tools.mongo["comments"].count_documents({}))


class ReadingTest(CommentsTestCase):
    def test_changes_are_numbered_in_order_and_can_be_read_after_any_number(self) -> None:
        first, second = self.published("One"), self.published("Two")
        self.run_now(self.site.comments.moderation.remove(first.id))
        result = self.changes()
        self.assertEqual((result["n"], [change["n"] for change in result["comments"]]), (3, [2, 3]))
        shown, gone = result["comments"]
        self.assertEqual((shown["id"], shown["parent"], shown["status"]), (second.id, None, "published"))
        self.assertEqual((gone["id"], gone["status"], gone["html"]), (first.id, "gone", ""))
        self.assertNotIn("more", result)
        self.assertEqual(self.changes("after=2")["comments"], [gone])
        self.assertEqual(self.changes("after=3"), {"n": 3, "comments": []})
        self.assertEqual(self.changes("")["n"], 3)

    def test_an_answer_has_at_most_500_changes_and_says_if_there_are_more(self) -> None:
        document = {**document_of(self.published()), "n": 1, "place": 1}
        more = [{**document, "_id": f"{n:012}", "root": f"{n:012}", "n": n, "place": n} for n in range(2, 502)]
        self.run_now(self.site.tools.mongo["comments"].insert_many(more))
        result = self.changes()
        self.assertEqual((len(result["comments"]), result["n"], result["more"]), (500, 500, True))
        rest = self.changes(f"after={result['n']}")
        self.assertEqual(([change["n"] for change in rest["comments"]], "more" in rest), ([501], False))

    def test_a_malformed_number_is_refused(self) -> None:
        for after in ("-1", "x", "1.5", "", "9" * 40, "21474836470", "%E0%A5%A7", "1e3"):
            self.assertEqual(self.client.get(f"{PATH}?after={after}").code, 422, after)

    def test_the_html_answer_equals_the_html_in_json(self) -> None:
        self.published("A fragment of it")
        response = self.client.get(f"{PATH}?after=0", headers={"Accept": "text/html"})
        self.assertEqual(response.body.decode(), self.changes()["comments"][0]["html"])
        self.assertIn("text/html", response.headers["Content-Type"])

    def test_comments_contain_no_form_image_or_script_and_are_the_same_on_the_page(self) -> None:
        self.published("<script>alert(1)</script> ![x](https://evil.example/x.png) <svg/onload=alert(1)>", name=NAME)
        html = self.changes()["comments"][0]["html"]
        self.assertIn(html, self.client.get("/plog/hello").body.decode())
        for tag in ("<script", "<img", "<svg", "<form"):
            self.assertNotIn(tag, html.lower())

    def test_a_removed_comment_stays_as_a_tombstone_while_it_has_replies(self) -> None:
        root = self.published("Something to regret")
        self.published("A reply", parent=root.id)
        self.run_now(self.site.comments.moderation.remove(root.id))
        change = self.changes("after=2")["comments"][0]
        self.assertEqual(change["status"], "gone")
        self.assertIn("moderators", change["html"])
        self.assertIn(change["html"], self.client.get("/plog/hello").body.decode())

    def test_a_permalink_redirects_to_the_page_that_shows_the_comment(self) -> None:
        comments = [self.published(f"Number {n}") for n in range(96)]
        for comment, path in ((comments[0], "/plog/hello/p1"), (comments[1], "/plog/hello")):
            response = self.client.get(f"{PATH}/{comment.id}")
            self.assertEqual((response.code, response.headers["Location"]), (303, f"{path}#c{comment.id}"))
            self.assertIn(f'id="c{comment.id}"', self.client.get(path).body.decode())
        self.assertNotIn(f'id="c{comments[0].id}"', self.client.get("/plog/hello").body.decode())
        self.assertEqual(self.client.get("/plog/hello/p2").code, 404)
        self.assertEqual(self.client.get("/plog/HELLO/P1/").headers["Location"], "/plog/hello/p1")

    def test_a_permalink_of_a_held_foreign_or_unknown_comment_is_not_found(self) -> None:
        held = json.loads(self.write().body)["id"]
        elsewhere = self.published("Elsewhere", self.post_by("other")).id
        for id in (held, elsewhere, "0" * 12, "x", "z" * 12):
            self.assertEqual(self.client.get(f"{PATH}/{id}").code, 404, id)

    def test_the_page_names_its_channel_and_number_before_any_comment(self) -> None:
        self.published('<plog-comments data-channel="comments:x" data-n="99">')
        page = self.client.get("/plog/hello").body.decode()
        self.assertEqual(page.count("<plog-comments "), 1)
        tag = page[page.index("<plog-comments") :].partition(">")[0]
        self.assertIn(f'data-channel="comments:{self.post.id}"', tag)
        self.assertIn('data-n="1"', tag)
        self.assertLess(page.index("data-channel="), page.index('class="comment'))


class OwnTest(CommentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.own = json.loads(self.write(name=" Bo\n").body)

    def change(self, method: str, id: str | None = None, **sent: Any) -> HTTPResponse:
        return self.client.fetch(method, f"{PATH}/{id or self.own['id']}", **sent)

    def test_a_held_comment_is_shown_to_its_own_visitor_and_to_nobody_else(self) -> None:
        (mine,) = self.changes("mine=1")["comments"]
        self.assertEqual((mine["id"], mine["n"], mine["status"]), (self.own["id"], None, "held"))
        self.assertEqual(mine["edit_token"], self.own["edit_token"])
        self.assertEqual(self.changes("mine=1", self.cy), {"comments": []})
        self.assertEqual(self.changes(), {"n": 0, "comments": []})
        self.assertNotIn(b"Bo's words", self.client.get("/plog/hello").body)
        self.run_now(approve(self.site, self.own["id"]))
        self.assertEqual(self.changes("mine=1"), {"comments": []})

    def test_held_comments_are_still_shown_to_their_author_after_signing_in(self) -> None:
        self.client_signed_in("bo@example.com")
        self.client.signin("bo@example.com")
        self.assertEqual([one["id"] for one in self.changes("mine=1")["comments"]], [self.own["id"]])

    def test_an_author_edits_a_text_with_the_edit_token(self) -> None:
        edited = self.change("PUT", json_body={"text": "Better *words*", "edit_token": self.own["edit_token"]})
        self.assertEqual(edited.code, 200)
        result = json.loads(edited.body)
        self.assertEqual((result["id"], result["status"]), (self.own["id"], "held"))
        self.assertIn("Better *words*", result["html"])
        form = {"text": "As a form", "edit_token": self.own["edit_token"]}
        self.assertIn(b"As a form", self.change("PUT", form=form).body)
        self.assertIn(b"By header", self.change("PUT", json_body={"text": "By header"},
                                                headers={"X-Edit-Token": self.own["edit_token"]}).body)  # fmt: skip

    def test_any_other_token_is_refused(self) -> None:
        foreign = self.site.comments.writing.edit_token(self.published())
        for token in (foreign, "", None, 12, [], {"a": "b"}, "\ud800", "é", "x" * 43):
            for method in ("PUT", "DELETE"):
                response = self.change(method, json_body={"text": "Mine", "edit_token": token})
                self.assertIn(response.code, (403, 422), (method, token))
        self.assertEqual(self.change("DELETE").code, 403)
        self.assertEqual(self.change("DELETE", headers={"X-Edit-Token": "\xff"}).code, 403)
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(self.own["id"])).text, "Bo's words")

    def test_an_edit_token_expires_after_fifteen_minutes(self) -> None:
        self.assertEqual(self.own["edit_until"], "2026-11-20T12:15:00Z")
        self.clock.pass_by(minutes=15, seconds=1)
        for method in ("PUT", "DELETE"):
            response = self.change(method, json_body={"text": "Late", "edit_token": self.own["edit_token"]})
            self.assertEqual((response.code, json.loads(response.body)["error"]), (403, "too-late"))

    def test_an_invalid_text_is_refused(self) -> None:
        for text in ("", " ", "x" * 10_001, None, 5, ["x"]):
            response = self.change("PUT", json_body={"text": text, "edit_token": self.own["edit_token"]})
            self.assertEqual(response.code, 422, text)
            self.assertIn("text", json.loads(response.body)["problems"])

    def test_an_author_removes_a_comment_with_the_token_in_body_or_header(self) -> None:
        self.run_now(approve(self.site, self.own["id"]))
        self.published("A reply to it", parent=self.own["id"])
        response = self.change("DELETE", headers={"X-Edit-Token": self.own["edit_token"]})
        self.assertEqual((response.code, json.loads(response.body)["status"]), (200, "gone"))
        self.assertIn(b"emoved by its author", self.client.get("/plog/hello").body)
        other = json.loads(self.write(text="Another of mine").body)
        self.assertEqual(self.change("DELETE", other["id"], json_body={"edit_token": other["edit_token"]}).code, 200)
        self.assertEqual(self.change("DELETE", other["id"], form={"edit_token": other["edit_token"]}).code, 403)

    def test_a_removed_comment_may_be_posted_again(self) -> None:
        self.change("DELETE", headers={"X-Edit-Token": self.own["edit_token"]})
        again = json.loads(self.write(name="Bo").body)
        self.assertNotEqual(again["id"], self.own["id"])
        self.assertIn("Bo&#x27;s words", again["html"].replace("&#39;", "&#x27;").replace("Bo's", "Bo&#x27;s"))

    def test_a_comment_cannot_be_edited_at_the_address_of_another_post(self) -> None:
        self.post_by("other")
        sent = {"text": "Elsewhere", "edit_token": self.own["edit_token"]}
        self.assertEqual(self.client.put(f"/plog/other/comments/{self.own['id']}", json_body=sent).code, 404)
