"""nginx while it runs: asked to write new logs, or to read its configuration again (made in configuration.py).

`run` is the folder `run` of a data folder, where nginx has its pid file.
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
    """Have it open its log files by their names again; nothing happens where it does not run."""
    if master := find_master(run):
        master.signal(signal.SIGUSR1)


def reload(run: Path, patience: float) -> bool:
    """Have it read its configuration again. False if any of its old workers is left after so many seconds.

    Where it does not run, or is started anew meanwhile, there is nothing to wait for: it reads what is there.
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
    """The nginx of this user that wrote the pid file; None where it is gone and another process has its pid."""
    try:
        process = processes.find_process(int((run / "nginx.pid").read_text()))
    except (OSError, ValueError):
        return None
    return process if process and process.name == NAME and process.owner == os.getuid() else None


def complaint(program: str, run: Path, configuration: Path) -> str:
    """What this nginx has against a configuration; empty if nothing."""
    command = [program, "-t", "-q", "-e", "stderr", "-p", str(run), "-c", str(configuration)]
    tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return tried.stderr.strip() or f"it ends with {tried.returncode}" if tried.returncode else ""
