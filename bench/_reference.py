"""Runs the bare Tornado process (bench/_bare.py) that benchmarks compare the site with."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench._commands import Tasks
from tests.running import ROOT, free_ports, is_free, wait_until


class Bare(NamedTuple):
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def bare(tasks: Tasks | None = None) -> Iterator[Bare]:
    """Runs the process with these tasks while the block runs."""
    port = free_ports()
    with TemporaryDirectory(prefix="plog-bare-") as folder:
        given = Path(folder) / "tasks"
        given.write_bytes(pickle.dumps(tasks or Tasks()))
        process = subprocess.Popen([sys.executable, "-m", "bench._bare", str(port), str(given)], cwd=ROOT)
        try:
            wait_until(lambda: not is_free(port))
            yield Bare(process.pid, port)
        finally:
            process.terminate()
            process.wait()
