"""Shared by `bin/run` and `bin/deploy`: refusing, ending on a signal, and running chores of `bin/site`."""

import signal
import subprocess
import sys

from stack import ROOT

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Refused(Exception):
    """The command cannot be carried out now; the message says why."""


def end_when_asked(code: int | str) -> None:
    """From now on SIGNALS raise SystemExit with this code, so that `finally` blocks run. Respects `nohup`."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(code))


def do_chore(name: str) -> None:
    """Runs `bin/site NAME` with its output on standard error. Raises Refused if it fails."""
    command = [sys.executable, "cli.py", name]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise Refused(f"the chore `bin/site {name}` failed.")
