"""Starts the whole stack in the foreground, and stops it again. `bin/run` execs this after set-up.

In order: ends what a killed start left, renders the configuration of nginx and supervisor, starts supervisord with
MongoDB and Redis, runs the chores of a start, then starts the site's processes, and nginx last. Supervisor restarts
what dies; this process only waits for the signal to stop. All messages go to standard error, except the line `Plog is
at …`.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from settings import BadSetting, Settings, mongo_socket, redis_socket
from stack import ROOT, processes, programs, servers
from stack.commands import SIGNALS, Refused, do_chore, end_when_asked
from stack.configuration import SUPERVISOR, UNWRITABLE, find_unwritable, process_ports, render
from stack.health import is_serving, status, wait_until
from stack.running import deploy_from, record, run_folder, supervisor_socket
from stack.supervision import Supervisor, Unwilling

STOP_SECONDS = 8
LEAST_ROOM = 10_000_000  # bytes of free disk; with less, supervisord and mongod end a first start with tracebacks


def main() -> None:
    end_when_asked(0)
    if os.getuid() == 0:
        print("Plog was started by root, and all of it runs as root: make a user for Plog.", file=sys.stderr)
    try:
        run(Settings.from_environment(os.environ))
    except (BadSetting, Refused, Unwilling, programs.Unavailable, OSError) as error:
        sys.exit(f"Plog does not start: {error}")


def run(settings: Settings) -> None:
    """Runs the stack, from the first check to the end of the last process."""
    check_paths(settings.data)
    is_first_start = not (settings.data / "log").exists()
    if is_first_start:
        check_disk_space(settings.data)
    servers.prepare(settings.data)
    warn_if_others_may_enter(settings.data)
    with only_start_on(settings.data):
        if is_first_start and settings.demo:
            wanted_demo(settings).touch()
        processes.end(lambda: processes.left_behind(record(settings), ROOT, settings.data), STOP_SECONDS)
        check_ports(settings)
        render(settings, programs.find_nginx(), run_folder(settings))
        with supervisord(settings) as supervisor:
            start_site(settings)
            deploy_from(settings).unlink(missing_ok=True)
            print(f"Plog is at {settings.url}/", flush=True)
            while supervisor.poll() is None:
                time.sleep(1)  # not wait(), which a signal just before it would not interrupt
            outlive(supervisor)


def wanted_demo(settings: Settings) -> Path:
    """Returns a file that exists until the demo site is complete, even if the first start was killed."""
    return run_folder(settings) / "demo-wanted"


def check_paths(data: Path) -> None:
    if path := find_unwritable(ROOT, data):
        raise Refused(f"the path {str(path)!r} contains one of the characters {UNWRITABLE!r}.")


def check_disk_space(data: Path) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (free := shutil.disk_usage(data).free) < LEAST_ROOM:
        raise Refused(f"there are only {free:,} bytes left on the disk of {data}.")


def warn_if_others_may_enter(data: Path) -> None:
    """Older versions made it with mode 0755. The mode is not changed here: it may be a folder of the system."""
    if data.stat().st_mode & 0o077:
        print(f"Other users of this machine may enter the data folder, which Plog does not need: chmod 700 {data}",
              file=sys.stderr)  # fmt: skip


@contextmanager
def only_start_on(data: Path) -> Iterator[None]:
    """Locks the data folder against a second start until this process ends. Raises Refused if it is locked."""
    with open(data / "run" / "stack.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Refused(f"it already runs on {data} (process {lock.read()}).") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_ports(settings: Settings) -> None:
    wanted = [(settings.listen, settings.port), *(("127.0.0.1", port) for port in process_ports(settings))]
    for address, port in wanted:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((address, port))
                attempt.listen()
            except OSError as error:
                reason = f"port {port} on {address} cannot be used ({os.strerror(error.errno or 0)})"
                raise Refused(f"{reason}. Plog uses SITE_PORT and the four ports after it.") from None


@contextmanager
def supervisord(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Runs supervisord in a session of its own while the block runs, then ends every process of that session."""
    program = Path(sys.executable).with_name("supervisord")
    command = [sys.executable, str(program), "-c", str(run_folder(settings) / SUPERVISOR)]
    supervisor_socket(settings).unlink(missing_ok=True)
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        processes.record(record(settings), process.pid)
        servers.wait_until_answering(supervisor_socket(settings), lambda: process.poll() is None)
        yield process
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        end = time.monotonic() + STOP_SECONDS
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        processes.end(lambda: processes.session(process.pid), patience=end - time.monotonic())


def start_site(settings: Settings) -> None:
    """Starts servers, chores, processes and nginx; returns once the site answers."""
    supervisor = Supervisor(supervisor_socket(settings))
    with servers.alone(settings.data):
        start_servers(settings, supervisor)
    do_chore("indexes")
    do_chore("forget")  # settings or sources may have changed
    if wanted_demo(settings).exists():
        do_chore("demo")
        wanted_demo(settings).unlink()
    supervisor.start_group("site")
    for port in process_ports(settings):
        wait_until(f"The process on port {port}", partial(is_serving, port))
    supervisor.start("nginx")
    wait_until("nginx", lambda: status(settings.listen, settings.port) is not None)


def start_servers(settings: Settings, supervisor: Supervisor) -> None:
    sockets = {}
    if settings.is_mongo_embedded:
        sockets["mongod"] = mongo_socket(settings.data)
    if settings.is_redis_embedded:
        sockets["redis"] = redis_socket(settings.data)
    for name in sockets:
        supervisor.start(name)
    for path in sockets.values():
        servers.wait_until_answering(path)


def outlive(supervisor: subprocess.Popen[bytes]) -> NoReturn:
    """Waits until the processes of a killed supervisord have ended: it leaves them running. Then exits with 1."""
    if processes.session(supervisor.pid):
        print(
            "supervisord has ended. The site goes on, but restarts nothing until Plog is started again.",
            file=sys.stderr,
        )
    while processes.session(supervisor.pid):
        time.sleep(1)
    sys.exit("Plog has stopped: supervisord ended.")


if __name__ == "__main__":
    main()
