"""The complete stack as a maker runs it, started by `bin/run` in a process of its own."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from settings import socket_folder
from stack import processes

ROOT = Path(__file__).parent.parent
PORTS = 5


class Answer(NamedTuple):
    code: int
    headers: http.client.HTTPMessage
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


class Running:
    """`bin/run` on its own data folder and five ports. Call `start` and `stop`; `remove` at the end."""

    def __init__(self, data: Path | None = None, port: int | None = None, root: Path = ROOT, **settings: str) -> None:
        self.root = root
        self.folder = Path(tempfile.mkdtemp(prefix="plog-stack-"))
        self.data = data or self.folder / "var"
        self.port = port or free_ports()
        self.settings = settings
        self.process: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.complaints = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = 90) -> float:
        """Starts the stack. Returns the seconds until it was up; raises AssertionError with its output if it failed."""
        began = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SITE_")}
        environment |= {"SITE_DATA": str(self.data), "SITE_PORT": str(self.port), **self.settings}
        with open(self.folder / "complaints", "w") as complaints:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack.start"],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        giving_up = threading.Timer(seconds, self.process.terminate)
        giving_up.start()
        assert self.process.stdout
        self.said = [self.process.stdout.readline()]
        giving_up.cancel()
        if not self.said[0]:
            self.stop()
        self.complaints = (self.folder / "complaints").read_text()
        assert self.process, f"the stack did not come up: {self.complaints}"
        return time.monotonic() - began

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal to stop. Returns the exit code."""
        assert self.process and self.process.stdout
        self.process.send_signal(number)  # does nothing if the process has ended
        self.said += self.process.stdout.read().splitlines()
        self.process.stdout.close()
        code = self.process.wait(30)
        self.process = None
        return code

    def kill(self) -> None:
        """Kills only `stack.start`, with `kill -9`."""
        assert self.process and self.process.stdout
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def remove(self) -> None:
        """Kills all remaining processes and deletes all files."""
        if self.process:
            self.stop()
        processes.end(
            lambda: processes.left_behind(self.data / "run" / "session.json", self.root, self.data), patience=5
        )
        shutil.rmtree(socket_folder(self.data), ignore_errors=True)  # outside of a deep data folder
        shutil.rmtree(self.folder)

    def commands(self) -> dict[int, str]:
        """The command lines of all its processes, by pid."""
        recorded = json.loads((self.data / "run" / "session.json").read_text())
        return {process.pid: command_line(process.pid) for process in processes.session(recorded["pid"])}

    def pid_of(self, part: str) -> int:
        """The oldest process with this in its command line; 0 if there is none."""
        return next((pid for pid, command in self.commands().items() if part in command), 0)

    def is_up(self, path: str = "/status") -> bool:
        try:
            return self.get(path).code == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def ask(
        self, method: str, path: str, *, body: bytes | str = b"", headers: dict[str, str] | None = None, port: int = 0
    ) -> Answer:
        """Sends one request over a new connection. Header names may have _ for -. Redirects are not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        try:
            names = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
            connection.request(method, path, body or None, names)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            connection.close()


def wait_until(is_so: Callable[[], Any], seconds: float = 15) -> float:
    """Waits until a condition is true. Returns the seconds it took; raises AssertionError at the timeout."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"not so within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def command_line(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def free_ports() -> int:
    """The first of five consecutive free ports."""
    while True:
        first = random.randrange(20000, 32000)
        if all(map(is_free, range(first, first + PORTS))):
            return first


def is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
