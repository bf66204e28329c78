"""Processes of one session: how a start finds what a killed start left behind, and ends it. The only place that uses psutil.

A pid alone proves nothing, because the kernel reuses it; it does not while a session of that number has members. Run as a
program (`python -m stack.processes nginx …`) this ends what is left of that program in its own session, then becomes it.
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
    """A live process as it was when we looked. `started` counts clock ticks since boot; `folder` is its working directory."""

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
        """Nothing happens where it has ended, and its pid may be another process's by now."""
        with suppress(psutil.NoSuchProcess):
            self.seen.send_signal(number)

    def children(self) -> set[int]:
        """The pids of the processes that this one started itself; none where it has ended."""
        try:
            return {child.pid for child in self.seen.children()}
        except psutil.NoSuchProcess:
            return set()

    def environment(self) -> dict[str, str]:
        """What it was started with; empty where it has ended or belongs to another user."""
        try:
            return self.seen.environ()
        except (psutil.Error, OSError):
            return {}


def running() -> Iterator[Process]:
    """Every process whose working directory this user may see."""
    return (process for pid in psutil.pids() if (process := find_process(pid)))


def find_process(pid: int) -> Process | None:
    """None where it is dead, or belongs to another user who does not let us see its working directory."""
    try:
        seen = psutil.Process(pid)  # first: it makes `signal` sure that all below was of the same process
        with seen.oneshot():
            name, owner, folder = seen.name(), seen.uids().effective, Path(seen.cwd())
        return Process(pid, name, os.getsid(pid), _started(pid), owner, folder, seen)
    except (psutil.Error, OSError):
        return None


def session(leader: int) -> list[Process]:
    """This user's processes in the session of that number, its leader first."""
    found = (find_process(pid) for pid in psutil.pids() if _session_of(pid) == leader)
    members = [p for p in found if p and p.session == leader and p.owner == os.getuid()]
    return sorted(members, key=lambda p: (p.pid != leader, p.started))


def record(file: Path, leader: int) -> None:
    """Write down who leads a session, so that a later start can tell it from another process with the same pid."""
    process = find_process(leader)
    file.write_text(json.dumps({"pid": leader, "started": process and process.started, "boot": _boot()}))


def recorded_leader(file: Path) -> Process | None:
    """Who leads the recorded session, if it still lives and is no other process with the same pid."""
    recorded = _recorded(file)
    leader = find_process(recorded["pid"]) if recorded else None
    return leader if leader and recorded and leader.started == recorded["started"] else None


def left_behind(file: Path, *folders: Path) -> list[Process]:
    """What still runs of the recorded session, and works within these folders."""
    recorded = _recorded(file)
    if recorded is None:
        return []
    leader = find_process(recorded["pid"])
    if leader and leader.started != recorded["started"]:
        return []
    return [process for process in session(recorded["pid"]) if process.is_within(*folders)]


def end(find: Callable[[], list[Process]], patience: float) -> None:
    """Ask what is found to stop, and kill what is still there after that many seconds."""
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
    """None where nothing was recorded since the machine was started."""
    try:
        recorded = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return recorded if recorded["boot"] == _boot() else None


def _session_of(pid: int) -> int:
    """psutil knows no sessions. Asked of every process first, because it takes a hundredth of the time of `find_process`."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _started(pid: int) -> int:
    """Read by hand: psutil's create_time() moves with the system clock, and a record must hold until the next boot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def _boot() -> str:
    """This run of the kernel, and the namespace of its pids: containers may share a data folder. psutil knows neither."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"


if __name__ == "__main__":
    program = Path(sys.argv[1])
    end(lambda: [process for process in session(os.getsid(0)) if process.name == program.name], patience=1)
    os.execv(program, sys.argv[1:])
