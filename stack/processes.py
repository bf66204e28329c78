"""Finds and ends the processes of a session, such as those that a killed start left. The only place that uses psutil.

A pid alone identifies no process, because the kernel reuses pids; but not while a session with that number has members.
As a program (`python -m stack.processes nginx …`) this ends other processes of that program in its own session, then
execs it.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass(frozen=True)
class Process:
    """A snapshot of a live process. `started` counts clock ticks since boot; `folder` is its working directory."""

    pid: int
    name: str
    session: int
    started: int
    owner: int
    folder: Path
    seen: psutil.Process = field(compare=False, repr=False)

    def is_within(self, *folders: Path) -> bool:
        return any(self.folder.is_relative_to(folder) for folder in folders)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal. Does nothing if the process has ended, also if its pid was reused."""
        with suppress(psutil.NoSuchProcess):
            self.seen.send_signal(number)

    def children(self) -> set[int]:
        """Returns the pids of its direct children; none if it has ended."""
        try:
            return {child.pid for child in self.seen.children()}
        except psutil.NoSuchProcess:
            return set()

    def environment(self) -> dict[str, str]:
        """Returns its environment; empty if it has ended or belongs to another user."""
        try:
            return self.seen.environ()
        except (psutil.Error, OSError):
            return {}


def running() -> Iterator[Process]:
    """Yields every process whose working directory this user may see."""
    return (process for pid in psutil.pids() if (process := find_process(pid)))


def find_process(pid: int) -> Process | None:
    """Returns None if it is dead, or its working directory may not be read: it belongs to another user."""
    try:
        seen = psutil.Process(pid)  # first: psutil then checks before a signal that the pid was not reused
        with seen.oneshot():
            name, owner, folder = seen.name(), seen.uids().effective, Path(seen.cwd())
        return Process(pid, name, os.getsid(pid), _started(pid), owner, folder, seen)
    except (psutil.Error, OSError):
        return None


def session(leader: int) -> list[Process]:
    """Returns this user's processes in the session with this number, its leader first."""
    found = (find_process(pid) for pid in psutil.pids() if _session_of(pid) == leader)
    members = [p for p in found if p and p.session == leader and p.owner == os.getuid()]
    return sorted(members, key=lambda p: (p.pid != leader, p.started))


def record_of(data: Path) -> Path:
    """Returns the file that names the leader of all processes of the start on this data folder."""
    return data / "run" / "session.json"


def record(file: Path, leader: int) -> None:
    """Stores the leader of a session, with what distinguishes it from later processes with the same pid."""
    process = find_process(leader)
    file.write_text(json.dumps({"pid": leader, "started": process and process.started, "boot": _boot()}))


def recorded_leader(file: Path) -> Process | None:
    """Returns the leader of the recorded session; None if it has ended, also if another process has its pid now."""
    recorded = _recorded(file)
    leader = find_process(recorded["pid"]) if recorded else None
    return leader if leader and recorded and leader.started == recorded["started"] else None


def left_behind(file: Path, *folders: Path) -> list[Process]:
    """Returns the processes of the recorded session whose working directory is within these folders."""
    recorded = _recorded(file)
    if recorded is None:
        return []
    leader = find_process(recorded["pid"])
    if leader and leader.started != recorded["started"]:
        return []
    return [process for process in session(recorded["pid"]) if process.is_within(*folders)]


def end(find: Callable[[], list[Process]], patience: float) -> None:
    """Sends SIGTERM to the processes that `find` returns, and SIGKILL to those that remain after `patience` seconds."""
    for process in find():
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    while left:
        for process in left:
            process.signal(signal.SIGKILL)
        time.sleep(0.05)
        left = find()


def _recorded(file: Path) -> dict[str, Any] | None:
    """Returns None if nothing was recorded since the machine booted."""
    try:
        recorded = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return recorded if recorded["boot"] == _boot() else None


def _session_of(pid: int) -> int:
    """psutil knows no sessions. Checked first of every process: it takes a hundredth of the time of `find_process`."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _started(pid: int) -> int:
    """Not psutil's create_time(): it moves with the system clock, and a record must be valid until the next boot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _boot() -> str:
    """Returns the boot id and the pid namespace, since containers may share a data folder. psutil knows neither."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"


if __name__ == "__main__":
    program = Path(sys.argv[1])
    end(lambda: [process for process in session(os.getsid(0)) if process.name == program.name], patience=1)
    os.execv(program, sys.argv[1:])
