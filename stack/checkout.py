"""Moves the git checkout that serves the site to another version. Refuses whatever it would have to guess."""

import re
import subprocess
from pathlib import Path

COMMIT = re.compile("[0-9a-f]{4,64}")


class Unfit(Exception):
    """The checkout cannot move to the version; the message says why, and what to do."""


class Checkout:
    """A folder that is the top of a git working tree. Raises Unfit if it is not, or if git fails."""

    def __init__(self, root: Path) -> None:
        self.root = root
        top = self._find("rev-parse", "--show-toplevel")
        if top is None or Path(top) != root:
            raise Unfit(f"{root} is no git checkout; put the new version there yourself, then: bin/deploy --here.")

    @property
    def commit(self) -> str:
        return self._find("rev-parse", "--short", "HEAD") or "nothing"

    def go_to_newest(self) -> None:
        """Fetches, and fast-forwards the branch that is checked out to its upstream."""
        branch = self._find("symbolic-ref", "--short", "--quiet", "HEAD")
        if branch is None:
            left = self._find("rev-parse", "--abbrev-ref", "@{-1}") or "main"
            raise Unfit(f"the commit {self.commit} is checked out, and no branch. Name one: bin/deploy {left}.")
        self._check_upstream(branch)
        self._do("fetch", "--quiet")
        self._follow(branch)

    def go_to(self, name: str, needed: str) -> None:
        """Checks out a local branch and fast-forwards it to its upstream; or a commit, tag or branch of the origin.

        The version must contain the file `needed`. A commit that the repository has is not fetched.
        """
        is_branch = self._find("rev-parse", "--verify", "--quiet", f"refs/heads/{name}") is not None
        if is_branch:
            self._check_upstream(name)
        if is_branch or not (COMMIT.fullmatch(name) and self._commit_of(name)):
            self._do("fetch", "--quiet", "--tags", "--force")
        commit = self._commit_of(f"{name}@{{upstream}}" if is_branch else name) or self._commit_of(f"origin/{name}")
        if commit is None:
            raise Unfit(f"git knows no branch, tag or commit {name}.")
        if self._find("cat-file", "-e", f"{commit}:{needed}") is None:
            raise Unfit(f"{name} is a version without {needed}: go there with git checkout, and start Plog again.")
        if is_branch:
            self._do("checkout", "--quiet", name, "--")
            return self._follow(name)
        self._do("checkout", "--quiet", "--detach", commit, "--")

    def check_clean(self) -> None:
        if changed := self._find("status", "--porcelain", "--untracked-files=no"):
            raise Unfit(f"these files have changes that are in no commit; commit, stash or undo them:\n{changed}")

    def _check_upstream(self, branch: str) -> None:
        if self._find("rev-parse", "--abbrev-ref", f"{branch}@{{upstream}}") is None:
            raise Unfit(f"the branch {branch} follows none: git branch --set-upstream-to=origin/{branch} {branch}")

    def _follow(self, branch: str) -> None:
        upstream = f"{branch}@{{upstream}}"
        if self._find("merge-base", "--is-ancestor", "HEAD", upstream) is None:
            followed = self._find("rev-parse", "--abbrev-ref", upstream)
            raise Unfit(
                f"the branch {branch} has commits that {followed} lacks: push them, or go to {followed} by name."
            )
        self._do("merge", "--quiet", "--ff-only", upstream)

    def _commit_of(self, name: str) -> str | None:
        return self._find("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def _find(self, *command: str) -> str | None:
        """Returns what git prints; None if it fails."""
        ran = self._run(command)
        return None if ran.returncode else ran.stdout.strip()

    def _do(self, *command: str) -> None:
        ran = self._run(command)
        if ran.returncode:
            raise Unfit(f"git {command[0]} failed:\n{ran.stderr.strip()}")

    def _run(self, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        git = ["git", "-C", str(self.root), *command]
        try:
            return subprocess.run(git, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except FileNotFoundError:
            raise Unfit("git is not installed: apt install git.") from None
