"""Controls a running supervisord over its Unix socket. `start.py` starts programs by it, `deploy.py` restarts them."""

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
    """supervisord does not answer, or refuses a call; the message says why."""


class Supervisor:
    """A running supervisord. Programs have the names of its configuration: `nginx`, `site:admin`. Raises Unwilling."""

    def __init__(self, path: Path) -> None:
        transport = SupervisorTransport(None, None, f"unix://{path}")
        self._remote: Any = ServerProxy("http://localhost", transport=transport)

    def start(self, name: str) -> None:
        """Starts a program without waiting for it."""
        with errors_translated():
            self._remote.supervisor.startProcess(name, False)

    def start_group(self, name: str) -> None:
        with errors_translated():
            self._remote.supervisor.startProcessGroup(name, False)

    def stop(self, name: str) -> None:
        """Stops a program and waits until it has ended; supervisord kills it after `stopwaitsecs`.

        It may be stopping already.
        """
        try:
            with errors_translated():
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
        """Returns 0 while the program does not run."""
        with errors_translated():
            return int(self._remote.supervisor.getProcessInfo(name)["pid"])

    def is_running(self, name: str) -> bool:
        """Whether it has been up for as long as its `startsecs`."""
        with errors_translated():
            return bool(self._remote.supervisor.getProcessInfo(name)["statename"] == "RUNNING")


@contextmanager
def errors_translated() -> Iterator[None]:
    """Turns every error of a call into Unwilling."""
    try:
        yield
    except Fault as error:
        raise Unwilling(f"supervisord says {error.faultString}.") from error
    except (OSError, HTTPException, Error) as error:
        raise Unwilling(f"supervisord does not answer ({error}).") from error
