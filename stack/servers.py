"""Starts the embedded MongoDB and Redis, and asks whether they answer.

`start.py` gives their command lines to supervisor; `embedded` runs them for a command or a test while no stack does.
Both listen only on Unix sockets of the data folder. Nothing here speaks their protocols, but for a PING.
"""

import ctypes
import errno
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from settings import mongo_socket, redis_socket, socket_folder
from stack import processes
from stack.programs import Unavailable, find_mongod, find_redis_server

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def mongod_command(data: Path) -> list[str]:
    """No TCP, no socket in /tmp; a small cache and no diagnostics, since it shares the machine."""
    command = [find_mongod(), "--dbpath", str(data / "mongo"), "--bind_ip", str(mongo_socket(data)), "--nounixsocket"]
    command += ["--wiredTigerCacheSizeGB", "0.25", "--networkMessageCompressors", "disabled"]
    return command + ["--setParameter", "diagnosticDataCollectionEnabled=false"]


def redis_command(data: Path) -> list[str]:
    """No TCP. Every write goes to the append-only file, so that a killed Redis loses nothing."""
    command = [find_redis_server(), "--port", "0", "--unixsocket", str(redis_socket(data)), "--unixsocketperm", "700"]
    return command + ["--dir", str(data / "redis"), "--appendonly", "yes", "--save", "", "--daemonize", "no"]


def prepare(data: Path) -> None:
    """Makes the folders that the servers need, private to this user. Raises Unavailable if the socket folder is not."""
    for name in ("", "mongo", "redis", "log", "run"):
        (data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    sockets = socket_folder(data)
    sockets.mkdir(mode=0o700, exist_ok=True)
    status = sockets.lstat()
    if sockets.is_symlink() or status.st_uid != os.getuid():
        raise Unavailable(f"{sockets} belongs to another user; sockets are not safe there.")
    sockets.chmod(0o700)


def answers(path: Path) -> bool:
    """Whether a server accepts connections on this Unix socket; a stale socket refuses them.

    Redis listens before it has read its file, and exits if that is broken: it must also answer a PING, even if only
    that it is loading.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        if connection.connect_ex(str(path)) != 0:
            return False
        return path.name != "redis.sock" or _answers_ping(connection)


@contextmanager
def embedded(data: Path, *, mongo: bool = True, redis: bool = True, patience: float = STOP_SECONDS) -> Iterator[None]:
    """Provides MongoDB and Redis on the sockets of `data` while the block runs; starts those that nobody provides.

    Chores share the servers: the one that started them stops them once no other chore uses them. A server of the
    running site may hang, or be about to be restarted: it is awaited, and after `patience` seconds (and the 5 s that
    each question takes to a server that hangs) the block runs without it. A second server would write into the same files, and leave the site without a socket.
    """
    wanted = [mongo_socket(data)] * mongo + [redis_socket(data)] * redis
    prepare(data)
    with open(_lock(data), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        silent = [path for path in wanted if not answers(path)]
        if silent and _are_provided(data, silent):
            fcntl.flock(lock, fcntl.LOCK_UN)  # a start may be waiting for it, to start these very servers
            _within(patience, lambda: all(answers(path) for path in silent))
            fcntl.flock(lock, fcntl.LOCK_SH)
            silent = []
        if not silent:
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        silent = [path for path in wanted if not answers(path)]
        started = [] if _are_provided(data, silent) else [_start(data, path) for path in silent]
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for process in reversed(started):
                _stop(process)


@contextmanager
def alone(data: Path, patience: float = STOP_SECONDS) -> Iterator[None]:
    """Keeps chores from starting servers while the stack starts its own. Raises Unavailable if a chore still runs."""
    with open(_lock(data), "w") as lock:
        if not _within(patience, lambda: _is_locked(lock)):
            raise Unavailable(f"A chore (bin/site) or a test is using {data}; start again when it is done.")
        for path in (mongo_socket(data), redis_socket(data)):
            if not _within(patience, partial(_is_silent, path)):
                raise Unavailable(f"Another server already answers on {path}; stop it first.")
        yield


def wait_until_answering(path: Path, is_alive: Callable[[], bool] = lambda: True) -> None:
    """Waits until a server answers. Raises Unavailable if it died or takes longer than START_SECONDS."""
    _within(START_SECONDS, lambda: answers(path) or not is_alive())
    if not answers(path):
        raise Unavailable(f"Nothing answers on {path}; its log is in the folder log of the data folder.")


def _are_provided(data: Path, silent: list[Path]) -> bool:
    """Whether supervisord runs these servers, or one of them accepts connections although it does not answer."""
    return processes.recorded_leader(processes.record_of(data)) is not None or any(map(_accepts, silent))


def _accepts(path: Path) -> bool:
    """Whether somebody listens on this socket, even with a full queue of connections."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        return connection.connect_ex(str(path)) not in (errno.ENOENT, errno.ECONNREFUSED)


def _answers_ping(redis: socket.socket) -> bool:
    try:
        redis.sendall(b"PING\r\n")
        return bool(redis.recv(1))
    except OSError:
        return False


def _is_silent(path: Path) -> bool:
    return not answers(path)


def _lock(data: Path) -> Path:
    return data / "run" / "servers.lock"


def _is_locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(data: Path, path: Path) -> subprocess.Popen[bytes]:
    """Starts a server and waits for it.

    In its own session, so that Ctrl-C does not reach it; the kernel ends it if we are killed.
    """
    command = mongod_command(data) if path == mongo_socket(data) else redis_command(data)
    libc = ctypes.CDLL(None)
    with open(data / "log" / f"{path.stem}.log", "ab") as log:
        process = subprocess.Popen(
            command,
            cwd=data,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 (one system call)
        )
    try:
        wait_until_answering(path, is_alive=lambda: process.poll() is None)
    except BaseException:
        _stop(process)
        raise
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _within(seconds: float, is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < end:
        time.sleep(0.02)
    return so
