"""The moderation queue: who may see it, and everything that can be done there, with and without script."""

from typing import Any

from tornado.httpclient import HTTPResponse

from lib import json
from lib.ids import new_id
from models.comments import Attempt, Author, Comment
from tests.base import SiteTestCase, TestClient

QUEUE = "/admin/comments/"
ADA = Author("0" * 12, is_staff=True)


class AdminTestCase(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post = self.post_by("hello")
        self.ada = self.admin_client()

    def held(self, text: str = "Waiting", parent: str | None = None, author: Author | None = None) -> Comment:
        author = author or Author(new_id(), f"203.0.{len(text)}.7")
        return self.run_now(self.site.comments.add(self.post, author, Attempt(text), parent))

    def status(self, *comments: Comment) -> list[str]:
        return [self.run_now(self.site.comments.by_id(comment.id)).status for comment in comments]

    def act(self, path: str, method: str = "POST", **sent: Any) -> dict[str, Any]:
        response = self.ada.fetch(method, path, json_body=sent)
        self.assertEqual(response.code, 200, response.body)
        return json.loads(response.body)


class WhoTest(AdminTestCase):
    def everything(self) -> list[tuple[str, str]]:
        id = self.held().id
        pages = [("GET", path) for path in ("/admin/", QUEUE, f"{QUEUE}?status=spam", f"{QUEUE}{id}")]
        acts = [("POST", f"{QUEUE}{id}/{act}") for act in ("approval", "text", "reply")]
        return [*pages, *acts, ("POST", QUEUE), ("DELETE", f"{QUEUE}{id}/approval")]

    def client_at_admin(self, email: str = "") -> TestClient:
        client = self.client_signed_in(email) if email else TestClient(self)
        client.port = self.ada.port
        return client

    def test_strangers_are_asked_to_sign_in(self) -> None:
        stranger = self.client_at_admin()
        for method, path in self.everything():
            response = stranger.fetch(method, path, form={"text": "x"} if method == "POST" else None)
            self.assertEqual(response.code, 303, (method, path))
            self.assertTrue(response.headers["Location"].startswith("/signin?next=/admin/"), path)
        self.assertEqual(
            stranger.get(f"{QUEUE}?status=spam").headers["Location"], "/signin?next=/admin/comments/%3Fstatus%3Dspam"
        )
        answer = stranger.get(QUEUE, headers={"Accept": "application/json"})
        self.assertEqual((answer.code, json.loads(answer.body)["error"]), (403, "staff-only"))

    def test_members_are_refused_and_nothing_happens(self) -> None:
        dee = self.client_at_admin("dee@example.com")
        for method, path in self.everything():
            self.assertEqual(dee.fetch(method, path, form={"text": "x"} if method == "POST" else None).code, 403, path)
        self.assertEqual(self.run_now(self.site.moderation.counts())["published"], 0)

    def test_the_public_process_knows_no_admin(self) -> None:
        self.ada.port = None
        for path in ("/admin/", QUEUE):
            self.assertEqual(self.ada.get(path).code, 404)

    def test_nothing_here_is_ever_kept(self) -> None:
        for path in ("/admin/", QUEUE, "/admin/nothing"):
            self.assertIn(self.ada.get(path).headers["Cache-Control"], ("no-store", "no-cache"))

    def test_the_first_page_counts_and_shows_the_newest(self) -> None:
        self.held("The newest of all")
        page = self.ada.get("/admin/")
        self.assertEqual(page.code, 200)
        self.assertIn(b"The newest of all", page.body)


class QueueTest(AdminTestCase):
    def page(self, query: str = "") -> str:
        response = self.ada.get(f"{QUEUE}{query}")
        self.assertEqual(response.code, 200)
        return response.body.decode()

    def test_each_tab_has_its_own(self) -> None:
        held, spam = self.held("It waits"), self.held("It is spam")
        shown = self.run_now(self.site.comments.add(self.post, ADA, Attempt("It is shown")))
        self.run_now(self.site.moderation.mark_spam(spam.id))
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

    def test_more_than_a_page_goes_on_where_it_ended(self) -> None:
        document = self.held().to_document()
        self.run_now(self.site.mongo["comments"].delete_many({}))
        ids = sorted((new_id() for _ in range(51)), reverse=True)
        self.run_now(self.site.mongo["comments"].insert_many([{**document, "_id": id, "root": id} for id in ids]))
        page = self.page()
        self.assertEqual([f'data-id="{id}"' in page for id in ids], [True] * 50 + [False])
        self.assertIn(f"{QUEUE}?status=held&amp;before={ids[49]}", page)
        rest = self.page(f"?status=held&before={ids[49]}")
        self.assertIn(f'data-id="{ids[50]}"', rest)
        self.assertNotIn("before=", rest)
        self.assertEqual(self.ada.get(f"{QUEUE}?before=x").code, 404)

    def test_a_row_is_a_fragment_for_scripts(self) -> None:
        comment = self.held("A row of its own")
        row = self.ada.get(f"{QUEUE}{comment.id}")
        self.assertIn(b"A row of its own", row.body)
        self.assertNotIn(b"<html", row.body)
        for id in ("0" * 12, "x"):
            self.assertEqual(self.ada.get(f"{QUEUE}{id}").code, 404)

    def test_a_row_offers_acts_until_the_comment_is_deleted(self) -> None:
        shown_once, never_shown = self.held("Shown once"), self.held("Never shown")
        self.act(f"{QUEUE}{shown_once.id}/approval")
        self.act(f"{QUEUE}{shown_once.id}/approval", "DELETE")
        for action in ("approve", "delete", "spam"):
            self.assertIn(f'value="{action}"', self.row(shown_once))
        self.run_now(self.site.moderation.remove(never_shown.id))
        self.assertIn("Deleted", self.row(never_shown))
        self.assertNotIn("<form", self.row(never_shown))
        self.run_now(self.site.moderation.remove(shown_once.id))
        self.assertNotIn("<form", self.row(shown_once))

    def test_an_email_is_nothing_but_an_address_in_its_link(self) -> None:
        author, email = Author(new_id(), "203.0.113.7"), "bo?bcc=eve&x%@example.com"
        comment = self.run_now(self.site.comments.add(self.post, author, Attempt("Write to me", "Bo", email), None))
        self.assertIn(
            'href="mailto:bo%3Fbcc%3Deve%26x%25@example.com">bo?bcc=eve&amp;x%@example.com<', self.row(comment)
        )

    def row(self, comment: Comment) -> str:
        return self.page(comment.id)


class ActTest(AdminTestCase):
    def form(self, action: str, *comments: Comment, **more: str) -> HTTPResponse:
        return self.ada.post(QUEUE, {"action": action, "id": [comment.id for comment in comments], **more})

    def test_many_at_once_by_form_lead_back_to_the_queue(self) -> None:
        for action, status in (("approve", "published"), ("spam", "spam"), ("delete", "gone")):
            comments = [self.held(f"To {action}: {n}") for n in range(3)]
            response = self.form(action, *comments, status="spam")
            self.assertEqual((response.code, response.headers["Location"]), (303, f"{QUEUE}?status=spam"))
            self.assertEqual(self.status(*comments), [status] * 3)
        self.assertEqual(
            self.form("spam", comments[0], status="//evil.example").headers["Location"], f"{QUEUE}?status=held"
        )

    def test_a_script_hears_what_was_done_and_what_was_refused(self) -> None:
        one, two = self.held("One of two"), self.held("Two of two")
        told = self.act(QUEUE, action="approve", id=[one.id, "0" * 12, "1" * 12, two.id])
        post = self.post.id
        self.assertEqual(told["comments"], [{"id": c.id, "status": "published", "post": post} for c in (one, two)])
        self.assertEqual(set(told["refused"]), {"0" * 12, "1" * 12})

    def test_odd_choices_are_refused(self) -> None:
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

    def test_approval_and_taking_it_back(self) -> None:
        comment = self.held()
        path = f"{QUEUE}{comment.id}/approval"
        self.assertEqual(self.act(path)["comments"][0]["status"], "published")
        self.assertEqual(self.act(path)["comments"][0]["status"], "published")
        self.assertIn(b"Waiting", self.client.get("/plog/hello").body)
        self.assertEqual(self.act(path, "DELETE")["comments"][0]["status"], "held")
        self.assertNotIn(b"Waiting", self.client.get("/plog/hello").body)
        self.assertEqual(self.ada.post(path).headers["Location"], f"{QUEUE}?status=held")

    def test_approving_a_reply_approves_what_it_hangs_on_but_never_spam(self) -> None:
        bo = Author(new_id(), "203.0.113.7")
        root, spam = self.held("The root of it", author=bo), self.held("Spam by now", author=bo)
        reply = self.held("A reply to the root", root.id, bo)
        other = self.held("A reply to spam", spam.id, bo)
        self.run_now(self.site.moderation.mark_spam(spam.id))
        told = self.act(f"{QUEUE}{reply.id}/approval")
        self.assertEqual([one["id"] for one in told["comments"]], [root.id, reply.id])
        self.act(f"{QUEUE}{other.id}/approval")
        self.assertEqual(self.status(root, reply, spam, other), ["published", "published", "spam", "published"])

    def test_a_reply_approves_what_it_answers(self) -> None:
        comment = self.held("A good question")
        told = self.act(f"{QUEUE}{comment.id}/reply", text="And its answer")
        self.assertEqual([one["status"] for one in told["comments"]], ["published", "published"])
        page = self.client.get("/plog/hello").body.decode()
        self.assertIn("A good question", page)
        self.assertIn("And its answer", page)

    def test_a_reply_that_is_refused_approves_nothing(self) -> None:
        comment = self.held("A good question")
        for text in ("", "x" * 10_001, ["x"]):
            self.assertEqual(self.ada.post(f"{QUEUE}{comment.id}/reply", json_body={"text": text}).code, 422)
        self.assertEqual(self.status(comment), ["held"])

    def test_staff_change_a_text_at_any_time_but_not_that_of_what_is_gone(self) -> None:
        comment = self.held("A tpyo")
        self.clock.pass_by(days=80)
        self.act(f"{QUEUE}{comment.id}/text", text="A typo")
        self.assertEqual(self.run_now(self.site.comments.by_id(comment.id)).text, "A typo")
        self.assertEqual(self.ada.post(f"{QUEUE}{comment.id}/text", {"text": " "}).code, 422)
        self.run_now(self.site.moderation.remove(comment.id))
        self.ada.post(f"{QUEUE}{comment.id}/text", {"text": "Back again"})
        self.assertEqual(self.run_now(self.site.comments.by_id(comment.id)).text, "")

    def test_ids_of_nothing_are_not_found(self) -> None:
        for act in ("approval", "text", "reply"):
            self.assertEqual(self.ada.post(f"{QUEUE}{'0' * 12}/{act}", json_body={"text": "x"}).code, 404, act)
            self.assertEqual(self.ada.post(f"{QUEUE}x/{act}", json_body={"text": "x"}).code, 404, act)
