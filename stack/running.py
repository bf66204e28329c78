"""Finds the site that runs on a data folder, and its settings. `start.py` records it; `deploy.py` looks for it."""

import os
from pathlib import Path

from settings import Settings, socket_folder
from stack import ROOT, processes, programs
from stack.commands import Refused


def run_folder(settings: Settings) -> Path:
    return settings.data / "run"


def record(settings: Settings) -> Path:
    return processes.record_of(settings.data)


def deploy_from(settings: Settings) -> Path:
    """Returns the file with the commit before a deploy. It exists until a deploy is complete, or Plog was restarted."""
    return run_folder(settings) / "deploy-from"


def supervisor_socket(settings: Settings) -> Path:
    return socket_folder(settings.data) / "supervisor.sock"


def site_that_runs(settings: Settings) -> tuple[Settings, int]:
    """Returns the settings and the leader's pid of the running site; the given settings and 0 if none runs.

    Raises Refused if another user or another checkout runs it.
    """
    if settings.data.exists() and settings.data.stat().st_uid != os.getuid():
        raise Refused(f"{settings.data} belongs to another user: deploy as the user who runs Plog.")
    leader = processes.recorded_leader(record(settings))
    if leader is None:
        check_nothing_runs(settings)
        return settings, 0
    if leader.folder != ROOT:
        raise Refused(f"what runs on {settings.data} runs from {leader.folder}: deploy there.")
    adopt(leader.environment())
    return Settings.from_environment(os.environ), leader.pid


def check_nothing_runs(settings: Settings) -> None:
    """Raises Refused if a site runs without its supervisord, or from this checkout on another data folder."""
    if processes.left_behind(record(settings), ROOT, settings.data):
        raise Refused("supervisord has ended, so processes cannot be restarted one by one: start Plog again.")
    for process in processes.running():
        data = process.environment().get("SITE_DATA") if process.folder == ROOT else None
        if data and processes.recorded_leader(processes.record_of(Path(data))) == process:
            raise Refused(f"Plog runs here on {data}, and not on {settings.data}: SITE_DATA={data} bin/deploy")


def adopt(environment: dict[str, str]) -> None:
    """Takes over the SITE_* variables of the running site, and those that decide which programs it uses."""
    for name in [name for name in os.environ if is_adopted(name)]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if is_adopted(name)})


def is_adopted(name: str) -> bool:
    return name.startswith("SITE_") or name in programs.FOUND_BY
