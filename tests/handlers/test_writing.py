"""Writing a comment over HTTP: by form and by JSON, validation, rate limits and previews."""

import re
from typing import Any

from lib import json
from tests.base import TestClient, approve
from tests.handlers.test_comments import NAME, PATH, CommentsTestCase

HTML = {"Accept": "text/html"}


class WritingTest(CommentsTestCase):
    def test_a_json_request_gets_201_with_the_comment_and_its_edit_token(self) -> None:
        response = self.write(name="Bo")
        self.assertEqual(response.code, 201)
        result = json.loads(response.body)
        self.assertLessEqual({"id", "n", "status", "html", "edit_token", "edit_until"}, result.keys())
        self.assertEqual((result["status"], result["n"]), ("held", None))
        self.assertIn("visitor", self.client.cookies)

    def test_comments_of_staff_are_published_at_once(self) -> None:
        result = json.loads(self.write(self.ada).body)
        self.assertEqual((result["status"], result["n"]), ("published", 1))

    def test_a_form_gets_a_303_redirect_to_its_comment(self) -> None:
        form = {"text": "By form", "name": "Bo", "email": "", "parent": "", "website": ""}
        response = self.client.post(PATH, form)
        self.assertEqual(response.code, 303)
        self.assertRegex(response.headers["Location"], r"^/plog/hello#c[0-9a-v]{12}$")
        response = self.ada.post(PATH, form)
        (theirs,) = self.changes("after=0")["comments"]
        self.assertEqual((response.code, response.headers["Location"]), (303, f"/plog/hello#c{theirs['id']}"))

    def test_the_case_of_the_address_does_not_lose_a_comment(self) -> None:
        self.assertEqual(self.write(path="/plog/HELLO/comments").code, 201)

    def test_invalid_values_are_named_by_field(self) -> None:
        wrong: dict[str, list[Any]] = {
            "text": ["", "  \n", None, "x" * 10_001, 5, True, ["x"], {"$gt": ""}, "\ud800"],
            "name": ["x" * 101, 5, {"$ne": 1}],
            "email": ["nobody", ["bo@example.com"]],
            "parent": ["x", "0" * 12, "$gt", 7, {"$gt": ""}, ["0" * 12]],
            "website": [{"$gt": ""}],
        }
        for field, values in wrong.items():
            for value in values:
                response = self.write(TestClient(self), **{field: value})
                self.assertEqual(response.code, 422, (field, value))
                result = json.loads(response.body)
                self.assertEqual((result["error"], list(result["problems"])), ("invalid", [field]), (field, value))
                self.run_now(self.site.tools.redis.flushdb())
        self.assertEqual(self.count(), 0)

    def test_ten_thousand_non_ascii_characters_are_accepted(self) -> None:
        self.assertEqual(self.write(text="ü" * 10_000, name="é" * 100).code, 201)

    def test_a_malformed_body_is_refused(self) -> None:
        bodies = (b"{", b"[]", b'"text"', b"null", b"[" * 5000, b'{"text": "\xff"}', b'{"text": NaN}', b"")
        for kind in ("application/json", "application/json; charset=utf-8", "multipart/form-data", "text/plain"):
            for body in bodies:
                for accept in ("application/json", "text/html"):
                    code = self.raw(body, kind, accept)
                    self.assertIn(code, (400, 422), (kind, body[:20], accept))
                    self.run_now(self.site.tools.redis.flushdb())
        self.assertEqual(self.raw(b"text=%ff&name=x", "application/x-www-form-urlencoded", "text/html"), 400)
        self.assertEqual(self.raw(b'{"text": "\\ud800", "name": "\\udfff"}', "application/json", "text/html"), 422)
        self.log.lines = [line for line in self.log.lines if "multipart" not in line.lower()]
        self.assertEqual(self.count(), 0)

    def raw(self, body: bytes, kind: str, accept: str) -> int:
        url = self.get_url(PATH)
        headers = {"Content-Type": kind, "Accept": accept}
        fetch = self.http_client.fetch(url, method="POST", body=body, headers=headers, raise_error=False)
        return int(self.run_now(fetch).code)

    def test_unprintable_characters_are_removed(self) -> None:
        result = json.loads(self.write(text="a\x00b\u202ec\ud800d", name="B\x00o\n\n  B").body)
        comment = self.run_now(self.site.comments.documents.by_id(result["id"]))
        self.assertEqual((comment.text, comment.name), ("abcd", "Bo B"))

    def test_a_name_is_escaped_wherever_it_is_shown(self) -> None:
        result = self.write(name=NAME)
        comment = self.published("A reply to come", name=NAME)
        mine = self.changes("mine=1")["comments"][0]["html"]
        pages = [
            result.body,
            mine.encode(),
            self.client.get("/plog/hello").body,
            self.client.get("/plog/hello/comments.atom").body,
        ]
        again = self.client.post(PATH, {"text": "", "name": f'">{NAME}', "parent": f'"{NAME}'}, headers=HTML).body
        row = self.admin_client().get(f"/admin/comments/{comment.id}").body
        for page in (*pages, again, row):
            self.assertNotIn(b"<img src=x", page)
            self.assertIn(b"onerror", page)

    def test_repeating_a_published_comment_from_its_authors_network_gives_no_edit_token(self) -> None:
        first = json.loads(self.write(self.bo).body)
        self.run_now(approve(self.site, first["id"]))
        again = json.loads(self.write(self.cy).body)
        self.assertEqual((again["id"], again["status"], "edit_token" in again), (first["id"], "published", False))

    def test_repeating_a_comment_that_is_held_again_does_not_show_it(self) -> None:
        first = json.loads(self.write(self.bo).body)
        self.run_now(approve(self.site, first["id"]))
        self.run_now(self.site.comments.moderation.hold(first["id"]))
        again = json.loads(self.write(self.cy).body)
        self.assertEqual((again["id"], again["status"], again["html"]), (first["id"], "held", ""))
        self.assertNotIn("edit_token", again)
        own = self.bo.put(f"{PATH}/{first['id']}", json_body={"text": "Made better", "edit_token": first["edit_token"]})
        self.assertEqual(own.code, 200)
        other = json.loads(self.write(TestClient(self)).body)
        self.assertNotEqual(other["id"], first["id"])
        self.assertNotIn("Made better", other["html"])

    def test_the_same_text_within_a_minute_is_deduplicated(self) -> None:
        first = json.loads(self.write(self.bo).body)
        again = self.write(self.cy)
        self.assertEqual((again.code, json.loads(again.body)), (201, first))
        self.assertEqual(self.count(), 1)
        self.assertNotEqual(json.loads(self.write(text="Other words").body)["id"], first["id"])
        self.post_by("other")
        elsewhere = json.loads(self.write(path="/plog/other/comments").body)
        self.assertNotEqual(elsewhere["id"], first["id"])
        self.clock.pass_by(seconds=61)

    def test_a_comment_that_fills_the_honeypot_is_held_without_a_hint(self) -> None:
        result = json.loads(self.write(website="http://spam.example").body)
        self.assertEqual(result["status"], "held")
        self.assertEqual(self.run_now(self.site.comments.documents.by_id(result["id"])).check, "honeypot")

    def test_closed_comments_are_shown_and_cannot_be_added_to(self) -> None:
        closed = self.post_by("closed", has_closed_comments=True)
        response = self.write(path="/plog/closed/comments")
        self.assertEqual((response.code, json.loads(response.body)["error"]), (403, "closed"))
        page = self.client.get(closed.path).body
        self.assertIn(b"Comments are closed", page)
        self.assertNotIn(b"<form", page)
        self.assertEqual(self.client.post(f"{closed.path}/comments", {"text": "Kept"}, headers=HTML).code, 403)

    def test_hidden_comments_have_no_page_and_no_form(self) -> None:
        hidden = self.post_by("hidden", has_hidden_comments=True)
        page = self.client.get(hidden.path).body
        self.assertNotIn(b"<form", page)
        self.assertNotIn(b"data-channel", page)
        for path in ("comments?after=0", "comments?mine=1", f"comments/{'0' * 12}", "p1"):
            self.assertEqual(self.client.get(f"{hidden.path}/{path}").code, 404, path)
        self.assertEqual(self.write(path=f"{hidden.path}/comments").code, 404)

    def test_a_parent_must_be_a_visible_comment_of_the_same_post(self) -> None:
        elsewhere = self.published("Elsewhere", self.post_by("other")).id
        held = json.loads(self.write(self.cy, text="Somebody else's, held").body)["id"]
        for parent in (elsewhere, held):
            response = self.write(text=f"To {parent}", parent=parent)
            self.assertEqual((response.code, list(json.loads(response.body)["problems"])), (422, ["parent"]))
        root = self.published("A root")
        result = json.loads(self.write(text="A good reply", parent=root.id).body)
        self.assertEqual(result["parent"], root.id)

    def test_a_refused_form_comes_back_with_everything_that_was_typed(self) -> None:
        response = self.client.post(PATH, {"text": "A long text", "email": "nobody", "name": "Bo"}, headers=HTML)
        page = response.body.decode()
        self.assertEqual(response.code, 422)
        for shown in ("A long text", 'value="Bo"', 'value="nobody"', "does not look like an e-mail"):
            self.assertIn(shown, page)


