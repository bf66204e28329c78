"""Accounts over HTTP: `/me`, cookies, and signing in and out."""

from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import quote

from tornado.httpclient import HTTPResponse

from lib import json
from tests.base import SiteTestCase, TestClient, approve
from tests.handlers.test_comments import PATH, CommentsTestCase

BO = "bo@example.com"


def cookies(response: HTTPResponse) -> dict[str, Morsel[str]]:
    """The cookies that a response sets, by name."""
    found: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("Set-Cookie"):
        found.load(line)
    return dict(found)


class AccountsTest(SiteTestCase):
    def link(self, email: str = BO) -> str:
        return self.run_now(self.site.accounts.signin_link(email))

    def me(self, client: TestClient | None = None) -> dict[str, Any]:
        return json.loads((client or self.client).get("/me").body)

    def test_a_visitor_gets_an_id_and_keeps_it(self) -> None:
        first = self.client.get("/me")
        self.assertEqual(first.headers["Cache-Control"], "no-store")
        result = json.loads(first.body)
        nobody = {"visitor": result["visitor"], "name": "", "member": False, "staff": False, "unread": 0}
        self.assertEqual(result, nobody)
        again = self.client.get("/me")
        self.assertEqual((json.loads(again.body), again.headers.get_list("Set-Cookie")), (result, []))
        self.assertNotEqual(self.me(self.bo)["visitor"], result["visitor"])

    def test_cookies_are_http_only_and_same_site(self) -> None:
        visitor = cookies(self.client.get("/me"))["visitor"]
        session = cookies(self.client.post(self.link()))["session"]
        for cookie in (visitor, session):
            self.assertEqual((cookie["httponly"], cookie["samesite"], cookie["path"]), (True, "Lax", "/"))
            self.assertFalse(cookie["secure"])
            self.assertTrue(cookie["expires"])

    def test_forged_cookies_are_ignored(self) -> None:
        own = self.me()["visitor"]
        self.client.cookies["visitor"] = f'"2|1:0|10:1700000000|7:visitor|16:{"x" * 16}|{"0" * 64}"'
        self.client.cookies["session"] = "made-up"
        result = self.me()
        self.assertNotEqual(result["visitor"], own)
        self.assertFalse(result["member"])

    def test_opening_a_link_changes_nothing_and_posting_its_form_signs_in(self) -> None:
        path = self.link()
        for _ in range(3):
            page = self.client.get(path)
            self.assertEqual((page.code, page.headers["Cache-Control"]), (200, "no-store"))
            for answer in (page, self.client.get(path.replace("signin", "SignIn"))):
                self.assertEqual(answer.headers["Referrer-Policy"], "strict-origin")  # the address has the token
            self.assertIn(f'action="{path}"'.encode(), page.body)
            self.client.fetch("HEAD", path)
        self.assertFalse(self.me()["member"])
        response = self.client.post(path)
        self.assertEqual((response.code, response.headers["Location"]), (303, "/"))
        self.assertEqual(self.me()["member"], True)

    def test_a_used_or_expired_link_signs_nobody_in(self) -> None:
        path, late = self.link(), self.link()
        self.client.post(path)
        other = TestClient(self)
        self.assertEqual(other.post(path).code, 403)
        self.clock.pass_by(minutes=16)
        self.assertEqual(other.post(late).code, 403)
        page = other.get(path)
        self.assertIn(b"older than 15 minutes", page.body)
        self.assertNotIn(b"<form", page.body)
        self.assertNotIn("session", other.cookies)
        for unknown in ("/signin/x", f"/signin/{'x' * 44}"):
            self.assertEqual(other.get(unknown).code, 404)

    def test_the_next_address_must_be_a_path_of_this_site(self) -> None:
        for path in ("/admin/", "/plog/hello?a=b", "/plog/gr%C3%BC%C3%9Fe"):
            response = self.client.post(self.link(), {"next": path})
            self.assertEqual(response.headers["Location"], path)
        evil = (
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "evil.example",
            "///evil.example",
        )
        controls = ("/\t/evil.example", "/x\r\nSet-Cookie: a=b", "javascript:alert(1)", " //evil.example", "")
        for path in (*evil, *controls):
            for sent in (
                self.client.post(self.link(), {"next": path}),
                self.client.post(f"{self.link()}?next={quote(path)}"),
            ):
                self.assertEqual((sent.code, sent.headers["Location"]), (303, "/"), path)
            page = self.client.get(f"{self.link()}?next={quote(path)}").body
            self.assertNotIn(b"evil.example", page)

    def test_signing_in_rotates_the_session(self) -> None:
        self.client.post(self.link())
        stolen = TestClient(self)
        stolen.cookies["session"] = self.client.cookies["session"].value
        self.assertTrue(self.me(stolen)["member"])
        self.client.post(self.link())
        self.assertFalse(self.me(stolen)["member"])
        self.assertTrue(self.me()["member"])

    def test_signing_out_ends_the_session_and_renews_the_visitor_id(self) -> None:
        visitor = self.me()["visitor"]
        self.client.post(self.link())
        self.assertEqual(self.me()["visitor"], visitor)
        copy = TestClient(self)
        copy.cookies.load(self.client.cookies.output(header="", sep=";"))
        copy.cookies["session"] = self.client.cookies["session"].value
        response = self.client.post("/signout")
        self.assertEqual((response.code, response.headers["Location"]), (303, "/"))
        self.assertFalse(self.me()["member"])
        self.assertNotEqual(self.me()["visitor"], visitor)
        self.assertFalse(self.me(copy)["member"], "the server must end the session, not only remove the cookie")

    def test_signing_out_renews_the_visitor_cookie(self) -> None:
        self.client.post(self.link())
        signed_in = self.client.cookies["visitor"].value
        self.client.post("/signout")
        self.assertNotEqual(self.client.cookies["visitor"].value, signed_in)
        self.assertNotIn("session", self.client.cookies)

    def test_a_get_request_does_not_sign_out(self) -> None:
        self.client.post(self.link())
        self.assertEqual(self.client.get("/signout").code, 303)
        self.assertTrue(self.me()["member"])

    def test_a_session_ends_after_ninety_days(self) -> None:
        self.client.post(self.link())
        self.clock.pass_by(days=90, seconds=1)
        self.assertFalse(self.me()["member"])

    def test_me_says_who_is_staff(self) -> None:
        self.run_now(self.site.accounts.make_staff(BO))
        self.client.post(self.link())
        self.assertEqual((self.me()["member"], self.me()["staff"]), (True, True))


