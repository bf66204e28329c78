"""A git checkout that is served from, and how it goes to another version. What would be guessed is refused instead."""

import re
import subprocess
from pathlib import Path

COMMIT = re.compile("[0-9a-f]{4,64}")


class Unfit(Exception):
    """The checkout cannot go where it should; the message says why, and what to do."""


class Checkout:
    """A folder whose top is a git working tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        top = self._find("rev-parse", "--show-toplevel")
        if top is None or Path(top) != root:
            raise Unfit(f"{root} is no git checkout; put the new version there yourself, then: bin/deploy --here.")

    @property
    def commit(self) -> str:
        return self._find("rev-parse", "--short", "HEAD") or "nothing"

    def go_to_newest(self) -> None:
        """Fast-forward the branch that is checked out to the one that it follows."""
        branch = self._find("symbolic-ref", "--short", "--quiet", "HEAD")
        if branch is None:
            left = self._find("rev-parse", "--abbrev-ref", "@{-1}") or "main"
            raise Unfit(f"{self.commit} was deployed by its name, and stays until you name another: bin/deploy {left}.")
        self._check_upstream(branch)
        self._do("fetch", "--quiet")
        self._follow(branch)

    def go_to(self, name: str, needed: str) -> None:
        """Go to a branch of ours, and on to the newest of what it follows; or to a commit, tag or branch of the origin.

        It has to have a file that is `needed`. A commit that is here already needs no origin.
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
        """What git prints; None where it ends with an error."""
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
            raise Unfit("there is no git here: apt install git.") from None
