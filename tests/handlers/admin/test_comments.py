"""The moderation queue: who may see it, and every action on it, by form and by JSON."""

import re
from typing import Any

from tornado.httpclient import HTTPResponse

from lib import json
from lib.ids import new_id
from models.comments import Attempt, Author, Comment
from models.comments.documents import document_of
from tests.base import SiteTestCase, TestClient

QUEUE = "/admin/comments/"
ADA = Author("0" * 12, is_staff=True)
BO = Author(new_id(), "203.0.113.7")
JSON = {"Accept": "application/json"}


class AdminTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")
        self.ada = self.admin_client()

    def held(self, text: str = "Waiting", parent: str | None = None, author: Author | None = None) -> Comment:
        author = author or Author(new_id(), f"203.0.{len(text)}.7")
        return self.run_now(self.site.comments.writing.add(self.post, author, Attempt(text), parent))

    def status(self, *comments: Comment) -> list[str]:
        return [self.run_now(self.site.comments.documents.by_id(comment.id)).status for comment in comments]

    def act(self, path: str, method: str = "POST", *, code: int = 200, **sent: Any) -> dict[str, Any]:
        response = self.ada.fetch(method, path, json_body=sent)
        self.assertEqual(response.code, code, response.body)
        return json.loads(response.body)

    def revision(self, comment: Comment) -> int:
        """The revision in the comment's row."""
        return json.loads(self.ada.get(f"{QUEUE}{comment.id}", headers=JSON).body)["revision"]

    def approve(self, comment: Comment, **sent: Any) -> dict[str, Any]:
        """Approve the current revision of a comment; `sent` overrides fields of the request."""
        return self.act(f"{QUEUE}{comment.id}/approval", **{"revision": self.revision(comment), **sent})

    def edit(self, comment: Comment, text: str) -> None:
        """Edit a comment as its author."""
        token = self.site.comments.writing.edit_token(comment)
        self.run_now(self.site.comments.writing.edit(self.post, Author(comment.author), comment.id, token, text))


class PermissionsTest(AdminTestCase):
    def everything(self) -> list[tuple[str, str]]:
        id = self.held().id
        pages = [("GET", path) for path in ("/admin/", QUEUE, f"{QUEUE}?status=spam", f"{QUEUE}{id}")]
        acts = [("POST", f"{QUEUE}{id}/{act}") for act in ("approval", "text", "reply")]
        return [*pages, *acts, ("POST", QUEUE), ("DELETE", f"{QUEUE}{id}/approval")]

    def at_admin(self, client: TestClient) -> TestClient:
        """Send this client's requests to the admin process."""
        client.port = self.ada.port
        return client

    def test_visitors_are_redirected_to_sign_in(self) -> None:
        bo = self.at_admin(self.bo)
        for method, path in self.everything():
            response = bo.fetch(method, path, form={"text": "x"} if method == "POST" else None)
            self.assertEqual(response.code, 303, (method, path))
            self.assertTrue(response.headers["Location"].startswith("/signin?next=/admin/"), path)
        self.assertEqual(
            bo.get(f"{QUEUE}?status=spam").headers["Location"], "/signin?next=/admin/comments/%3Fstatus%3Dspam"
        )
        answer = bo.get(QUEUE, headers={"Accept": "application/json"})
        self.assertEqual((answer.code, json.loads(answer.body)["error"]), (403, "staff-only"))

    def test_members_are_refused_and_change_nothing(self) -> None:
        dee = self.at_admin(self.dee)
        for method, path in self.everything():
            self.assertEqual(dee.fetch(method, path, form={"text": "x"} if method == "POST" else None).code, 403, path)
        self.assertEqual(self.run_now(self.site.comments.moderation.counts())["published"], 0)

    def test_a_public_process_does_not_serve_the_admin(self) -> None:
        self.ada.port = None
        for path in ("/admin/", QUEUE):
            self.assertEqual(self.ada.get(path).code, 404)

    def test_admin_pages_are_never_cached(self) -> None:
        for path in ("/admin/", QUEUE, "/admin/nothing"):
            self.assertIn(self.ada.get(path).headers["Cache-Control"], ("no-store", "no-cache"))

    def test_the_overview_shows_the_newest_comments(self) -> None:
        self.held("The newest of all")
        page = self.ada.get("/admin/")
        self.assertEqual(page.code, 200)
        self.assertIn(b"The newest of all", page.body)


