"""Bundles, built by the real esbuild from small sources in a temporary folder, and the references in our templates."""

import json
import os
import re
import shutil
import tempfile
import time
import unittest
from pathlib import Path
from unittest import SkipTest

from lib import assets

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ROOT / "node_modules"
DAY = 24 * 3600
SOURCES = {
    "css/site.css": "body { color: #ff0000; background: url(../pictures/dot.svg) }\n",
    "css/post.css": ".post { margin: 0px }\n",
    "js/live.js": "console.log('live is here');\nexport const live = { at: location.host };\n",
    "js/helpers/dom.js": "export const made = (name) => document.createElement(name);\n",
    "js/me.js": 'import { made } from "./helpers/dom.js";\ndocument.body.append(made("p"));\n',
    "js/comments.js": 'import { made } from "./helpers/dom.js";\n'
    'addEventListener("click", async () => made((await import("./live.js")).live.at));\n',
    "js/queue.js": 'import { live } from "./live.js";\nconsole.log(live);\n',
    "pictures/dot.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
}
TEMPLATES = {
    "base.html": '<link href="{% module StaticURL("pictures/dot.svg") %}">{% module Static("css/site.css", "js/me.js") %}',
    "post/post.html": '{% module Static("css/site.css", "css/post.css") %}{% module Static("js/comments.js") %}',
    "admin/page.html": '{% module Static(\n  "css/post.css",\n  "js/queue.js",\n) %}',
}


def need_esbuild() -> None:
    """Skips the test without esbuild, and says why; under CI the test fails."""
    try:
        assets.find_esbuild(PACKAGES)
    except assets.Unavailable as error:
        if os.environ.get("CI") == "true":
            raise
        raise SkipTest(str(error)) from error


class OwnSourcesTest(unittest.TestCase):
    def test_every_file_that_a_template_names_is_there(self) -> None:
        self.assertEqual(assets.missing(ROOT / "static", assets.asked_in(ROOT / "templates")), [])

    def test_templates_refer_to_static_files_only_by_the_asset_functions(self) -> None:
        for path in (ROOT / "templates").rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            self.assertNotIn("static_url", text, path)
            self.assertNotIn("/static/", text, path)

    def test_scripts_import_by_plain_relative_addresses(self) -> None:
        for path in (ROOT / "static" / "js").rglob("*.js"):
            text = path.read_text(encoding="utf-8")
            for found in re.findall(r"^import\b.*?([^\s;]+);$", text, re.MULTILINE):
                self.assertRegex(found, r'^"\.\.?/[\w./-]+\.js"$', path)

    def test_the_sites_bundles_can_be_built_and_contain_the_connection_once(self) -> None:
        need_esbuild()
        with tempfile.TemporaryDirectory() as folder:
            bundles = assets.build(ROOT / "static", ROOT / "templates", Path(folder), PACKAGES)
            texts = [(Path(folder) / "files" / name).read_text() for name in bundles.files if name.endswith(".js")]
        self.assertEqual(sum("/live/websocket" in text for text in texts), 1)
        self.assertEqual(sum('customElements.define("plog-live"' in text for text in texts), 1)


