"""Controls a running nginx: reopens its logs and reloads its configuration, which configuration.py renders.

`run` is the folder `run` of a data folder, with nginx's pid file.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from stack import processes
from stack.processes import Process

NAME = "nginx"


def reopen_logs(run: Path) -> None:
    """Sends SIGUSR1 to the master, which reopens its log files. Does nothing if nginx does not run."""
    if master := find_master(run):
        master.signal(signal.SIGUSR1)


def reload(run: Path, patience: float) -> bool:
    """Sends SIGHUP to the master. Returns False if old workers remain after `patience` seconds.

    True if nginx does not run, or is restarted meanwhile: it reads the new configuration when it starts.
    """
    master = find_master(run)
    if master is None:
        return True
    before = master.children()
    master.signal(signal.SIGHUP)
    deadline = time.monotonic() + patience
    while find_master(run) == master and (not (now := master.children()) or now & before):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def find_master(run: Path) -> Process | None:
    """Returns this user's nginx with the pid of the pid file; None if it has ended, even if its pid was reused."""
    try:
        process = processes.find_process(int((run / "nginx.pid").read_text()))
    except (OSError, ValueError):
        return None
    return process if process and process.name == NAME and process.owner == os.getuid() else None


def configuration_error(program: str, run: Path, configuration: Path) -> str:
    """Returns why this nginx rejects a configuration; empty if it accepts it."""
    command = [program, "-t", "-q", "-e", "stderr", "-p", str(run), "-c", str(configuration)]
    tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return tried.stderr.strip() or f"it exits with {tried.returncode}" if tried.returncode else ""
