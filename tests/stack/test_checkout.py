"""The checkout that a site runs from: which version it changes to, and when it refuses."""

import shutil
import tempfile
import unittest
from pathlib import Path

from stack.checkout import Checkout, Unfit
from tests.checkouts import MAKER, Checkouts, git


class CheckoutTest(unittest.TestCase):
    def setUp(self) -> None:
        self.checkouts = Checkouts()
        self.addCleanup(self.checkouts.remove)
        self.checkouts.maker.mkdir()
        (self.checkouts.maker / "deploy.py").write_text("1")
        self.checkouts.begin()
        self.first = self.checkouts.head
        self.checkout = Checkout(self.checkouts.clone)

    def go_to(self, name: str) -> None:
        self.checkout.go_to(name, needed="deploy.py")

    def refused(self, words: str, *to: str) -> None:
        with self.assertRaisesRegex(Unfit, words):
            self.go_to(*to) if to else self.checkout.go_to_newest()

    def test_the_newest_version_is_that_of_the_upstream_branch(self) -> None:
        self.checkouts.commit({})
        newest = self.checkouts.commit({"deploy.py": ("1", "2")})
        self.checkout.go_to_newest()
        self.assertEqual(self.checkout.commit, newest)
        self.checkout.go_to_newest()
        self.assertEqual(self.checkout.commit, newest)

    def test_going_back_needs_no_origin_and_lasts_until_a_branch_is_named(self) -> None:
        newest = self.checkouts.commit({})
        self.checkout.go_to_newest()
        away = self.checkouts.origin.rename(self.checkouts.folder / "away")
        self.go_to(self.first)
        self.assertEqual(self.checkout.commit, self.first)
        self.refused(f"{self.first} .* bin/deploy main")
        away.rename(self.checkouts.origin)
        self.go_to("main")
        self.assertEqual(self.checkout.commit, newest)
        self.checkout.go_to_newest()

    def test_tags_and_commits_of_the_origin_are_fetched(self) -> None:
        newest = self.checkouts.commit({})
        git(self.checkouts.maker, "tag", "v2")
        git(self.checkouts.maker, "push", "--quiet", "origin", "v2")
        self.go_to("v2")
        self.assertEqual(self.checkout.commit, newest)
        self.go_to("origin/main")
        self.assertEqual(self.checkout.commit, newest)
        moved = self.checkouts.commit({})
        git(self.checkouts.maker, "tag", "--force", "v2")
        git(self.checkouts.maker, "push", "--quiet", "--force", "origin", "v2", "main:release")
        for name in ("v2", "release", "origin/main"):
            self.go_to(newest)
            self.go_to(name)
            self.assertEqual(self.checkout.commit, moved, name)

    def test_unpushed_commits_are_not_left_behind(self) -> None:
        self.checkouts.commit({})
        git(self.checkouts.clone, *MAKER, "commit", "--quiet", "--allow-empty", "-m", "Mine")
        self.refused("main has commits that origin/main lacks")
        self.refused("main has commits that origin/main lacks", "main")

    def test_a_branch_without_an_upstream_is_refused_with_the_command_that_sets_one(self) -> None:
        git(self.checkouts.clone, "checkout", "--quiet", "-b", "mine")
        self.refused("mine follows none: git branch --set-upstream-to=origin/mine mine")
        git(self.checkouts.clone, "checkout", "--quiet", "main")
        self.refused("mine follows none", "mine")
        self.assertEqual(git(self.checkouts.clone, "branch", "--show-current"), "main")

    def test_unknown_versions_and_those_without_deploys_are_refused(self) -> None:
        self.refused("no branch, tag or commit nothing", "nothing")
        git(self.checkouts.maker, "rm", "--quiet", "deploy.py")
        old = self.checkouts.commit({})
        self.refused(f"{old} is a version without deploy.py", old)

    def test_changed_files_are_named_and_untracked_ones_are_ignored(self) -> None:
        (self.checkouts.clone / "var").mkdir()
        (self.checkouts.clone / "var" / "new").touch()
        self.checkout.check_clean()
        (self.checkouts.clone / "deploy.py").write_text("mine")
        with self.assertRaisesRegex(Unfit, "deploy.py"):
            self.checkout.check_clean()

    def test_a_folder_that_is_no_checkout_is_refused_and_here_is_suggested(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="plog-no-checkout-"))
        self.addCleanup(shutil.rmtree, folder)
        for no_checkout in (folder, self.checkouts.clone / ".git"):
            with self.assertRaisesRegex(Unfit, "bin/deploy --here"):
                Checkout(no_checkout)


if __name__ == "__main__":
    unittest.main()