class LimitsTest(CommentsTestCase):
    def test_the_sixth_attempt_in_a_minute_is_answered_429_with_retry_after(self) -> None:
        for n in range(5):
            self.write(text=f"Attempt number {n}")
        for headers in ({"Accept": "application/json"}, HTML):
            refused = self.client.post(PATH, {"text": "One too many"}, headers=headers)
            self.assertEqual((refused.code, refused.headers["Retry-After"]), (429, "60"))
        self.assertIn(b"One too many", refused.body)
        self.clock.pass_by(seconds=61)
        self.assertEqual(self.write(text="A minute later").code, 201)

    def test_refused_attempts_count_too(self) -> None:
        for refused in ({"text": "x" * 10_001}, {"text": "To nobody", "parent": "0" * 12}):
            codes = [self.write(**refused).code for _ in range(5)]
            self.assertEqual([*codes, self.write(text="A fair one").code], [422] * 5 + [429])
            self.clock.pass_by(seconds=61)

    def test_visitors_without_cookies_are_identified_by_network_and_user_agent(self) -> None:
        codes = [self.write(TestClient(self), text=f"Attempt number {n}").code for n in range(6)]
        self.assertEqual(codes, [201] * 5 + [429])

    def test_the_21st_attempt_in_a_minute_from_one_network_is_refused(self) -> None:
        codes = []
        for n in range(21):
            headers = {"X-Real-IP": f"203.0.113.{n}", "User-Agent": f"Browser {n}", "Accept": "application/json"}
            codes.append(TestClient(self).post(PATH, {"text": f"Attempt number {n}"}, headers=headers).code)
        self.assertEqual(codes, [201] * 20 + [429])
        elsewhere = {"X-Real-IP": "198.51.100.1", "Accept": "application/json"}
        self.assertEqual(TestClient(self).post(PATH, {"text": "From elsewhere"}, headers=elsewhere).code, 201)


class PreviewTest(CommentsTestCase):
    def test_a_preview_equals_the_comment_on_the_page_and_stores_nothing(self) -> None:
        text = "A `code` & <b> https://example.com"
        result = json.loads(self.client.post(f"{PATH}/preview", json_body={"text": text}).body)
        self.assertEqual(list(result), ["html"])
        self.assertEqual(self.count(), 0)
        own = json.loads(self.write(text=text).body)["html"]
        self.assertIn(re.sub(r"\s+", " ", result["html"]), re.sub(r"\s+", " ", own))
        self.assertIn('rel="nofollow ugc noopener"', result["html"])

    def test_a_preview_of_an_empty_or_too_long_text_is_refused(self) -> None:
        for text in ("", "x" * 10_001, ["x"]):
            self.assertEqual(self.client.post(f"{PATH}/preview", json_body={"text": text}).code, 422)
        self.assertEqual(self.client.post("/plog/unknown/comments/preview", json_body={"text": "x"}).code, 404)
        self.assertEqual(self.client.get(f"{PATH}/preview").code, 405)
