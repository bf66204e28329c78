"""Which cores of the machine a process runs on."""

import os
from contextlib import suppress


def keep_to_one_core(number: int) -> None:
    """Run this thread, and all that it starts, on one of the cores that it was given: neighbouring numbers on neighbours.

    For a program of many threads of which only one runs at a time, and each wakes the next (docs/decisions.md, "One core").
    Where that is not allowed, it runs wherever it is sent.
    """
    with suppress(OSError):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
