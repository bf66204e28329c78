"""How long the stack takes to start and stop, and its memory at rest. On a data folder of its own."""

import time
from collections.abc import Iterator
from pathlib import Path

from bench._figure import Figure
from tests.running import Running

REST_SECONDS = 5
MEGABYTE = 1024  # kB, the unit of /proc


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
    """Yields the resident memory of each process, shared memory included, and the sum."""
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
    """Returns what identifies a process: its program's name, and its options if it is one of Plog's."""
    program, *arguments = command.split()
    if arguments and "python" in Path(program).name:
        program, *arguments = arguments
        return " ".join([Path(program).name, *(a for a in arguments if a.startswith("--"))])
    return " ".join(command.split()[:2]) if program == "nginx:" else Path(program).name
