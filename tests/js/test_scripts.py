"""Runs the node tests of the scripts' helpers, if node is installed, and bounds the size of the scripts."""

import gzip
import subprocess
import tempfile
import unittest
from pathlib import Path

from lib import assets
from stack import programs
from tests.lib.test_assets import PACKAGES, ROOT, need_esbuild

HERE = Path(__file__).parent
SCRIPTS = ROOT / "static" / "js"
NODE = next(iter(programs.find_all("node")), None)


class TestScripts(unittest.TestCase):
    @unittest.skipUnless(NODE, "node is not installed")
    def test_the_node_tests_of_the_helpers_pass(self):
        files = sorted(str(path) for path in HERE.glob("*.test.js"))
        ran = subprocess.run([NODE, "--test", *files], check=False, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)

    def test_the_scripts_of_a_post_are_under_8_kilobytes(self):
        """The size of the gzipped bundles. `bin/bench weight` measures the same through nginx."""
        need_esbuild()
        with tempfile.TemporaryDirectory() as folder:
            bundles = assets.build(ROOT / "static", ROOT / "templates", Path(folder), PACKAGES)
            of_post = [bundles.of("js/me.js"), bundles.of("js/comments.js")]
            names = {name for bundle in of_post for name in (bundle.file, *bundle.needs)}
            texts = [(Path(folder) / "files" / name).read_bytes() for name in names]
        self.assertLess(sum(len(gzip.compress(text)) for text in texts), 8 * 1024)

    def test_scripts_have_no_dynamic_imports(self):
        """A later import can fail later, and many browsers never retry a failed import: docs/decisions.md."""
        for script in SCRIPTS.rglob("*.js"):
            with self.subTest(script.name):
                self.assertNotRegex(script.read_text(), r"\bimport\(")

    def test_no_script_is_longer_than_200_lines(self):
        for script in SCRIPTS.rglob("*.js"):
            with self.subTest(script.name):
                self.assertLessEqual(len(script.read_text().splitlines()), 200)
