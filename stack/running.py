"""The site that runs on a data folder: where it is recorded, how a deploy finds it, and the settings that it runs with."""

import os
from pathlib import Path

from settings import Settings, socket_folder
from stack import ROOT, processes, programs
from stack.commands import Refused


def run_folder(settings: Settings) -> Path:
    return settings.data / "run"


def record(settings: Settings) -> Path:
    """Who leads all processes of a start: stack/processes.py."""
    return run_folder(settings) / "session.json"


def deploy_from(settings: Settings) -> Path:
    """Names the commit that a deploy began with, until one is complete or all was started again."""
    return run_folder(settings) / "deploy-from"


def supervisor_socket(settings: Settings) -> Path:
    return socket_folder(settings.data) / "supervisor.sock"


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
    adopt(leader.environment())
    return Settings.from_environment(os.environ), leader.pid


def check_nothing_runs(settings: Settings) -> None:
    """Neither without its supervisord, nor from this checkout on another data folder, which somebody forgot to name."""
    if processes.left_behind(record(settings), ROOT, settings.data):
        raise Refused("supervisord is gone, so nothing can be renewed one by one: start Plog again.")
    for process in processes.running():
        data = process.environment().get("SITE_DATA") if process.folder == ROOT else None
        if data and processes.recorded_leader(Path(data) / "run" / "session.json") == process:
            raise Refused(f"Plog runs here on {data}, and not on {settings.data}: SITE_DATA={data} bin/deploy")


def adopt(environment: dict[str, str]) -> None:
    """Does all that follows with the settings of the site that runs, and with what decided where it found its servers."""
    for name in [name for name in os.environ if is_adopted(name)]:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if is_adopted(name)})


def is_adopted(name: str) -> bool:
    return name.startswith("SITE_") or name in programs.FOUND_BY