class QueueTest(AdminTestCase):
    def page(self, query: str = "") -> str:
        response = self.ada.get(f"{QUEUE}{query}")
        self.assertEqual(response.code, 200)
        return response.body.decode()

    def test_each_tab_lists_the_comments_of_its_status(self) -> None:
        held, spam = self.held("It waits"), self.held("It is spam")
        shown = self.run_now(self.site.comments.writing.add(self.post, ADA, Attempt("It is shown")))
        self.run_now(self.site.comments.moderation.mark_spam(spam.id))
        for status, comment in (
            ("", held),
            ("?status=held", held),
            ("?status=published", shown),
            ("?status=spam", spam),
        ):
            ids = [one.id for one in (held, spam, shown) if f'data-id="{one.id}"' in self.page(status)]
            self.assertEqual(ids, [comment.id], status)
        for status in ("gone", "x", "%24ne"):
            self.assertEqual(self.ada.get(f"{QUEUE}?status={status}").code, 404)

    def test_a_queue_of_51_comments_has_a_second_page(self) -> None:
        document = document_of(self.held())
        self.run_now(self.site.tools.mongo["comments"].delete_many({}))
        ids = sorted((new_id() for _ in range(51)), reverse=True)
        self.run_now(self.site.tools.mongo["comments"].insert_many([{**document, "_id": id, "root": id} for id in ids]))
        page = self.page()
        self.assertEqual([f'data-id="{id}"' in page for id in ids], [True] * 50 + [False])
        self.assertIn(f"{QUEUE}?status=held&amp;before={ids[49]}", page)
        rest = self.page(f"?status=held&before={ids[49]}")
        self.assertIn(f'data-id="{ids[50]}"', rest)
        self.assertNotIn("before=", rest)
        self.assertEqual(self.ada.get(f"{QUEUE}?before=x").code, 404)

    def test_a_row_is_served_as_an_html_fragment(self) -> None:
        comment = self.held("A row of its own")
        row = self.ada.get(f"{QUEUE}{comment.id}")
        self.assertIn(b"A row of its own", row.body)
        self.assertNotIn(b"<html", row.body)
        for id in ("0" * 12, "x"):
            self.assertEqual(self.ada.get(f"{QUEUE}{id}").code, 404)

    def test_a_row_offers_actions_until_the_comment_is_deleted(self) -> None:
        shown_once, never_shown = self.held("Shown once"), self.held("Never shown")
        self.approve(shown_once)
        self.act(f"{QUEUE}{shown_once.id}/approval", "DELETE")
        for action in ("approve", "delete", "spam"):
            self.assertIn(f'value="{action}"', self.row(shown_once))
        self.run_now(self.site.comments.moderation.remove(never_shown.id))
        self.assertIn("Deleted", self.row(never_shown))
        self.assertNotIn("<form", self.row(never_shown))
        self.run_now(self.site.comments.moderation.remove(shown_once.id))
        self.assertNotIn("<form", self.row(shown_once))

    def test_an_email_is_escaped_in_its_mailto_link(self) -> None:
        author, email = Author(new_id(), "203.0.113.7"), "bo?bcc=eve&x%@example.com"
        comment = self.run_now(
            self.site.comments.writing.add(self.post, author, Attempt("Write to me", "Bo", email), None)
        )
        self.assertIn(
            'href="mailto:bo%3Fbcc%3Deve%26x%25@example.com">bo?bcc=eve&amp;x%@example.com<', self.row(comment)
        )

    def row(self, comment: Comment) -> str:
        return self.page(comment.id)


