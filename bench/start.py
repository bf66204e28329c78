"""How long the stack takes to come and go, and how much memory it keeps at rest. On a data folder of its own."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench._figure import Figure
from tests.running import Running

REST_SECONDS = 5
MEGABYTE = 1024  # kB, as /proc counts


def figures() -> Iterator[Figure]:
    running = Running()
    try:
        yield Figure("start on an empty folder, installed", running.start(), "s", at_most=90)
        began = time.monotonic()
        running.stop()
        yield Figure("stop", time.monotonic() - began, "s", at_most=8)
        yield Figure("start again", running.start(), "s", at_most=5)
        time.sleep(REST_SECONDS)
        yield from memory(running)
    finally:
        running.remove()


def memory(running: Running) -> Iterator[Figure]:
    """Resident memory, counted in full for each process, although they share some of it."""
    assert running.process
    commands = running.commands() | {running.process.pid: "stack.start"}
    sizes = {pid: resident(pid) for pid in commands}
    for pid, command in commands.items():
        yield Figure(f"resident: {shortened(command)}", sizes[pid], "MB")
    yield Figure("resident: all of it at rest", sum(sizes.values()), "MB", at_most=500)


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / MEGABYTE


def shortened(command: str) -> str:
    """The part of a command line that tells its process: the program's name, and what it was told if it is ours."""
    program, *arguments = command.split()
    if arguments and "python" in Path(program).name:
        program, *arguments = arguments
        return " ".join([Path(program).name, *(a for a in arguments if a.startswith("--"))])
    return " ".join(command.split()[:2]) if program == "nginx:" else Path(program).name
