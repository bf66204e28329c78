"""The set-up, as far as it is its own: how `.env` is read."""

import tempfile
import unittest
from pathlib import Path

from bin.setup import assignments

FILE = """
# A comment = no setting
  # another
SITE_TITLE=Ada's notes # and more

SITE_FROM = Ada <ada@example.com>\t
SITE_SMTP_URL="smtp://ada:a b#c'd@mail.example"
SITE_SECRET='a=b"c'
SITE_STAFF="
SITE_LANGUAGE=""
SITE_MONGO_URL=""twice""
SITE_REDIS_URL="one'
export SITE_DEMO=0
SITE_URL=https://first.example
SITE_URL=
"""
VALUES = {
    "SITE_TITLE": "Ada's notes # and more",
    "SITE_FROM": "Ada <ada@example.com>",
    "SITE_SMTP_URL": "smtp://ada:a b#c'd@mail.example",
    "SITE_SECRET": 'a=b"c',
    "SITE_STAFF": '"',
    "SITE_LANGUAGE": "",
    "SITE_MONGO_URL": '"twice"',
    "SITE_REDIS_URL": "\"one'",
    "SITE_DEMO": "0",
    "SITE_URL": "",
}


class SettingsFileTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="plog-setup-")
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / ".env"

    def test_a_value_is_all_that_follows_but_for_one_pair_of_quotes(self) -> None:
        self.file.write_text(FILE)
        self.assertEqual(assignments(self.file), VALUES)

    def test_a_line_that_says_nothing_stops_with_file_and_line(self) -> None:
        for line in ("SITE_PORT 8000", "SITE_PORT: 8000", "=8000", "export SITE_PORT"):
            self.file.write_text(f"# Mine\n\nSITE_DEMO=0\n{line}\n")
            with self.subTest(line), self.assertRaises(SystemExit) as caught:
                assignments(self.file)
            self.assertTrue(str(caught.exception).startswith(f"{self.file}:4: "))


if __name__ == "__main__":
    unittest.main()
