"""Static files of pages: plain files in development, bundles after a build, served by nginx as immutable."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from lib import assets
from tests.base import SiteTestCase
from tests.lib.test_assets import need_esbuild
from tests.running import ROOT, Answer, Running

TAG = re.compile(r'<(?:link rel="(?:stylesheet|modulepreload|icon)" href|script type="module" src)="(/static/[^"]+)"')


class PlainTest(SiteTestCase):
    def test_pages_link_to_the_static_files_of_their_mode(self) -> None:
        named = TAG.findall(self.page())
        self.assertEqual(
            [address.partition("?")[0] for address in named],
            [
                "/static/favicon.svg",
                "/static/css/site.css",
                "/static/js/me.js",
                "/static/css/post.css",
                "/static/css/code.css",
                "/static/css/comments.css",
                "/static/js/comments.js",
            ],
        )

    def page(self) -> str:
        self.post_by("hello")
        return self.client.get("/plog/hello").body.decode()


class BundledTest(PlainTest):
    def setUp(self) -> None:
        need_esbuild()
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bundles = assets.build(ROOT / "static", ROOT / "templates", Path(folder.name), ROOT / "node_modules")
        self._app.settings["bundles"] = self.bundles

    def test_pages_link_to_the_static_files_of_their_mode(self) -> None:
        """Every static file comes from a bundle."""
        for address in TAG.findall(self.page()):
            self.assertTrue(address.startswith(assets.ADDRESS), address)

    def test_a_page_has_two_stylesheets_and_preloads_shared_scripts(self) -> None:
        page, bundles = self.page(), self.bundles
        styles = re.findall(r'<link rel="stylesheet" href="/static/bundles/([^"]+)">', page)
        wanted = (("css/site.css",), ("css/post.css", "css/code.css", "css/comments.css"))
        self.assertEqual(styles, [bundles.of(*paths).file for paths in wanted])
        scripts = re.findall(r'<script type="module" src="/static/bundles/([^"]+)"></script>', page)
        self.assertEqual(scripts, [bundles.of(f"js/{name}.js").file for name in ("me", "comments")])
        ahead = set(re.findall(r'<link rel="modulepreload" href="/static/bundles/([^"]+)">', page))
        self.assertEqual(ahead, {*bundles.of("js/me.js").needs, *bundles.of("js/comments.js").needs})

    def test_an_error_page_has_its_stylesheet(self) -> None:
        page = self.client.get("/plog/none").body.decode()
        self.assertIn(self.bundles.of("css/site.css").file, page)


class ServedTest(unittest.TestCase):
    """The real stack after `bin/bundle`."""

    running: Running

    @classmethod
    def setUpClass(cls) -> None:
        need_esbuild()
        cls.running = Running(SITE_DEMO="0")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SITE_")}
        environment["SITE_DATA"] = str(cls.running.data)
        command = [sys.executable, "-m", "stack.bundle"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        cls.said = done.stdout
        cls.running.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.running.remove()  # nosetests has no class cleanups

    def bundle(self) -> str:
        address = next(address for address in TAG.findall(self.running.get("/").body) if address.endswith(".css"))
        self.assertTrue(address.startswith(assets.ADDRESS), address)
        return address

    def test_bundles_are_immutable_and_have_security_headers(self) -> None:
        for address in TAG.findall(self.running.get("/").body):
            answer = self.running.get(address)
            self.assertEqual(answer.code, 200, address)
            self.assertEqual(answer.headers.get_all("Cache-Control"), ["public, max-age=31536000, immutable"])
            self.assertEqual(len(answer.headers.get_all("Content-Security-Policy")), 1)
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[address.rpartition(".")[2]]
            self.assertEqual(answer.headers["Content-Type"].partition(";")[0], kind)

    def test_bundles_are_compressed_for_clients_that_accept_gzip(self) -> None:
        answer = self.running.ask("HEAD", self.bundle(), headers={"Accept-Encoding": "gzip"})
        self.assertEqual((answer.headers["Content-Encoding"], answer.headers["Vary"]), ("gzip", "Accept-Encoding"))

    def test_an_unknown_bundle_answers_404_and_is_not_cached(self) -> None:
        for path in ("none-ABCDEFGH.js", "", "../manifest.json", "%2e%2e/manifest.json", "..%2f..%2fsecret"):
            answer: Answer = self.running.get(assets.ADDRESS + path)
            self.assertEqual(answer.code, 404, path)
            self.assertNotIn("immutable", answer.headers["Cache-Control"] or "", path)
            self.assertNotIn('"sources"', answer.body, path)

    def test_plain_files_are_served_too(self) -> None:
        self.assertEqual(self.running.get("/static/css/site.css").headers["Cache-Control"], "no-cache")

    def test_a_build_prints_what_it_made_and_where(self) -> None:
        self.assertRegex(self.said, rf"^\d+ files of [\d,]+ bytes in {re.escape(str(self.running.data))}/bundles")
