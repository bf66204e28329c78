"""Processes of one session, as /proc shows them: how `stack.py` finds what a killed start left behind, and ends it.

A number alone proves nothing, for the kernel gives it away again; it does not while a session of that number has
members. Run as a program (`python -m lib.processes nginx …`) it ends what is left of that program here, and becomes it.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A running process: its number, name, parent, session, start (clock ticks since boot), owner and folder it is in."""

    pid: int
    name: str
    parent: int
    session: int
    started: int
    owner: int
    folder: Path

    def is_within(self, *folders: Path) -> bool:
        return any(self.folder.is_relative_to(folder) for folder in folders)


def running() -> Iterator[Process]:
    """Every process whose working directory this user may see; none that is dead or belongs to someone else."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (process := find_process(int(entry.name))):
            yield process


def find_process(pid: int) -> Process | None:
    entry = Path("/proc") / str(pid)
    try:
        name, fields = (entry / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
        values = fields.split()
        parent, session, started = (int(values[place]) for place in (1, 3, 19))
        return Process(pid, name, parent, session, started, entry.stat().st_uid, (entry / "cwd").readlink())
    except (OSError, ValueError):
        return None


def session(leader: int) -> list[Process]:
    """This user's processes in the session of that number, its leader first."""
    members = (p for p in running() if p.session == leader and p.owner == os.getuid())
    return sorted(members, key=lambda p: (p.pid != leader, p.started))


def record(file: Path, leader: int) -> None:
    """Write down who leads a session, so that a later start can tell it from a stranger with the same number."""
    process = find_process(leader)
    file.write_text(json.dumps({"pid": leader, "started": process and process.started, "boot": _boot()}))


def recorded_leader(file: Path) -> Process | None:
    """Who leads the recorded session, if it still lives and is no stranger with the same number."""
    try:
        recorded = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    leader = find_process(recorded["pid"])
    is_same = leader and leader.started == recorded["started"] and recorded["boot"] == _boot()
    return leader if is_same else None


def environment(pid: int) -> dict[str, str]:
    """What a process of this user was started with; nothing where that cannot be seen."""
    try:
        entries = (Path("/proc") / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(os.fsdecode(entry).split("=", 1) for entry in entries if b"=" in entry)


def left_behind(file: Path, *folders: Path) -> list[Process]:
    """What still runs of the recorded session, and works within these folders."""
    try:
        recorded = json.loads(file.read_text())
    except (OSError, ValueError):
        return []
    leader = find_process(recorded["pid"])
    if recorded["boot"] != _boot() or (leader and leader.started != recorded["started"]):
        return []
    return [process for process in session(recorded["pid"]) if process.is_within(*folders)]


def end(find: Callable[[], list[Process]], patience: float) -> None:
    """Ask what is found to stop, and kill what is still there after that many seconds."""
    _signal(find(), signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    while left:
        _signal(left, signal.SIGKILL)
        time.sleep(0.05)
        left = find()


def ask_to_reopen(pid_file: Path, name: str) -> None:
    """Have the program of that name that wrote this file begin its logs anew."""
    if process := _writer(pid_file, name):
        _signal([process], signal.SIGUSR1)


def reload(pid_file: Path, name: str, patience: float) -> bool:
    """Have it read its configuration again: whether all its workers are other ones within so many seconds.

    Where it does not run, or is started anew meanwhile, there is nothing to wait for: it reads what is there.
    """
    master = _writer(pid_file, name)
    if master is None:
        return True
    before = children(master.pid)
    _signal([master], signal.SIGHUP)
    deadline = time.monotonic() + patience
    while _writer(pid_file, name) == master and (not (now := children(master.pid)) or now & before):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def children(pid: int) -> set[int]:
    """The numbers of the processes that this one started itself."""
    return {process.pid for process in running() if process.parent == pid}


def _writer(pid_file: Path, name: str) -> Process | None:
    """The program of that name that wrote this file; nobody where it is gone, and its number a stranger's."""
    try:
        process = find_process(int(pid_file.read_text()))
    except (OSError, ValueError):
        return None
    return process if process and process.name == name and process.owner == os.getuid() else None


def _signal(processes: list[Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            pass


def _boot() -> str:
    """This run of the kernel, and the namespace that the numbers count in (containers may share a data folder)."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"


if __name__ == "__main__":
    program = Path(sys.argv[1])
    end(lambda: [process for process in session(os.getsid(0)) if process.name == program.name], patience=1)
    os.execv(program, sys.argv[1:])
