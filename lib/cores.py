"""Chooses the CPU core that a process runs on. Called by app.py."""

import os
from contextlib import suppress


def keep_to_one_core(number: int) -> None:
    """Pins this thread, and those that it starts, to one of its allowed cores, chosen by `number`.

    Speeds up a program of which only one thread runs at a time and wakes the next (docs/decisions.md, "One core"). Does
    nothing where the system does not permit it.
    """
    with suppress(OSError):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
