"""Brings the whole of Plog up in the foreground, and takes it down again: what `bin/run` becomes after set-up.

In order: end what a killed start left, render the configuration of nginx and supervisor, start supervisord with MongoDB
and Redis, do the chores of a start, then start the site's processes, and nginx last. Supervisor keeps them alive; this
process only waits to be told to stop. Everything it says goes to standard error, but for the one line that it is up.
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
LEAST_ROOM = 10_000_000  # bytes of the disk; with less, a first start ends in tracebacks of supervisord and mongod


def main() -> None:
    end_when_asked(0)
    if os.getuid() == 0:
        print("Plog was started by root, and all of it runs as root: make a user for Plog.", file=sys.stderr)
    try:
        run(Settings.from_environment(os.environ))
    except (BadSetting, Refused, Unwilling, programs.Unavailable, OSError) as error:
        sys.exit(f"Plog does not start: {error}")


def run(settings: Settings) -> None:
    """Everything, from the first check to the last process's end."""
    check_paths(settings.data)
    is_first_start = not (settings.data / "log").exists()
    if is_first_start:
        check_room(settings.data)
    servers.prepare(settings.data)
    say_who_may_enter(settings.data)
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
                time.sleep(1)  # not wait(), which a signal in the moment before it would not end
            watch_what_is_left(supervisor)


def wanted_demo(settings: Settings) -> Path:
    """There from the first start on until the demo site is complete: a first start that was killed is made up for."""
    return run_folder(settings) / "demo-wanted"


def check_paths(data: Path) -> None:
    if path := find_unwritable(ROOT, data):
        raise Refused(f"the path {str(path)!r} has one of the characters {UNWRITABLE!r}.")


def check_room(data: Path) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (free := shutil.disk_usage(data).free) < LEAST_ROOM:
        raise Refused(f"there are only {free:,} bytes left on the disk of {data}.")


def say_who_may_enter(data: Path) -> None:
    """Older versions made it for everybody. Its rights are not changed here: it may be a folder of the system."""
    if data.stat().st_mode & 0o077:
        print(f"Other users of this machine may enter the data folder; Plog does not need that: chmod 700 {data}",
              file=sys.stderr)  # fmt: skip


@contextmanager
def only_start_on(data: Path) -> Iterator[None]:
    """Keeps a second start away from the same data folder for as long as this one lives, however it ends."""
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
                reason = f"port {port} on {address} is not to be had ({os.strerror(error.errno or 0)})"
                raise Refused(f"{reason}. Plog takes SITE_PORT and the four ports after it.") from None


@contextmanager
def supervisord(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Supervisor in a session of its own while the block runs; afterwards, nothing of that session."""
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
    """From a bare supervisord to a site that answers: servers, chores, processes, nginx."""
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


def watch_what_is_left(supervisor: subprocess.Popen[bytes]) -> NoReturn:
    """A supervisord that was killed takes nobody along: the site goes on until somebody stops this process."""
    if processes.session(supervisor.pid):
        print("supervisord is gone. The site goes on, unwatched, until Plog is started again.", file=sys.stderr)
    while processes.session(supervisor.pid):
        time.sleep(1)
    sys.exit("Plog has stopped: supervisord ended.")


if __name__ == "__main__":
    main()