class CopiedCookieTest(CommentsTestCase):
    """Bo writes a comment, Eve copies the visitor cookie of Bo's browser, then Bo signs in with a new e-mail address."""

    has_account = False

    def setUp(self) -> None:
        super().setUp()
        self.held = json.loads(self.write(text="The words of Bo, which are held").body)
        self.eve = TestClient(self)
        self.eve.cookies["visitor"] = self.client.cookies["visitor"].value
        self.sign_in()

    def sign_in(self) -> None:
        if self.has_account:
            self.client_signed_in(BO)
        self.client.signin(BO)

    def me(self, client: TestClient) -> dict[str, Any]:
        return json.loads(client.get("/me").body)

    def test_signing_in_renews_the_visitor_cookie(self) -> None:
        self.client.cookies.pop("session")
        result = self.me(self.client)
        self.assertFalse(result["member"])
        self.assertIsNone(self.run_now(self.site.accounts.documents.find(result["visitor"])))

    def test_the_copied_cookie_counts_as_a_new_visitor_and_is_replaced(self) -> None:
        result = self.me(self.eve)
        self.assertFalse(result["member"])
        self.assertIsNone(self.run_now(self.site.accounts.documents.find(result["visitor"])))
        self.assertEqual(self.me(self.eve), result)

    def test_the_copied_cookie_shows_no_held_comment_and_gives_no_edit_token(self) -> None:
        self.assertEqual(self.changes("mine=1", self.eve), {"comments": []})
        self.assertEqual([one["id"] for one in self.changes("mine=1")["comments"]], [self.held["id"]])

    def test_the_copied_cookie_does_not_inherit_the_members_trust(self) -> None:
        self.run_now(approve(self.site, self.held["id"]))
        self.assertEqual(json.loads(self.write(text="The next words of Bo").body)["status"], "published")
        result = json.loads(self.write(self.eve, text="The words of Eve").body)
        self.assertEqual(result["status"], "held")
        stored = self.run_now(self.site.comments.documents.by_id(result["id"]))
        self.assertEqual(stored.author, self.me(self.eve)["visitor"])

    def test_repeating_the_members_comment_with_the_copied_cookie_gives_no_edit_token(self) -> None:
        self.run_now(approve(self.site, self.held["id"]))
        result = json.loads(self.write(self.eve, text="The words of Bo, which are held").body)
        self.assertNotIn("edit_token", result)

    def test_the_browser_that_wrote_a_comment_edits_it_after_signing_in(self) -> None:
        sent = {"text": "Better words of Bo", "edit_token": self.held["edit_token"]}
        edited = self.client.put(f"{PATH}/{self.held['id']}", json_body=sent)
        self.assertEqual((edited.code, json.loads(edited.body)["status"]), (200, "held"))
        self.assertIn("Better words of Bo", self.changes("mine=1")["comments"][0]["html"])

    def test_an_edit_token_from_before_the_sign_in_gives_no_trust(self) -> None:
        """Eve may have got the token with the copied cookie. If the member is staff, edits are not checked at all."""
        self.run_now(self.site.accounts.make_staff(BO))
        self.run_now(approve(self.site, self.held["id"]))
        sent = {"text": "The words of Eve", "edit_token": self.held["edit_token"]}
        edited = self.eve.put(f"{PATH}/{self.held['id']}", json_body=sent)
        self.assertEqual(json.loads(edited.body)["status"], "held")


class CopiedCookieOfAKnownMemberTest(CopiedCookieTest):
    """The same, but Bo has an account already: the visitor's account is merged into it."""

    has_account = True


class HttpsTest(SiteTestCase):
    environment = {"SITE_URL": "https://plog.example"}

    def test_cookies_are_sent_over_https_only(self) -> None:
        link = self.run_now(self.site.accounts.signin_link(BO))
        given = {**cookies(self.client.get("/me")), **cookies(self.client.post(link))}
        self.assertEqual(
            {name: bool(cookie["secure"]) for name, cookie in given.items()}, {"visitor": True, "session": True}
        )

    def test_browsers_are_told_to_use_https_only(self) -> None:
        self.assertIn("max-age=", self.client.get("/").headers["Strict-Transport-Security"])
