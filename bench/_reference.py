"""The bare Tornado process that figures are compared with, for as long as a block runs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.running import ROOT, free_ports, is_free, wait_until


class Bare(NamedTuple):
    pid: int
    port: int


@contextmanager
def bare() -> Iterator[Bare]:
    port = free_ports()
    process = subprocess.Popen([sys.executable, "-m", "bench._bare", str(port)], cwd=ROOT)
    try:
        wait_until(lambda: not is_free(port))
        yield Bare(process.pid, port)
    finally:
        process.terminate()
        process.wait()
