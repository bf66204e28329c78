"""Cross-site request forgery: other sites may link here, but cannot act for a visitor."""

from lib import json
from tests.base import SiteTestCase

PATH = "/plog/hello/comments"


class CrossSiteTest(SiteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.post_by("hello")
        self.host = f"127.0.0.1:{self.get_http_port()}"
        own = json.loads(self.client.post(PATH, json_body={"text": "Mine"}).body)
        self.own, self.token = f"{PATH}/{own['id']}", own["edit_token"]

    def codes(self, headers: dict[str, str]) -> set[int]:
        """The status codes that unsafe methods get with these headers."""
        sent = {**headers, "X-Edit-Token": self.token}
        calls = [("POST", f"{PATH}/preview"), ("PUT", self.own), ("POST", "/signout"), ("POST", "/signin/" + "x" * 43)]
        found = {self.client.fetch(method, path, form={"text": "Mine"}, headers=sent).code for method, path in calls}
        return found - {403} if 403 in found and len(found) > 1 else found

    def test_requests_from_own_pages_and_the_address_bar_are_allowed(self) -> None:
        for site in ("same-origin", "none"):
            self.assertEqual(self.codes({"Sec-Fetch-Site": site, "Origin": "https://evil.example"}), {200, 303}, site)

    def test_requests_from_other_sites_and_sibling_subdomains_are_refused(self) -> None:
        for site in ("cross-site", "same-site", "", "SAME-ORIGIN "):
            self.assertEqual(self.codes({"Sec-Fetch-Site": site, "Origin": self.settings.url}), {403}, site)

    def test_without_fetch_metadata_the_origin_header_decides(self) -> None:
        for origin in (self.settings.url, f"http://{self.host}", f"https://{self.host}"):
            self.assertEqual(self.codes({"Origin": origin}), {200, 303}, origin)
        for origin in (
            "null",
            "",
            "https://evil.example",
            f"http://{self.host}.evil.example",
            "http://127.0.0.1:1",
            self.host,
        ):
            self.assertEqual(self.codes({"Origin": origin}), {403}, origin)

    def test_requests_without_either_header_are_allowed(self) -> None:
        self.assertEqual(self.codes({}), {200, 303})

    def test_a_refused_request_changes_nothing_and_sets_no_cookie(self) -> None:
        foreign = {"Sec-Fetch-Site": "cross-site", "Accept": "application/json", "X-Edit-Token": self.token}
        self.client.cookies.clear()
        for method, path in (("POST", PATH), ("DELETE", self.own)):
            response = self.client.fetch(method, path, form={"text": "Theirs"}, headers=foreign)
            self.assertEqual((response.code, json.loads(response.body)["error"]), (403, "foreign-origin"))
            self.assertNotIn("Set-Cookie", response.headers)
        self.assertEqual(self.run_now(self.site.comments.moderation.counts()), {"held": 1, "published": 0, "spam": 0})

    def test_reading_is_allowed_from_every_site(self) -> None:
        foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
        for path in ("/", "/plog/hello", PATH, "/rss.xml"):
            self.assertEqual(self.client.get(path, headers=foreign).code, 200, path)

    def test_no_page_sends_cors_headers(self) -> None:
        for path in ("/", "/me", f"{PATH}?mine=1"):
            answer = self.client.get(path, headers={"Origin": "https://evil.example"})
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers, path)

    def test_the_admin_has_the_same_check(self) -> None:
        ada = self.admin_client()
        foreign = {"Sec-Fetch-Site": "same-site"}
        self.assertEqual(ada.post("/admin/comments/", {"id": "0" * 12, "action": "delete"}, headers=foreign).code, 403)
