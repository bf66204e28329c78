"""How long the stack takes to come and go, and how much memory it keeps at rest. On a data folder of its own."""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.running import Running

REST_SECONDS = 5
MEGABYTE = 1024  # kB, as /proc counts

Figure = tuple[str, float, str, float | None]  # what, value, unit, the bound that was promised


def figures() -> Iterator[Figure]:
    running = Running()
    try:
        yield "start on an empty folder, installed", running.start(), "s", 90.0
        began = time.monotonic()
        running.stop()
        yield "stop", time.monotonic() - began, "s", 8.0
        yield "start again", running.start(), "s", 5.0
        time.sleep(REST_SECONDS)
        yield from memory(running)
    finally:
        running.remove()


def memory(running: Running) -> Iterator[Figure]:
    """Resident memory, counted in full for each process, although they share some of it."""
    assert running.process
    commands = running.commands() | {running.process.pid: "stack.py"}
    sizes = {pid: resident(pid) for pid in commands}
    for pid, command in commands.items():
        yield f"resident: {shortened(command)}", sizes[pid], "MB", None
    yield "resident: all of it at rest", sum(sizes.values()), "MB", 500.0


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
