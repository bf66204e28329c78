"""Brings another version into the site that runs, and no request fails of it: what `bin/deploy` becomes after set-up.

First git goes to that version; then this becomes `bin/deploy --here`, which is the new version's own: its set-up installs
what it needs, and its stack/deploy.py does the rest. What may be refused is refused before anything is restarted. Then processes
are renewed one after another, each only when the one before it answers. Killed anywhere, it is to be run again.
"""

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from settings import BadSetting, Settings
from stack import ROOT, configuration, nginx, programs, servers
from stack.checkout import Checkout, Unfit
from stack.commands import Refused, do_chore, end_when_asked
from stack.configuration import Unusable, process_ports
from stack.health import is_serving, wait_until
from stack.running import deploy_from, run_folder, site_that_runs, supervisor_socket
from stack.supervision import Supervisor, Unwilling

NO_ESBUILD = 3  # of stack/bundle.py
SECONDS = 30  # in which a process comes up
RELOAD_SECONDS = 15  # of which live connections are let go after 5


def main() -> None:
    end_when_asked("Deploy: stopped half way; run it again.")
    parser = argparse.ArgumentParser(prog="bin/deploy", description="Bring another version into the site that runs.")
    parser.add_argument("revision", nargs="?", help="a branch, tag or commit; else the newest of this branch")
    parser.add_argument("--here", action="store_true", help="what is checked out already")
    given = parser.parse_args()
    try:
        settings, leader = site_that_runs(Settings.from_environment(os.environ))
        lock(settings)
        if given.here:
            renew(settings, leader)
        else:
            go(settings, given.revision)
    except (BadSetting, Refused, Unfit, Unusable, Unwilling, programs.Unavailable, OSError) as error:
        sys.exit(f"Deploy: {error}")


def lock(settings: Settings) -> None:
    """Keep other deploys away from this data folder for as long as this process lives, whatever program it becomes."""
    servers.prepare(settings.data)
    file = os.open(run_folder(settings) / "deploy.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(file, True)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 20).decode()
        if holder != str(os.getpid()):  # we took it ourselves, as the program before this one
            raise Refused(f"another deploy is at work on {settings.data} (process {holder}).") from None
    os.truncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)


def go(settings: Settings, revision: str | None) -> NoReturn:
    """Go to that version, and become its own deploy."""
    checkout = Checkout(ROOT)
    checkout.check_clean()
    before = checkout.commit
    note_way_back(settings, before)
    if revision is None:
        checkout.go_to_newest()
    else:
        checkout.go_to(revision, needed="bin/deploy")
    say(f"from {before} to {checkout.commit}")
    os.execv(ROOT / "bin" / "setup", ["bin/setup", "deploy", "--here"])


def note_way_back(settings: Settings, commit: str) -> None:
    """Before git moves; what an earlier deploy noted that is not complete goes first, for it knows what runs."""
    file = deploy_from(settings)
    if not file.exists():
        draft = file.with_suffix(".draft")
        draft.write_text(commit)
        draft.replace(file)


def renew(settings: Settings, leader: int) -> None:
    """Have the site run what is checked out. What may be refused comes first, and nothing is restarted over it."""
    try:
        make_bundles()
        do_chore("indexes")
        if leader and configuration.renew(settings, leader):
            reload_nginx(settings)
    except (Refused, Unusable) as error:
        raise Refused(f"{error} Nothing was restarted. To go back: {back(settings)}") from None
    if leader:
        renew_processes(settings)
    do_chore("forget")  # not earlier: what runs the version before would keep its pages again
    deploy_from(settings).unlink(missing_ok=True)
    say("all processes run this version" if leader else "Plog does not run; the next bin/run serves this version")


def make_bundles() -> None:
    command = [sys.executable, "-m", "stack.bundle"]
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    if code not in (0, NO_ESBUILD):
        raise Refused("there are no bundles of this version.")


def reload_nginx(settings: Settings) -> None:
    if not nginx.reload(run_folder(settings), RELOAD_SECONDS):
        raise Refused(
            f"nginx goes on with what it had: {settings.data}/log/nginx-errors.log says why. What it takes only when it is "
            "started comes with starting Plog again."
        )
    configuration.unread(settings).unlink()
    say("nginx has a new configuration")


def renew_processes(settings: Settings) -> None:
    """The public ones first: if one does not come up, all others go on as they were."""
    supervisor = Supervisor(supervisor_socket(settings))
    *public_ports, admin_port = process_ports(settings)
    for port in public_ports:
        renew_process(settings, supervisor, f"public-{port}", partial(is_serving, port))
    renew_process(settings, supervisor, "admin", partial(is_serving, admin_port))
    renew_process(settings, supervisor, "worker", partial(supervisor.is_running, "site:worker"))


def renew_process(settings: Settings, supervisor: Supervisor, name: str, is_up: Callable[[], bool]) -> None:
    """Stop it and start it. What does not come up is left stopped, so that nginx does not ask it and nobody waits for it."""
    program = f"site:{name}"
    try:
        supervisor.stop(program)
    finally:
        supervisor.start(program)  # nobody else would, should this be interrupted
    pid = supervisor.pid(program)
    try:
        wait_until(name, is_up, SECONDS, is_alive=lambda: supervisor.pid(program) == pid != 0)
    except Refused:
        supervisor.stop(program)
        raise Refused(
            f"{name} did not come up, and is stopped: {settings.data}/log/{name}.log says why. What comes after it "
            f"(public, admin, worker) goes on with the version before. Deploy a better one, or go back: {back(settings)}"
        ) from None
    say(f"{name} is up")


def back(settings: Settings) -> str:
    file = deploy_from(settings)
    return f"bin/deploy {file.read_text() if file.exists() else 'REVISION'}"


def say(text: str) -> None:
    print(f"Deploy: {text}", flush=True)


if __name__ == "__main__":
    main()