class BundlesTest(unittest.TestCase):
    def setUp(self) -> None:
        need_esbuild()
        self.folder = Path(tempfile.mkdtemp(prefix="plog bundles "))
        self.addCleanup(shutil.rmtree, self.folder)
        self.static, self.templates, self.output = (self.folder / name for name in ("static", "templates", "output"))
        for folder, files in ((self.static, SOURCES), (self.templates, TEMPLATES)):
            for name, text in files.items():
                self.write(folder / name, text)

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def built(self) -> assets.Bundles:
        return assets.build(self.static, self.templates, self.output, PACKAGES)

    def found(self) -> assets.Bundles | None:
        return assets.find_bundles(self.output, self.static, self.templates)

    def text(self, file: str) -> str:
        return (self.output / "files" / file).read_text(encoding="utf-8")

    def refused(self) -> str:
        with self.assertRaises(assets.Broken) as caught:
            self.built()
        return str(caught.exception)

    def test_without_a_build_there_are_no_bundles_and_no_error(self) -> None:
        with self.assertNoLogs():
            self.assertIsNone(self.found())

    def test_a_process_finds_what_was_built(self) -> None:
        self.assertEqual(self.built(), self.found())

    def test_styles_named_together_become_one_minified_file_in_order(self) -> None:
        text = self.text(self.built().of("css/site.css", "css/post.css").file)
        self.assertRegex(text, r"^body\{[^}]*color:red[^}]*\}\.post\{margin:0\}\s*$")

    def test_an_image_named_in_a_style_is_bundled_under_a_hashed_name(self) -> None:
        bundles = self.built()
        picture = bundles.of("pictures/dot.svg").file
        self.assertRegex(picture, r"^dot-\w{8}\.svg$")
        self.assertIn("<svg", self.text(picture))
        named = re.search(r"url\(\"?\./(dot-\w{8}\.svg)", self.text(bundles.of("css/site.css").file))
        assert named
        self.assertIn("<svg", self.text(named[1]))

    def test_code_shared_by_two_scripts_is_one_file_that_pages_may_preload(self) -> None:
        bundles = self.built()
        me, comments = bundles.of("js/me.js"), bundles.of("js/comments.js")
        self.assertEqual(len(me.needs), 1)
        self.assertEqual(me.needs, comments.needs)

    def test_a_dynamic_and_a_static_import_of_one_script_share_one_file(self) -> None:
        bundles = self.built()
        holders = [name for name in bundles.files if name.endswith(".js") and "live is here" in self.text(name)]
        self.assertEqual(len(holders), 1)
        self.assertIn(holders[0], bundles.of("js/queue.js").needs)
        self.assertNotIn(holders[0], bundles.of("js/comments.js").needs)
        later = re.search(r'import\("\./([^"]+)"\)', self.text(bundles.of("js/comments.js").file))
        assert later
        self.assertIn(holders[0], (later[1], *re.findall(r'"\./([^"]+)"', self.text(later[1]))))

    def test_file_names_change_only_with_their_content(self) -> None:
        first = self.built()
        self.assertEqual(self.built().files, first.files)
        self.write(
            self.static / "js/helpers/dom.js", SOURCES["js/helpers/dom.js"].replace("name", "tag") + "made('b');\n"
        )
        second = self.built()
        for paths in (("js/me.js",), ("js/comments.js",)):
            self.assertNotEqual(second.of(*paths), first.of(*paths))
        self.assertEqual(second.of("css/site.css"), first.of("css/site.css"))
        self.assertEqual(second.of("js/queue.js"), first.of("js/queue.js"))

    def test_a_missing_file_is_named_with_its_template(self) -> None:
        (self.static / "css/post.css").unlink()
        text = self.refused()
        self.assertIn("static/css/post.css is not there, and templates/post/post.html asks for it", text)
        self.assertIn("templates/admin/page.html", text)
        self.assertFalse((self.output / "manifest.json").exists())

    def test_a_missing_import_or_image_is_named_with_the_file_that_refers_to_it(self) -> None:
        (self.static / "js/helpers/dom.js").unlink()
        self.assertRegex(self.refused(), r'(?s)"\./helpers/dom\.js".*js/me\.js')
        self.write(self.static / "js/helpers/dom.js", SOURCES["js/helpers/dom.js"])
        self.write(self.static / "css/post.css", "p { background: url(../none.svg) }")
        self.assertRegex(self.refused(), r'(?s)"\.\./none\.svg".*css/post\.css')

    def test_a_style_with_a_syntax_error_is_refused(self) -> None:
        self.write(self.static / "css/post.css", ".post { color: red; } }")
        self.assertIn("css/post.css", self.refused())

    def test_a_template_must_name_its_files_in_plain_strings(self) -> None:
        for arguments in ("path", '"css/" + name', '*["css/site.css"]', ""):
            self.write(self.templates / "odd.html", f"{{% module Static({arguments}) %}}")
            self.assertIn("odd.html", self.refused(), arguments)

    def test_a_failed_build_leaves_the_previous_one_unchanged(self) -> None:
        first = self.built()
        before = (self.output / "manifest.json").read_text()
        self.write(self.static / "js/me.js", "import {")
        self.refused()
        self.assertEqual((self.output / "manifest.json").read_text(), before)
        self.assertEqual([name for name in first.files if not (self.output / "files" / name).exists()], [])
        self.assertEqual(sorted(path.name for path in self.output.iterdir()), ["files", "manifest.json"])

    def test_bundles_of_other_sources_are_ignored(self) -> None:
        self.built()
        changes = ((self.static / "js/me.js", "1;"), (self.templates / "new.html", '{% module Static("js/live.js") %}'))
        for path, text in changes:
            before = path.read_text() if path.exists() else None
            self.write(path, text)
            with self.assertLogs(level="WARNING") as log:
                self.assertIsNone(self.found())
            self.assertIn("run bin/bundle", log.output[0])
            path.unlink() if before is None else self.write(path, before)
            self.assertIsNotNone(self.found())

    def test_bundles_with_missing_files_are_ignored(self) -> None:
        lost = self.built().files[0]
        (self.output / "files" / lost).unlink()
        with self.assertLogs(level="WARNING") as log:
            self.assertIsNone(self.found())
        self.assertIn(lost, log.output[0])

    def test_a_truncated_manifest_is_ignored(self) -> None:
        self.built()
        whole = (self.output / "manifest.json").read_text()
        for text in ("", whole[:99], "[]", "null", "{}", '{"bundles": 1}', '{"bundles": [{}]}'):
            (self.output / "manifest.json").write_text(text)
            with self.assertLogs(level="WARNING"):
                self.assertIsNone(self.found(), text)
            self.built()
            self.assertIsNotNone(self.found())

    def test_files_of_earlier_builds_are_kept_for_seven_days_after_their_last_use(self) -> None:
        old = self.built().of("js/me.js").file
        self.aged(30 * DAY)  # used during this time
        self.write(self.static / "js/me.js", "console.log(1);")
        new = self.built().of("js/me.js").file
        self.assertTrue((self.output / "files" / old).exists())
        self.aged(6 * DAY)
        self.built()
        self.assertTrue((self.output / "files" / old).exists())
        self.aged(2 * DAY)
        self.built()
        self.assertFalse((self.output / "files" / old).exists())
        self.assertTrue((self.output / "files" / new).exists())

    def test_remains_of_a_killed_build_are_removed_with_old_files(self) -> None:
        self.built()
        self.write(self.output / "building-x" / "made" / "a.js", "1;")
        self.aged(8 * DAY)
        self.built()
        self.assertEqual(sorted(path.name for path in self.output.iterdir()), ["files", "manifest.json"])

    def test_requesting_a_bundle_that_no_template_names_raises_an_error(self) -> None:
        with self.assertRaisesRegex(LookupError, r"js/live\.js is in no bundle"):
            self.built().of("js/live.js")

    def test_the_manifest_lists_every_file_of_the_build(self) -> None:
        self.built()
        manifest = json.loads((self.output / "manifest.json").read_text())
        self.assertEqual(manifest["files"], sorted(path.name for path in (self.output / "files").iterdir()))

    def aged(self, seconds: float) -> None:
        """Makes all bundle files older by changing their times."""
        for path in (*self.output.iterdir(), *(self.output / "files").iterdir()):
            time_then = path.stat().st_mtime - seconds
            os.utime(path, (time_then, time_then))
        self.assertLess((self.output / "manifest.json").stat().st_mtime, time.time())


class WithoutEsbuildTest(unittest.TestCase):
    def test_the_error_says_how_to_install_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(assets.Unavailable, "npm ci"):
            assets.find_esbuild(Path(folder))
