"""Brings another version into the running site without a failed request. `bin/deploy` execs this after set-up.

First git checks out the version. Then this execs `bin/deploy --here` of that version, whose set-up installs what it
needs and whose stack/deploy.py does the rest. All refusals come before the first restart. Then processes are restarted
one after another, each once the one before it answers. If it is killed, it can be run again.
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
SECONDS = 30  # until a process must answer
RELOAD_SECONDS = 15  # nginx closes live connections after 5 of them


def main() -> None:
    end_when_asked("Deploy: stopped half way; run it again.")
    parser = argparse.ArgumentParser(prog="bin/deploy", description="Bring another version into the site that runs.")
    parser.add_argument("revision", nargs="?", help="a branch, tag or commit; default: the newest of this branch")
    parser.add_argument("--here", action="store_true", help="deploy the version that is checked out")
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
    """Locks the data folder against other deploys until this process ends, also across exec. Raises Refused."""
    servers.prepare(settings.data)
    file = os.open(run_folder(settings) / "deploy.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(file, True)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 20).decode()
        if holder != str(os.getpid()):  # this process locked it before exec
            raise Refused(f"another deploy is at work on {settings.data} (process {holder}).") from None
    os.truncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)


def go(settings: Settings, revision: str | None) -> NoReturn:
    """Checks out the version and execs its own deploy."""
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
    """Stores the commit that runs, before git moves. An earlier note stays: its deploy is incomplete."""
    file = deploy_from(settings)
    if not file.exists():
        draft = file.with_suffix(".draft")
        draft.write_text(commit)
        draft.replace(file)


def renew(settings: Settings, leader: int) -> None:
    """Makes the site run the version that is checked out. All refusals come before the first restart."""
    try:
        make_bundles()
        do_chore("indexes")
        if leader and configuration.renew(settings, leader):
            reload_nginx(settings)
    except (Refused, Unusable) as error:
        raise Refused(f"{error} Nothing was restarted. To go back: {back(settings)}") from None
    if leader:
        renew_processes(settings)
    do_chore("forget")  # last: a process of the old version would cache its pages again
    deploy_from(settings).unlink(missing_ok=True)
    say("all processes run this version" if leader else "Plog does not run; the next bin/run serves this version")


def make_bundles() -> None:
    command = [sys.executable, "-m", "stack.bundle"]
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    if code not in (0, NO_ESBUILD):
        raise Refused("the bundles of this version could not be made.")


def reload_nginx(settings: Settings) -> None:
    if not nginx.reload(run_folder(settings), RELOAD_SECONDS):
        raise Refused(
            f"nginx goes on with what it had: {settings.data}/log/nginx-errors.log says why. "
            "Some changes need a new start of nginx: then start Plog again."
        )
    configuration.unread(settings).unlink()
    say("nginx has a new configuration")


def renew_processes(settings: Settings) -> None:
    """Restarts the public processes first: if one does not come up, all others keep the old version."""
    supervisor = Supervisor(supervisor_socket(settings))
    *public_ports, admin_port = process_ports(settings)
    for port in public_ports:
        renew_process(settings, supervisor, f"public-{port}", partial(is_serving, port))
    renew_process(settings, supervisor, "admin", partial(is_serving, admin_port))
    renew_process(settings, supervisor, "worker", partial(supervisor.is_running, "site:worker"))


def renew_process(settings: Settings, supervisor: Supervisor, name: str, is_up: Callable[[], bool]) -> None:
    """Stops and starts a process. If it does not come up it is left stopped, so that nginx sends it no requests."""
    program = f"site:{name}"
    try:
        supervisor.stop(program)
    finally:
        supervisor.start(program)  # also if this is interrupted: nothing else would start it
    pid = supervisor.pid(program)
    try:
        wait_until(name, is_up, SECONDS, is_alive=lambda: supervisor.pid(program) == pid != 0)
    except Refused:
        supervisor.stop(program)
        raise Refused(
            f"{name} did not come up, and is stopped: {settings.data}/log/{name}.log says why. The processes after it "
            f"(public, admin, worker) keep the old version. Deploy a corrected one, or go back: {back(settings)}"
        ) from None
    say(f"{name} is up")


def back(settings: Settings) -> str:
    """Returns the command that deploys the version before."""
    file = deploy_from(settings)
    return f"bin/deploy {file.read_text() if file.exists() else 'REVISION'}"


def say(text: str) -> None:
    print(f"Deploy: {text}", flush=True)


if __name__ == "__main__":
    main()
