"""Plog on one data folder, as `stack.py` starts it and `deploy.py` renews it: where it is recorded, who answers, its chores."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lib import processes, servers
from settings import Settings

ROOT = Path(__file__).resolve().parent
START_SECONDS = 60
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # listening there, nginx is reached here


class Refused(Exception):
    """Something cannot be done here and now; the message says why."""


def run_folder(settings: Settings) -> Path:
    return settings.data / "run"


def record(settings: Settings) -> Path:
    """Who leads all processes of a start: lib/processes.py."""
    return run_folder(settings) / "session.json"


def deploy_from(settings: Settings) -> Path:
    """Names the commit that a deploy began with, until one is complete or all was started again."""
    return run_folder(settings) / "deploy-from"


def supervisor_socket(settings: Settings) -> Path:
    return servers.socket_folder(settings.data) / "supervisor.sock"


def site_that_runs(settings: Settings) -> tuple[Settings, int]:
    """The settings of the site that runs, which its processes go on with, and who leads it; these and 0 if none does."""
    if settings.data.exists() and settings.data.stat().st_uid != os.getuid():
        raise Refused(f"{settings.data} is another user's: deploy as who runs Plog.")
    leader = processes.recorded_leader(record(settings))
    if leader is None:
        check_nothing_runs(settings)
        return settings, 0
    if leader.folder != ROOT:
        raise Refused(f"what runs on {settings.data} runs from {leader.folder}: deploy there.")
    adopt(processes.environment(leader.pid))
    return Settings.from_environment(os.environ), leader.pid


def check_nothing_runs(settings: Settings) -> None:
    """Neither without its supervisord, nor from this checkout on another data folder, which somebody forgot to name."""
    if processes.left_behind(record(settings), ROOT, settings.data):
        raise Refused("supervisord is gone, so nothing can be renewed one by one: start Plog again.")
    for process in processes.running():
        data = processes.environment(process.pid).get("SITE_DATA") if process.folder == ROOT else None
        if data and processes.recorded_leader(Path(data) / "run" / "session.json") == process:
            raise Refused(f"Plog runs here on {data}, and not on {settings.data}: SITE_DATA={data} bin/deploy")


def adopt(environment: dict[str, str]) -> None:
    """Do all that follows with the settings of the site that runs, and with what decided where it found its servers."""
    for name in [name for name in os.environ if is_adopted(name)]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if is_adopted(name)})


def is_adopted(name: str) -> bool:
    return name.startswith("SITE_") or name in servers.FOUND_BY


def end_when_asked(code: int | str) -> None:
    """From now on end with this where a signal says so, and what is open is closed; `nohup` still means to go on."""
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: sys.exit(code))


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


def wait_until(
    who: str, is_up: Callable[[], bool], seconds: float = START_SECONDS, is_alive: Callable[[], bool] = lambda: True
) -> None:
    """Return when somebody is up. Refused when they are not in time, or have ended instead."""
    end = time.monotonic() + seconds
    while not is_up():
        if not is_alive():
            raise Refused(f"{who} ended instead of answering; see the logs in SITE_DATA/log.")
        if time.monotonic() > end:
            raise Refused(f"{who} does not answer after {seconds:g} s; see the logs in SITE_DATA/log.")
        time.sleep(0.03)
