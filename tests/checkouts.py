"""Repositories for tests of deploys: a maker's checkout, the origin it pushes to, and the clone that a site runs from.

The clone's `.venv` is a link to the interpreter that runs the tests, so that set-up has nothing to install.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(".*_cache", ".git", ".venv", "__pycache__", "node_modules", "var", "bench")
NOBODY = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
MAKER = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


class Checkouts:
    """`commit` in the maker's checkout, then `deploy` in the clone. `remove` at the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="plog-deploy-"))
        self.maker, self.origin, self.clone = (self.folder / name for name in ("maker", "origin.git", "clone"))

    @classmethod
    def of_plog(cls) -> "Checkouts":
        """Checkouts of the current sources, ready to serve."""
        self = cls()
        shutil.copytree(ROOT, self.maker, ignore=LEFT_OUT)
        self.begin()
        self.install()
        return self

    def begin(self) -> None:
        git(self.maker, "init", "--quiet", "--initial-branch=main")
        self.commit({})
        git(self.folder, "clone", "--quiet", "--bare", str(self.maker), str(self.origin))
        git(self.maker, "remote", "add", "origin", str(self.origin))
        git(self.folder, "clone", "--quiet", str(self.origin), str(self.clone))

    def install(self) -> None:
        """Does what set-up would do in the clone."""
        python = self.clone / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (self.clone / ".venv" / "made-for").write_text(f"{self.clone}\n{sys.implementation.cache_tag}")
        (self.clone / ".venv" / "requirements.txt.installed").write_text(self.digest("requirements.txt"))
        packages = self.clone / "node_modules"
        packages.mkdir()
        (packages / ".installed").write_text(self.digest("package-lock.json"))
        for package in (ROOT / "node_modules").glob("[!.]*"):
            (packages / package.name).symlink_to(package)

    def digest(self, name: str) -> str:
        return sha256((self.clone / name).read_bytes()).hexdigest()

    def commit(self, changes: dict[str, tuple[str, str]]) -> str:
        """Pushes a commit that replaces a text in each of these files. Returns the commit's short name."""
        for name, (old, new) in changes.items():
            file = self.maker / name
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            assert old in text, f"{name} has no {old!r}"
            file.write_text(text.replace(old, new, 1), encoding="utf-8")
        git(self.maker, "add", "--all")
        git(self.maker, *MAKER, "commit", "--quiet", "--allow-empty", "-m", "A change")
        return self.pushed()

    def undo(self) -> str:
        """Pushes a commit that reverts the last one."""
        git(self.maker, *MAKER, "revert", "--no-edit", "HEAD")
        return self.pushed()

    def catch_up(self) -> None:
        """Resets the clone to what was pushed, without a deploy."""
        git(self.clone, "pull", "--quiet", "--ff-only")

    @property
    def head(self) -> str:
        """The commit that is checked out in the clone."""
        return git(self.clone, "rev-parse", "--short", "HEAD")

    def pushed(self) -> str:
        if self.origin.exists():
            git(self.maker, "push", "--quiet", "origin", "HEAD:main")
        return git(self.maker, "rev-parse", "--short", "HEAD")

    def deploy(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs `bin/deploy` of the clone from another folder, with only these settings in the environment."""
        with self.deploying(*arguments, **environment) as process:
            said, complained = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, said, complained)

    def deploying(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        others = {name: value for name, value in os.environ.items() if not name.startswith("SITE_")}
        command = [str(self.clone / "bin" / "deploy"), *arguments]
        surroundings = {**others, **NOBODY, "PATH": path(), **environment}
        return subprocess.Popen(
            command, cwd=os.sep, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def path() -> str:
    """PATH with the interpreter that runs the tests first, so that set-up finds it."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def git(folder: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | NOBODY
    ran = subprocess.run(["git", *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"git {' '.join(command)}: {ran.stderr}"
    return ran.stdout.strip()
