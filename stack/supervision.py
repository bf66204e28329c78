"""supervisord, asked over its Unix socket. `start.py` has it start what it knows, `deploy.py` renews it one by one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

STOP_SECONDS = 15  # longer than any program's stopwaitsecs


class Unwilling(Exception):
    """supervisord is gone, or does not do what it was asked; the message says why."""


class Supervisor:
    """What supervisord does, by the names that its configuration has: `nginx`, `site:admin`."""

    def __init__(self, path: Path) -> None:
        transport = SupervisorTransport(None, None, f"unix://{path}")
        self._remote: Any = ServerProxy("http://localhost", transport=transport)

    def start(self, name: str) -> None:
        """Start, and do not wait for it."""
        with told():
            self._remote.supervisor.startProcess(name, False)

    def start_group(self, name: str) -> None:
        with told():
            self._remote.supervisor.startProcessGroup(name, False)

    def stop(self, name: str) -> None:
        """Ask it to stop, and return once it has, or was killed over that. It may be stopping already: somebody else asked."""
        try:
            with told():
                self._remote.supervisor.stopProcess(name)
        except Unwilling as error:
            if not (isinstance(error.__cause__, Fault) and error.__cause__.faultCode == Faults.NOT_RUNNING):
                raise
        end = time.monotonic() + STOP_SECONDS
        while self.pid(name):
            if time.monotonic() > end:
                raise Unwilling(f"{name} does not stop.")
            time.sleep(0.03)

    def pid(self, name: str) -> int:
        """0 while it does not run."""
        with told():
            return int(self._remote.supervisor.getProcessInfo(name)["pid"])

    def is_running(self, name: str) -> bool:
        """Whether it has been up for as long as its `startsecs`."""
        with told():
            return bool(self._remote.supervisor.getProcessInfo(name)["statename"] == "RUNNING")


@contextmanager
def told() -> Iterator[None]:
    try:
        yield
    except Fault as error:
        raise Unwilling(f"supervisord says {error.faultString}.") from error
    except (OSError, HTTPException, Error) as error:
        raise Unwilling(f"supervisord does not answer ({error}).") from error