class ActTest(AdminTestCase):
    def form(self, action: str, *comments: Comment, **more: str) -> HTTPResponse:
        sent = {"id": [comment.id for comment in comments], "revision": [self.revision(one) for one in comments]}
        return self.ada.post(QUEUE, {"action": action, **sent, **more})

    def test_a_batch_sent_as_a_form_redirects_to_the_queue(self) -> None:
        for action, status in (("approve", "published"), ("spam", "spam"), ("delete", "gone")):
            comments = [self.held(f"To {action}: {n}") for n in range(3)]
            response = self.form(action, *comments, status="spam")
            self.assertEqual((response.code, response.headers["Location"]), (303, f"{QUEUE}?status=spam"))
            self.assertEqual(self.status(*comments), [status] * 3)
        self.assertEqual(
            self.form("spam", comments[0], status="//evil.example").headers["Location"], f"{QUEUE}?status=held"
        )

    def test_a_json_answer_lists_changed_and_refused_comments(self) -> None:
        one, two = self.held("One of two"), self.held("Two of two")
        result = self.act(QUEUE, action="approve", id=[one.id, "0" * 12, two.id], revision=[0] * 3)
        post = self.post.id
        self.assertEqual(result["comments"], [{"id": c.id, "status": "published", "post": post} for c in (one, two)])
        self.assertEqual(set(result["refused"]), {"0" * 12})

    def test_malformed_batches_are_refused(self) -> None:
        comment = self.held()
        odd: list[dict[str, Any]] = [
            {"id": []},
            {"id": [1]},
            {"id": {"$gt": ""}},
            {},
            {"id": [f"{n:012}" for n in range(501)]},
            {"id": [comment.id, "odd"]},
            {"id": "\ud800"},
            {"id": [comment.id, "\ud800" * 12]},
            {"id": ["\uff10" * 12]},
        ]
        for sent in odd:
            self.assertEqual(self.ada.post(QUEUE, json_body={"action": "approve", **sent}).code, 422, sent)
        self.assertEqual(self.ada.post(QUEUE, {}).code, 422)
        for action in ("promote", "", None, ["approve"]):
            answer = self.ada.post(QUEUE, json_body={"action": action, "id": [comment.id]})
            self.assertEqual((answer.code, list(json.loads(answer.body)["problems"])), (422, ["action"]))
        self.assertEqual(self.status(comment), ["held"])

    def test_an_approval_can_be_withdrawn(self) -> None:
        comment = self.held()
        path = f"{QUEUE}{comment.id}/approval"
        read = self.revision(comment)
        for _ in range(2):  # the approval of a second moderator changes nothing
            self.assertEqual(self.act(path, revision=read)["comments"][0]["status"], "published")
        self.assertIn(b"Waiting", self.client.get("/plog/hello").body)
        self.assertEqual(self.act(path, "DELETE")["comments"][0]["status"], "held")
        self.assertNotIn(b"Waiting", self.client.get("/plog/hello").body)
        answer = self.ada.post(path, {"revision": self.revision(comment)})
        self.assertEqual(answer.headers["Location"], f"{QUEUE}?status=held")

    def test_approving_a_reply_does_not_publish_its_held_parent(self) -> None:
        root = self.held("The root of it", author=BO)
        reply = self.held("A reply to the root", root.id, BO)
        result = self.approve(reply)
        self.assertEqual([one["id"] for one in result["comments"]], [reply.id])
        self.assertEqual(self.status(root, reply), ["held", "published"])
        self.assertIsNone(self.run_now(self.site.comments.documents.by_id(reply.id)).parent)

    def test_a_staff_reply_approves_its_parent(self) -> None:
        comment = self.held("A good question")
        result = self.act(f"{QUEUE}{comment.id}/reply", text="And its answer", revision=self.revision(comment))
        self.assertEqual([one["status"] for one in result["comments"]], ["published", "published"])
        page = self.client.get("/plog/hello").body.decode()
        self.assertIn("A good question", page)
        self.assertIn("And its answer", page)

    def test_a_refused_reply_does_not_approve_its_parent(self) -> None:
        comment = self.held("A good question")
        for text in ("", "x" * 10_001, ["x"]):
            self.act(f"{QUEUE}{comment.id}/reply", code=422, text=text, revision=self.revision(comment))
        self.assertEqual(self.status(comment), ["held"])

    def test_staff_may_edit_a_text_at_any_time_unless_the_comment_is_gone(self) -> None:
        comment = self.held("A tpyo")
        self.clock.pass_by(days=80)
        self.act(f"{QUEUE}{comment.id}/text", text="A typo")
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(comment.id)).text, "A typo")
        self.assertEqual(self.ada.post(f"{QUEUE}{comment.id}/text", {"text": " "}).code, 422)
        self.run_now(self.site.comments.moderation.remove(comment.id))
        self.ada.post(f"{QUEUE}{comment.id}/text", {"text": "Back again"})
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(comment.id)).text, "")

    def test_unknown_ids_are_not_found(self) -> None:
        for act in ("approval", "text", "reply"):
            for id in ("0" * 12, "x"):
                sent = {"text": "x", "revision": 0}
                self.assertEqual(self.ada.post(f"{QUEUE}{id}/{act}", json_body=sent).code, 404, act)


