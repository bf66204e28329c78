"""Who may act for a visitor: architecture decision 2, row by row."""

import unittest

from tornado.httputil import HTTPHeaders

from lib.origins import is_own

SITE = "https://plog.example"
HOST = "plog.example"


class TestFetchMetadata(unittest.TestCase):
    def test_the_site_itself_and_an_address_typed_by_hand_pass(self):
        for site in ("same-origin", "none"):
            self.assertTrue(is_own({"Sec-Fetch-Site": site}, SITE, HOST))

    def test_everything_else_is_a_stranger_even_a_neighbours_subdomain(self):
        for site in ("same-site", "cross-site", "", "Same-Origin", "none, none", "nonsense"):
            self.assertFalse(is_own({"Sec-Fetch-Site": site}, SITE, HOST), site)

    def test_it_outweighs_the_origin_either_way(self):
        self.assertFalse(is_own({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, SITE, HOST))
        self.assertTrue(is_own({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, SITE, HOST))


class TestOrigin(unittest.TestCase):
    def allowed(self, origin, host="127.0.0.1:8000"):
        return is_own({"Origin": origin}, SITE, host)

    def test_the_sites_public_address_passes(self):
        self.assertTrue(self.allowed("https://plog.example"))
        self.assertTrue(self.allowed("HTTPS://Plog.Example"))

    def test_the_host_that_was_asked_passes_by_either_scheme(self):
        self.assertTrue(self.allowed("http://127.0.0.1:8000"))
        self.assertTrue(self.allowed("https://127.0.0.1:8000"))

    def test_the_schemes_of_websockets_count_as_those_of_the_web(self):
        """Some clients send the address that they connect to as their Origin."""
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

    def test_null_and_nothing_are_refused(self):
        for origin in ("null", "", "http://", "https://"):
            self.assertFalse(self.allowed(origin), origin)
            self.assertFalse(self.allowed(origin, host=""), origin)

    def test_no_browser_sends_neither_header_and_passes(self):
        self.assertTrue(is_own({}, SITE, HOST))

    def test_header_names_are_found_in_any_case(self):
        self.assertFalse(is_own(HTTPHeaders({"origin": "https://evil.example"}), SITE, HOST))
