"""What `bin/run` and `bin/deploy` have in common: how they refuse, how they end when asked, how they call `bin/site`."""

import signal
import subprocess
import sys

from stack import ROOT

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Refused(Exception):
    """Something cannot be done here and now; the message says why."""


def end_when_asked(code: int | str) -> None:
    """From now on a signal raises SystemExit with this code, so that everything open is closed. `nohup` is respected."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(code))


def do_chore(name: str) -> None:
    """Run `bin/site NAME`; its output goes to standard error."""
    command = [sys.executable, "cli.py", name]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise Refused(f"the chore `bin/site {name}` failed.")
