"""The pure helpers of the scripts, tested by node where there is one, and how much a page weighs before anyone acts."""

import gzip
import re
import subprocess
import unittest
from pathlib import Path

from lib import servers

HERE = Path(__file__).parent
SCRIPTS = HERE.parent.parent / "static" / "js"
NODE = next(iter(servers.programs("node")), None)


def needed_by(script: Path, known: dict[Path, str] | None = None) -> dict[Path, str]:
    """A script with all that it imports before anything happens."""
    known = {} if known is None else known
    if script not in known:
        known[script] = script.read_text()
        for name in re.findall(r'^import (?:.* from )?"(\./[^"]+)";', known[script], re.MULTILINE):
            needed_by((script.parent / name).resolve(), known)
    return known


class TestScripts(unittest.TestCase):
    @unittest.skipUnless(NODE, "node is not installed")
    def test_the_helpers_do_what_their_tests_say(self):
        files = sorted(str(path) for path in HERE.glob("*.test.js"))
        ran = subprocess.run([NODE, "--test", *files], check=False, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_what_a_reader_needs_before_acting_is_under_8_kilobytes(self):
        needed = needed_by((SCRIPTS / "comments.js").resolve())
        needed_by((SCRIPTS / "me.js").resolve(), needed)
        self.assertLess(sum(len(gzip.compress(text.encode())) for text in needed.values()), 8 * 1024)

    def test_no_script_is_longer_than_its_readers_patience(self):
        for script in SCRIPTS.rglob("*.js"):
            if "vendor" not in script.parts:
                with self.subTest(script.name):
                    self.assertLessEqual(len(script.read_text().splitlines()), 120)
