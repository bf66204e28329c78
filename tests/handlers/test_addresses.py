"""Every address has one spelling: redirects derived from the site map, and the pattern that nginx.conf repeats."""

import re
import time
import unittest
from pathlib import Path

from handlers import routes
from lib.tokens import BEFORE_TOKEN
from tests.base import SiteTestCase
from tests.test_smoke import GET

NGINX = Path(__file__).parents[2] / "nginx" / "nginx.conf"


class FixedAddressesTest(SiteTestCase):
    def test_every_other_spelling_of_a_fixed_address_redirects_to_it_once(self) -> None:
        for address in sorted(routes.FIXED - {"/"}):
            slash = address.removesuffix("/") if address.endswith("/") else address + "/"
            for spelling in {address.upper(), slash, f"/{address}", address.replace("/", "//")} - {address}:
                answer = self.client.get(f"{spelling}?x=1")
                self.assertEqual((answer.code, answer.headers.get("Location")), (301, f"{address}?x=1"), spelling)

    def test_every_other_spelling_of_an_address_of_the_admin_redirects_to_it_once(self) -> None:
        ada = self.admin_client()
        for path, spelling in (("/admin/", "/admin"), ("/admin/", "/Admin//"), ("/admin/comments/", "/admin/Comments")):
            for client in (ada, self.client):  # nginx sends what begins with `/admin/` to the admin process
                answer = client.get(f"{spelling}?a=b")
                self.assertEqual((answer.code, answer.headers.get("Location")), (301, f"{path}?a=b"), spelling)
        self.assertEqual(ada.get("/admin/nothing").code, 404)


class NginxTest(unittest.TestCase):
    def test_nginx_masks_tokens_of_hostile_requests_in_linear_time(self) -> None:
        expression = re.search(r'"~\*(\^\(\?<log_start>.*?)" \$log_start', NGINX.read_text(encoding="utf-8"))
        assert expression
        masked = re.compile(
            expression[1].replace("(?<", "(?P<").replace("{{ before_token }}", BEFORE_TOKEN), re.IGNORECASE
        )
        for start in ("GET /signin/", "GET  /signin/", "GET http://plog.example/x/../signin/"):
            self.assertTrue(masked.match(f"{start}token HTTP/1.1"), start)
        began = time.process_time()
        for part in ("http://" + "a" * 100_000, "http://" + "a/" * 50_000, "/" + "." * 100_000, "a" * 100_000 + "://"):
            self.assertIsNone(masked.match(f"GET {part} HTTP/1.1"))
        self.assertLess(time.process_time() - began, 2)

    def test_nginx_logs_hits_of_counted_pages_but_not_of_admin_or_live_addresses(self) -> None:
        pattern = re.search(r'"~(\^GET \(\?:200\|304\).*?)" \$hit_path;', NGINX.read_text(encoding="utf-8"))
        assert pattern
        logged = re.compile(pattern[1].replace("(?<hit_path>", "(?P<hit_path>"))
        for path in GET:
            hit = logged.match(f"GET 200 {path}")
            is_counted = routes.COUNTED.fullmatch(path) is not None
            self.assertTrue(hit or not is_counted, f"{path} is counted, but nginx does not log it")
            self.assertTrue(not hit or not path.startswith(("/live", "/admin", "/me", "/status")), path)