class StaleTest(AdminTestCase):
    """An approval publishes only the revision that staff have read."""

    def setUp(self) -> None:
        super().setUp()
        self.comment = self.held("Innocent words", author=BO)
        self.read = self.revision(self.comment)

    def test_approving_an_outdated_revision_publishes_nothing_and_returns_the_new_row(self) -> None:
        self.edit(self.comment, "Other words")
        result = self.approve(self.comment, revision=self.read, code=409)
        self.assertEqual((result["error"], self.status(self.comment)), ("changed", ["held"]))
        self.assertIn("Other words", result["html"])
        self.assertEqual(result["counts"], {"held": 1, "published": 0, "spam": 0})
        self.approve(self.comment, revision=result["revision"])
        self.assertEqual(self.status(self.comment), ["published"])

    def test_an_approval_without_a_revision_is_refused(self) -> None:
        for odd in (None, "", "x", "-1", "1.0", "٣", True, 0.5, ["x"], {"$gt": 0}):
            for path, sent in ((f"{QUEUE}{self.comment.id}/approval", {}), (QUEUE, self.batch())):
                result = self.act(path, code=422, **{**sent, "revision": odd})
                self.assertEqual(list(result["problems"]), ["revision"], odd)
        for revisions in ([], [self.read] * 2):
            self.act(QUEUE, code=422, **{**self.batch(), "revision": revisions})
        self.assertEqual(self.ada.post(f"{QUEUE}{self.comment.id}/approval", {}).code, 422)
        self.assertEqual(self.status(self.comment), ["held"])

    def batch(self, *comments: Comment, action: str = "approve") -> dict[str, Any]:
        return {"action": action, "id": [comment.id for comment in comments or (self.comment,)]}

    def test_a_batch_publishes_current_revisions_and_returns_the_rows_of_outdated_ones(self) -> None:
        other = self.held("Words that stay the same")
        sent = self.batch(self.comment, other) | {"revision": [self.read, self.revision(other)]}
        self.edit(self.comment, "Other words")
        result = self.act(QUEUE, code=409, **sent)
        self.assertEqual(self.status(self.comment, other), ["held", "published"])
        self.assertEqual([one["id"] for one in result["comments"]], [other.id])
        self.assertEqual((result["error"], list(result["refused"])), ("changed", [self.comment.id]))
        self.assertIn("Other words", result["rows"][self.comment.id]["html"])
        self.assertEqual(result["rows"][self.comment.id]["revision"], self.revision(self.comment))

    def test_deleting_and_marking_as_spam_need_no_revision(self) -> None:
        for action in ("spam", "delete"):
            self.act(QUEUE, **self.batch(action=action))

    def test_the_form_sends_all_revisions_and_the_ids_of_ticked_rows(self) -> None:
        other = self.held("Words that nobody ticks")
        page = self.ada.get(QUEUE).body.decode()
        shown = re.findall(r'form="batch" name="shown" value="([^"]+)"', page)
        self.assertEqual(len(shown), 2)
        form = {"action": "approve", "id": self.comment.id, "shown": shown}
        self.assertEqual(self.ada.post(QUEUE, form).code, 303)
        self.assertEqual(self.status(self.comment, other), ["published", "held"])

    def test_a_stale_form_is_answered_with_the_current_row(self) -> None:
        form = {**self.batch(), "shown": f"{self.comment.id}:{self.read}"}
        self.edit(self.comment, "Other words")
        answer = self.ada.post(QUEUE, form)
        page = answer.body.decode()
        self.assertEqual(answer.code, 409)
        self.assertIn("changed since you read", page)
        self.assertIn("Other words", page)
        again = re.findall(r'name="revision" value="([^"]+)"', page)[0]
        self.assertEqual(self.ada.post(QUEUE, {**self.batch(), "revision": again}).code, 303)
        self.assertEqual(self.status(self.comment), ["published"])

    def test_a_reply_to_an_outdated_revision_publishes_nothing_and_gets_its_text_back(self) -> None:
        self.edit(self.comment, "Other words")
        path, sent = f"{QUEUE}{self.comment.id}/reply", {"text": "A kind answer", "revision": self.read}
        self.assertIn("Other words", self.act(path, code=409, **sent)["html"])
        page = self.ada.post(path, sent)
        self.assertEqual(page.code, 409)
        self.assertIn(b"A kind answer</textarea>", page.body)
        self.assertEqual(self.run_now(self.site.comments.moderation.counts()), {"held": 1, "published": 0, "spam": 0})

    def test_a_reply_needs_a_revision_only_if_its_parent_is_held(self) -> None:
        path = f"{QUEUE}{self.comment.id}/reply"
        self.assertEqual(list(self.act(path, code=422, text="Too early")["problems"]), ["revision"])
        self.approve(self.comment)
        self.assertEqual(self.act(path, text="In time")["comments"][-1]["status"], "published")

    def test_a_batch_may_list_a_reply_before_its_parent(self) -> None:
        for n, turn in enumerate((1, -1)):
            root = self.held(f"Root number {n}", author=BO)
            reply = self.held(f"Reply number {n}", root.id, BO)
            both = [root, reply][::turn]
            self.act(QUEUE, **self.batch(*both), revision=[self.revision(one) for one in both])
            self.assertEqual(self.run_now(self.site.comments.documents.by_id(reply.id)).parent, root.id)
            self.clock.pass_by(minutes=1)

    def test_approving_a_reply_does_not_republish_a_parent_that_is_held_again(self) -> None:
        self.approve(self.comment)
        reply = self.held("A reply by somebody else", self.comment.id)
        self.act(f"{QUEUE}{self.comment.id}/approval", "DELETE")
        self.approve(reply)
        self.assertEqual(self.status(self.comment, reply), ["held", "published"])
