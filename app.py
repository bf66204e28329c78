"""One web process of the site: `app.py --port=8001`, or `app.py --port=8004 --admin` for the admin, which may block.

It listens on 127.0.0.1 only, behind nginx, holds no state, and may be killed at any time. On SIGTERM it refuses new
connections, tells live clients to reconnect, and lets requests finish within five seconds.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from functools import cache
from pathlib import Path

from tornado.options import define, options, parse_command_line
from tornado.template import Loader

from handlers.application import Plog
from handlers.base import NotFoundHandler
from handlers.live import Live
from handlers.routes import LIVE, admin_routes, public_routes
from lib.assets import find_bundles
from lib.cores import keep_to_one_core
from lib.logs import mask_logs
from lib.networks import without_addresses
from lib.serving import LeavingServer
from lib.tokens import without_tokens
from models.site import Site
from settings import BadSetting, Settings
from ui_modules import battles, comments, dates, posts, static, stats

ROOT = Path(__file__).parent
LARGEST_BODY = 1024 * 1024
LARGEST_UPLOAD = 25 * 1024 * 1024
PATIENCE = 5.0  # seconds for requests to finish and connections to close

logger = logging.getLogger(__name__)


def application(site: Site, is_admin: bool = False) -> Plog:
    """Returns the web application of one process. The site must be open."""
    live = None if is_admin else Live(site, LIVE)
    app = Plog(
        site,
        live,
        default_handler_class=NotFoundHandler,
        template_path=str(ROOT / "templates"),
        template_loader=load_templates(ROOT / "templates"),
        static_path=str(ROOT / "static"),
        ui_modules=[battles, comments, dates, posts, static, stats],
        cookie_secret=site.settings.secret,
        compress_response=False,  # nginx does it
        bundles=find_bundles(site.settings.data / "bundles", ROOT / "static", ROOT / "templates"),
    )
    app.add_handlers(
        ".*", public_routes(live) if live else admin_routes()
    )  # before Tornado's own routes for static files
    return app


@cache
def load_templates(folder: Path) -> Loader:
    """Loads all templates at once: a deploy changes the files while processes of the version before still run."""
    loader = Loader(str(folder))
    for path in folder.rglob("*.html"):
        loader.load(path.relative_to(folder).as_posix())
    return loader


async def serve(settings: Settings, port: int, is_admin: bool) -> None:
    """Serves until SIGTERM or SIGINT, then shuts down gracefully."""
    if not is_admin and settings.mongo_driver == "motor":  # first of all: threads that already run are not pinned
        keep_to_one_core(port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    site = await Site.open(settings, comments.comment_json)
    app = application(site, is_admin)
    if app.live:
        await app.live.start()
        site.lobby.start()
    largest = LARGEST_UPLOAD if is_admin else LARGEST_BODY
    server = LeavingServer(app, xheaders=True, trusted_downstream=["127.0.0.1"], max_buffer_size=largest)
    server.listen(port, "127.0.0.1", reuse_port=False)
    gc.freeze()  # objects created until now stay: collecting over all of them blocks for 25 ms, again and again
    logger.info("serving on port %d as %s", port, site.tools.process)
    await stop.wait()
    await shut_down(app, server)
    await site.close()


async def shut_down(app: Plog, server: LeavingServer) -> None:
    """Refuses new connections, tells live clients to reconnect, and waits for requests, `PATIENCE` seconds at most."""
    try:
        async with asyncio.timeout(PATIENCE):
            await server.turn_away()
            await restart_live(app)
            while app.under_way or not server.is_empty:
                await asyncio.sleep(0.02)
                await restart_live(app)  # again, for clients that were still connecting
    except TimeoutError:
        logger.warning("some requests did not finish, or some connections did not end, in time")


async def restart_live(app: Plog) -> None:
    if app.live:
        await app.live.restart()


def main() -> None:
    define("port", type=int, default=8001, help="where to listen on 127.0.0.1")
    define("admin", type=bool, default=False, help="serve the admin, which may block")
    parse_command_line()
    mask_logs(logging.getLogger(), without_addresses, without_tokens)
    try:
        settings = Settings.from_environment(os.environ)
    except BadSetting as error:
        sys.exit(str(error))
    asyncio.run(serve(settings, options.port, options.admin))


if __name__ == "__main__":
    main()
