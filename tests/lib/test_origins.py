"""Which origins may act for a visitor: architecture decision 2, row by row."""

import unittest

from tornado.httputil import HTTPHeaders

from lib.origins import is_own

SITE = "https://plog.example"
HOST = "plog.example"


class TestFetchMetadata(unittest.TestCase):
    def test_same_origin_requests_and_typed_addresses_are_allowed(self):
        for site in ("same-origin", "none"):
            self.assertTrue(is_own({"Sec-Fetch-Site": site}, SITE, HOST))

    def test_all_other_values_are_refused_even_same_site(self):
        for site in ("same-site", "cross-site", "", "Same-Origin", "none, none", "nonsense"):
            self.assertFalse(is_own({"Sec-Fetch-Site": site}, SITE, HOST), site)

    def test_fetch_metadata_takes_precedence_over_the_origin(self):
        self.assertFalse(is_own({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, SITE, HOST))
        self.assertTrue(is_own({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, SITE, HOST))


class TestOrigin(unittest.TestCase):
    def allowed(self, origin, host="127.0.0.1:8000"):
        return is_own({"Origin": origin}, SITE, host)

    def test_the_sites_public_url_is_allowed(self):
        self.assertTrue(self.allowed("https://plog.example"))
        self.assertTrue(self.allowed("HTTPS://Plog.Example"))

    def test_the_requested_host_is_allowed_with_http_and_https(self):
        self.assertTrue(self.allowed("http://127.0.0.1:8000"))
        self.assertTrue(self.allowed("https://127.0.0.1:8000"))

    def test_websocket_schemes_count_as_http_and_https(self):
        """Some clients send the URL that they connect to as their Origin."""
        for origin in ("wss://plog.example", "ws://127.0.0.1:8000", "wss://127.0.0.1:8000"):
            self.assertTrue(self.allowed(origin), origin)
        for origin in ("ws://plog.example", "wss://evil.example", "ws://127.0.0.1:8001", "ws://", "wsx://plog.example"):
            self.assertFalse(self.allowed(origin), origin)

    def test_other_hosts_ports_and_schemes_are_refused(self):
        for origin in (
            "http://plog.example",
            "https://plog.example.evil.example",
            "https://evil.example",
            "http://127.0.0.1:8001",
            "http://127.0.0.1",
            "ftp://127.0.0.1:8000",
            "127.0.0.1:8000",
            "https://plog.example https://evil.example",
            "https://plog.example,https://evil.example",
        ):
            self.assertFalse(self.allowed(origin), origin)

    def test_null_and_empty_origins_are_refused(self):
        for origin in ("null", "", "http://", "https://"):
            self.assertFalse(self.allowed(origin), origin)
            self.assertFalse(self.allowed(origin, host=""), origin)

    def test_a_request_with_neither_header_is_allowed(self):
        self.assertTrue(is_own({}, SITE, HOST))

    def test_header_names_are_case_insensitive(self):
        self.assertFalse(is_own(HTTPHeaders({"origin": "https://evil.example"}), SITE, HOST))
