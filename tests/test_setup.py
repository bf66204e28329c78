"""Set-up: how `.env` is read, which npm packages are installed when, and what `bin/check` does without them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from bin.setup import ROOT, assignments

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

    def test_a_value_is_the_rest_of_its_line_without_one_pair_of_quotes(self) -> None:
        self.file.write_text(FILE)
        self.assertEqual(assignments(self.file), VALUES)

    def test_a_malformed_line_is_refused_with_file_and_line(self) -> None:
        for line in ("SITE_PORT 8000", "SITE_PORT: 8000", "=8000", "export SITE_PORT"):
            self.file.write_text(f"# Mine\n\nSITE_DEMO=0\n{line}\n")
            with self.subTest(line), self.assertRaises(SystemExit) as caught:
                assignments(self.file)
            self.assertTrue(str(caught.exception).startswith(f"{self.file}:4: "))


NPM = """#!/bin/sh
echo "$@" >> calls
[ ! -e fails ] && mkdir -p node_modules
"""


class PackagesTest(unittest.TestCase):
    """A temporary checkout, with a fake npm on PATH that records its arguments."""

    def setUp(self) -> None:
        self.checkout = Path(tempfile.mkdtemp(prefix="plog-setup-"))
        self.addCleanup(shutil.rmtree, self.checkout)
        (self.checkout / "bin").mkdir()
        shutil.copy(ROOT / "bin" / "setup.py", self.checkout / "bin")
        (self.checkout / "package-lock.json").write_text("{}")
        npm = self.checkout / "npm"
        npm.write_text(NPM)
        npm.chmod(0o755)

    def install(self, for_development: bool) -> str:
        """Installs packages. Returns the output on stderr."""
        program = f"import setup; setup.install_packages({for_development})"
        environment = os.environ | {"PATH": f"{self.checkout}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.checkout / "bin",
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stderr

    def installed_for(self) -> list[str]:
        return ["development" if "--include=dev" in call else "a site" for call in self.calls()]

    def calls(self) -> list[str]:
        file = self.checkout / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def test_a_site_installs_only_production_packages_and_only_once(self) -> None:
        self.install(for_development=False)
        self.assertIn("--omit=dev", self.calls()[0])
        self.install(for_development=False)
        self.assertEqual(self.installed_for(), ["a site"])

    def test_development_packages_are_installed_once_and_suffice_for_a_site(self) -> None:
        for for_development in (False, True, True, False):
            self.install(for_development)
        self.assertEqual(self.installed_for(), ["a site", "development"])

    def test_a_changed_lock_file_installs_again(self) -> None:
        self.install(for_development=True)
        (self.checkout / "package-lock.json").write_text('{"packages": {}}')
        self.install(for_development=False)
        self.assertEqual(self.installed_for(), ["development", "a site"])

    def test_a_failed_installation_is_reported_and_retried_by_the_next_setup(self) -> None:
        (self.checkout / "fails").touch()
        for _ in range(2):
            self.assertIn("npm packages cannot be installed", self.install(for_development=True))
        self.assertEqual(self.installed_for(), ["development", "development"])


class CheckTest(unittest.TestCase):
    """`bin/check` in a checkout where everything else passes and npm packages are not installed."""

    def setUp(self) -> None:
        self.checkout = Path(tempfile.mkdtemp(prefix="plog-check-"))
        self.addCleanup(shutil.rmtree, self.checkout)
        for program in ("bin/setup", ".venv/bin/python"):
            self.add(program, "#!/bin/sh\n")
        shutil.copy(ROOT / "bin" / "check", self.checkout / "bin")

    def add(self, program: str, text: str) -> None:
        path = self.checkout / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def check(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        given = {name: value for name, value in os.environ.items() if name != "CI"} | environment
        return subprocess.run([self.checkout / "bin" / "check"], env=given, capture_output=True, text=True)

    def test_without_npm_packages_it_passes_and_says_what_was_not_checked(self) -> None:
        done = self.check()
        self.assertIn("scripts and styles were not checked", done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_without_npm_packages_it_fails_in_ci(self) -> None:
        done = self.check(CI="true")
        self.assertIn("npm packages are not installed", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_it_fails_if_biome_or_the_type_checker_fails(self) -> None:
        programs = ("node_modules/@biomejs/cli-x/biome", "node_modules/@typescript/typescript-x/lib/tsc")
        for failing in programs:
            for program in programs:
                self.add(program, f"#!/bin/sh\nexit {int(program == failing)}\n")
            with self.subTest(failing):
                self.assertEqual(self.check().returncode, 1)


class LockFileTest(unittest.TestCase):
    def test_the_lock_file_names_no_registry(self) -> None:
        """Otherwise everyone would install from the registry of the machine that wrote the file."""
        self.assertNotIn('"resolved"', (ROOT / "package-lock.json").read_text(encoding="utf-8"))

    def test_packages_are_named_with_exact_versions(self) -> None:
        package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
        for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$", name)


if __name__ == "__main__":
    unittest.main()
