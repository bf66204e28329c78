"""The chores of `bin/site`: their output and exit codes."""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import cli
from models.battles import Battle, Player, Record, Rules
from models.questions import Question
from models.site import Site
from tests.base import SiteTestCase, TestClient, data_folder
from tests.disks import REFUSALS, read_only
from ui_modules.comments import comment_json

ROOT = Path(__file__).parents[1]
MATERIAL = ROOT / "tests" / "material"


class ChoresTest(SiteTestCase):
    def chore(self, work: Callable[[Site, argparse.Namespace], Awaitable[int]], **given: str) -> tuple[int, str, str]:
        """Runs a chore. Returns its exit code, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = self.run_now(work(self.site, argparse.Namespace(**given)))
        return status, out.getvalue(), err.getvalue()

    def test_a_clean_import_counts_and_exits_0(self) -> None:
        path = str(MATERIAL / "markdown" / "2015-03-01-hello.md")
        counted = "{} added, 0 updated, {} unchanged, 0 kept, 0 unusable; 0 comments added\n"
        self.assertEqual(self.chore(cli.bring, path=path), (0, counted.format(1, 0), ""))
        self.assertEqual(self.chore(cli.bring, path=path), (0, counted.format(0, 1), ""))

    def test_an_import_names_unusable_items_and_exits_1(self) -> None:
        status, out, err = self.chore(cli.bring, path=str(MATERIAL / "old-blog.xml"))
        self.assertEqual((status, out), (1, "10 added, 0 updated, 0 unchanged, 0 kept, 3 unusable; 6 comments added\n"))
        self.assertEqual(len(err.splitlines()), 3)
        self.assertIn("comment 8 on Hello & welcome: has no text", err)
        status, out, err = self.chore(cli.bring, path=str(MATERIAL / "markdown"))
        self.assertEqual(status, 1)
        self.assertIn(f"{MATERIAL}/markdown/broken/yaml.md:4: broken/yaml.md: its front matter is no YAML", err)

    def test_questions_are_imported_and_unusable_ones_are_named(self) -> None:
        path = str(MATERIAL / "questions" / "mixed.csv")
        counted = "{} added, 0 updated, {} unchanged, 0 kept, {} unusable\n"
        status, out, err = self.chore(cli.bring_questions, path=path)
        self.assertEqual((status, out), (1, counted.format(2, 0, 3)))
        reason = "Which planet has the most rings?: has fewer than 3 wrong answers"
        self.assertIn(f"unusable: {path}:6: {reason}\n", err)
        with tempfile.NamedTemporaryFile("w", suffix=".gift") as file:
            file.write("Which is the longest river? {=Nile ~Po ~Don ~Ob}")
            file.flush()
            for counts in ((1, 0, 0), (0, 1, 0)):
                self.assertEqual(self.chore(cli.bring_questions, path=file.name), (0, counted.format(*counts), ""))

    def test_a_file_without_questions_is_refused_with_a_list_of_known_formats(self) -> None:
        status, out, err = self.chore(cli.bring_questions, path=str(MATERIAL / "old-blog.xml"))
        self.assertEqual((status, out), (1, ""))
        for words in ("old-blog.xml", "Open Trivia Database", "GIFT", "Aiken", "CSV"):
            self.assertIn(words, err)

    def test_a_battle_is_computed_again_from_its_log(self) -> None:
        rules = Rules(questions=1)
        question = Question("q", "Which?", "Rome", ("Rome", "Oslo", "Bern", "Kiel"), "Any")
        start = Battle.started("b" * 12, rules, [question], (Player("b", "Bo"), Player("c", "Cy")), 0)
        asked = start.time_passed(start.due)
        closed = asked.answered(1, 1, "rome", asked.opens_at or 0)
        over = closed.time_passed(closed.due)
        document = Record(over, over.log).as_document()
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            for result, status, words in ((document["result"], 0, "as recorded"), ({}, 1, "NOT as recorded")):
                file.seek(0)
                file.truncate()
                json.dump({**document, "result": result}, file)
                file.flush()
                self.assertEqual(self.chore(cli.replay, path=file.name)[:2], (status, f"0 to 3, played: {words}\n"))

    def test_a_missing_path_is_named(self) -> None:
        for chore in (cli.bring, cli.bring_questions):
            status, out, err = self.chore(chore, path="/nowhere/at-all")
            self.assertEqual((status, out, err), (1, "", "/nowhere/at-all: there is no such file or folder\n"))

    def test_a_file_of_an_unknown_format_is_refused_with_a_list_of_known_formats(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write("<rss version='2.0'><channel/></rss>")
            file.flush()
            status, out, err = self.chore(cli.bring, path=file.name)
        self.assertEqual((status, out), (1, ""))
        for words in (file.name, "Markdown", "WordPress"):
            self.assertIn(words, err)

    def test_the_demo_is_imported_without_errors_and_a_second_time_changes_nothing(self) -> None:
        status, out, err = self.chore(cli.demo)
        self.assertEqual((status, err), (0, ""))
        added, comments, questions = re.match(r"(\d+) added, .* (\d+) comments added\n(\d+) added, ", out).groups()
        self.assertGreaterEqual(int(added), 12)
        self.assertGreater(int(comments), 10)
        self.assertGreaterEqual(int(questions), 2000)
        again, unchanged = self.chore(cli.demo)[1], "0 added, 0 updated, {} unchanged, 0 kept, 0 unusable"
        self.assertEqual(again, f"{unchanged.format(added)}; 0 comments added\n{unchanged.format(questions)}\n")

    def test_every_page_of_the_demo_answers_and_its_newest_post_takes_comments(self) -> None:
        self.chore(cli.demo)
        self.clock.now = self.clock.now.replace(year=2030)
        posts = self.run_now(self.site.posts.documents.newest(0, 100))
        for path in ("/", "/p2", "/plog/", "/rss.xml", *(post.path for post in posts)):
            self.assertEqual(self.client.get(path).code, 200, path)
        self.assertTrue(posts[0].takes_comments)

    def test_a_staff_account_is_made_and_its_link_signs_in(self) -> None:
        status, out, _ = self.chore(cli.staff, email="Ada@Example.com")
        self.assertEqual(status, 0)
        self.assertIn("ada@example.com is staff", out)
        status, out, _ = self.chore(cli.signin_link, email="ada@example.com")
        self.assertRegex(out, rf"^{re.escape(self.settings.url)}/signin/[\w-]{{43}}\n$")
        self.assertEqual(self.client.post(out.strip().removeprefix(self.settings.url)).code, 303)
        self.assertIn(b'"staff":true', self.client.get("/me").body)

    def test_indexes_can_be_made_repeatedly(self) -> None:
        for _ in range(2):
            self.assertEqual(self.chore(cli.indexes), (0, "All indexes are there.\n", ""))

    def test_forget_without_redis_invalidates_local_pages_and_asks_to_run_it_again(self) -> None:
        self.client.get("/")
        cache = data_folder() / "kept" / "now"
        self.assertTrue(cache.exists())
        settings = replace(self.settings, redis_url="unix:///nowhere.sock")
        self.site = self.run_now(Site.open(settings, comment_json, self.clock))
        self._closing.append(self.site.close)
        status, out, err = self.chore(cli.forget, path=None)
        self.assertEqual((status, out, cache.exists()), (0, "All cached pages were removed.\n", False))
        self.assertIn("run this again", err)

    def test_the_help_describes_every_chore(self) -> None:
        out = io.StringIO()
        with redirect_stdout(out), self.assertRaises(SystemExit):
            cli.parser().parse_args(["--help"])
        for name in cli.CHORES:
            self.assertRegex(out.getvalue(), rf"\n    {name}\s+\w")


class CommandTest(SiteTestCase):
    """`bin/site` in a process of its own, on the same servers."""

    def site_command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        names = ("PATH", "HOME", "LANG")
        given = {name: os.environ[name] for name in names if name in os.environ} | {"SITE_DATA": str(data_folder())}
        given |= {"SITE_SECRET": self.settings.secret, "SITE_MONGO_DRIVER": self.settings.mongo_driver, **environment}
        command = [sys.executable, str(ROOT / "cli.py"), *arguments]
        return subprocess.run(command, env=given, cwd="/", capture_output=True, text=True, timeout=60, check=False)

    def test_a_link_from_the_command_line_signs_staff_in(self) -> None:
        self.assertEqual(self.site_command("staff", "ada@example.com").returncode, 0)
        done = self.site_command("signin-link", "ada@example.com", SITE_URL="https://plog.example")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.clock.now = self.clock.now.replace(year=2000)  # the link was made with the real clock of the other process
        ada = TestClient(self)
        self.assertEqual(ada.post(done.stdout.strip().removeprefix("https://plog.example")).code, 303)
        self.assertIn(b'"staff":true', ada.get("/me").body)

    def test_an_argument_that_is_not_utf_8_is_refused_by_name(self) -> None:
        for arguments, name in (
            (("staff", "\udcff@example.com"), "EMAIL"),
            (("hold", "\udcff"), "TEXT"),
            (("rename-category", "a", "\udcff"), "TO"),
        ):
            done = self.site_command(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"argument {name}: invalid utf8 value", done.stderr)

    def test_forget_fails_with_path_and_reason_if_pages_cannot_be_removed(self) -> None:
        cache = data_folder() / "kept"
        for redis in (self.settings.redis_url, "unix:///nowhere.sock"):
            self.assertEqual(self.client.get("/").code, 200)
            with read_only(cache):
                for path in ((), ("/",)):
                    done = self.site_command("forget", *path, SITE_REDIS_URL=redis)
                    self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                    self.assertRegex(done.stderr, f"{cache}/now.*: ({REFUSALS})")
                    self.assertNotIn("Redis", done.stderr)
                    self.assertNotIn("Traceback", done.stderr)

    def test_errors_are_one_sentence_and_exit_code_1(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            calls = {
                ("staff", "nobody"): "is not an e-mail address",
                ("import", "/nowhere"): "no such file or folder",
                ("import", file.name): "this is no format that can be imported",
            }
            for arguments, reason in calls.items():
                done = self.site_command(*arguments)
                self.assertEqual(done.returncode, 1, arguments)
                self.assertIn(reason, done.stderr)
                self.assertNotIn("Traceback", done.stderr)
        done = self.site_command("indexes", SITE_PORT="x")
        self.assertEqual((done.returncode, "SITE_PORT" in done.stderr), (1, True))
        self.assertEqual(self.site_command("nothing").returncode, 2)
