"""Logs contain neither IP addresses of visitors nor tokens from URLs of the site."""

import io
import logging
import re
import time
import unittest

from lib.logs import mask_logs
from lib.networks import without_addresses
from lib.tokens import BEFORE_TOKEN, new_token, without_tokens


class MaskTest(unittest.TestCase):
    def test_ip_addresses_are_masked_to_their_networks(self) -> None:
        for text, masked in {
            "Malformed HTTP message from 203.0.113.7: Expected": "Malformed HTTP message from 203.0.113.0/24: Expected",
            "203.0.113.7:8001, (203.0.113.7)": "203.0.113.0/24:8001, (203.0.113.0/24)",
            "from 2001:db8:1:2:3:4:5:6: no": "from 2001:db8:1::/48: no",
            "remote_ip='2001:db8::7'": "remote_ip='2001:db8::/48'",
            "[2001:DB8::7]:80": "[2001:db8::/48]:80",
            "::ffff:203.0.113.7.": "203.0.113.0/24.",
        }.items():
            self.assertEqual(without_addresses(text), masked)

    def test_other_numbers_and_addresses_of_this_machine_stay(self) -> None:
        for text in (
            "[I 261128 08:20:03 app:108] serving on port 8001",
            "127.0.0.1:8001 and ::1",
            "nginx/1.22.1.2.3, 300.1.2.3, 1.2.3",
            "Foo::bar, a::b::c, 12:34:56.789, 1:2",
            'File "/srv/plog/app.py", line 7',
        ):
            self.assertEqual(without_addresses(text), text)

    def test_tokens_in_urls_are_masked_and_the_rest_stays(self) -> None:
        token = new_token()
        for text, masked in {
            f"POST /signin/{token}: a server is away": "POST /signin/...: a server is away",
            f"uri='/SignIn/{token}?next=/'": "uri='/SignIn/...?next=/'",
            f"GET /%73ign%49n/{token}: a server": "GET /%73ign%49n/...: a server",
            f"/x/../signin//{token}, /signin/x/../{token}.": "/x/../signin/..., /signin/....",
            f"/signin/a,b/../{token}: x": "/signin/...: x",
            f"/signin/:/../{token}, x": "/signin/..., x",
            f"/signin%2F{token} /quiz/./challenges/{token}": "/signin%2F... /quiz/./challenges/...",
            f"/plog/x?a=b&preview={token}&c=d": "/plog/x?a=b&preview=...&c=d",
            f"/plog/x?%70review={token}": "/plog/x?%70review=...",
            f"/quiz/challenges/{token} /unsubscribe/{token}": "/quiz/challenges/... /unsubscribe/...",
            "/signin?next=/ and /plog/signin-and-out": "/signin?next=/ and /plog/signin-and-out",
        }.items():
            self.assertEqual(without_tokens(text), masked)

    def test_hostile_lines_are_masked_in_linear_time(self) -> None:
        for text in (
            "1:" * 200_000,
            "1." * 200_000,
            ":" * 200_000,
            "a" * 200_000,
            "/signin/" * 50_000,
            "/signin//./" * 50_000,
            "/" * 200_000,
            "/." * 100_000,
            "./" * 100_000 + "signin",
            "%2f" * 100_000,
            "/quiz" * 50_000,
            "?token=" * 50_000,
        ):
            began = time.process_time()
            without_tokens(without_addresses(text))
            re.match(f"(?i){BEFORE_TOKEN}", text)
            self.assertLess(time.process_time() - began, 2)


class LogsTest(unittest.TestCase):
    def test_every_log_record_is_masked_including_its_traceback(self) -> None:
        logger, written = logging.Logger("any"), io.StringIO()
        logger.addHandler(logging.StreamHandler(written))
        mask_logs(logger, without_addresses, without_tokens)
        try:
            raise ValueError("of 203.0.113.7")
        except ValueError:
            logger.exception("%s failed for %s", "/signin/abc", "203.0.113.7")
        self.assertIn("/signin/... failed for 203.0.113.0/24\nTraceback", written.getvalue())
        self.assertIn("ValueError: of 203.0.113.0/24", written.getvalue())
