"""The embedded MongoDB and Redis: how they are started, and whether they answer.

`start.py` hands their command lines to supervisor; `embedded` runs them for a command or a test where no stack does. Both
listen on Unix sockets in the data folder alone. Nothing here knows how to talk to them.
"""

import ctypes
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
from stack.programs import Unavailable, find_mongod, find_redis_server

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def mongod_command(data: Path) -> list[str]:
    """No TCP and no socket in /tmp, a small cache, and no diagnostics of its own: it shares the machine with everything."""
    command = [find_mongod(), "--dbpath", str(data / "mongo"), "--bind_ip", str(mongo_socket(data)), "--nounixsocket"]
    command += ["--wiredTigerCacheSizeGB", "0.25", "--networkMessageCompressors", "disabled"]
    return command + ["--setParameter", "diagnosticDataCollectionEnabled=false"]


def redis_command(data: Path) -> list[str]:
    """No TCP; every write goes to the append-only file, so that a killed Redis loses nothing."""
    command = [find_redis_server(), "--port", "0", "--unixsocket", str(redis_socket(data)), "--unixsocketperm", "700"]
    return command + ["--dir", str(data / "redis"), "--appendonly", "yes", "--save", "", "--daemonize", "no"]


def prepare(data: Path) -> None:
    """Make the folders that the servers need, private to this user."""
    for name in ("", "mongo", "redis", "log", "run"):
        (data / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    sockets = socket_folder(data)
    sockets.mkdir(mode=0o700, exist_ok=True)
    status = sockets.lstat()
    if sockets.is_symlink() or status.st_uid != os.getuid():
        raise Unavailable(f"{sockets} is not this user's own folder; sockets are not safe there.")
    sockets.chmod(0o700)


def answers(path: Path) -> bool:
    """Whether a server accepts connections on this Unix socket; a stale one refuses them.

    Redis listens before it has read its file, and may yet end over that: it must also answer, if only that it is loading.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        if connection.connect_ex(str(path)) != 0:
            return False
        return path.name != "redis.sock" or _is_heard(connection)


@contextmanager
def embedded(data: Path, *, mongo: bool = True, redis: bool = True) -> Iterator[None]:
    """MongoDB and Redis on the sockets of `data` while the block runs: those that answer already, else our own.

    Chores share: whoever started the servers stops them only when no other chore uses them any more.
    """
    wanted = [mongo_socket(data)] * mongo + [redis_socket(data)] * redis
    prepare(data)
    with open(_lock(data), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        if all(answers(path) for path in wanted):
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = [_started(data, path) for path in wanted if not answers(path)]
        fcntl.flock(lock, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for process in reversed(started):
                _stop(process)


@contextmanager
def alone(data: Path, patience: float = STOP_SECONDS) -> Iterator[None]:
    """Keeps chores from starting servers while the stack starts its own; Unavailable while a chore runs some."""
    with open(_lock(data), "w") as lock:
        if not _within(patience, lambda: _is_locked(lock)):
            raise Unavailable(f"A chore (bin/site) or a test is using {data}; start again when it is done.")
        for path in (mongo_socket(data), redis_socket(data)):
            if not _within(patience, partial(_is_silent, path)):
                raise Unavailable(f"A server that this start knows nothing of answers on {path}; stop it first.")
        yield


def wait_until_answering(path: Path, is_alive: Callable[[], bool] = lambda: True) -> None:
    """Return when a server accepts connections; Unavailable when it died or takes too long."""
    _within(START_SECONDS, lambda: answers(path) or not is_alive())
    if not answers(path):
        raise Unavailable(f"Nothing answers on {path}; its log is in the folder log of the data folder.")


def _is_heard(redis: socket.socket) -> bool:
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


def _started(data: Path, path: Path) -> subprocess.Popen[bytes]:
    """A server of our own; in its session, so that Ctrl-C leaves it to us, and ended by the kernel if we are killed."""
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
