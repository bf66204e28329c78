"""One process of the site: `app.py --port=8001`, or `app.py --port=8004 --admin` for the one that may block.

It listens on 127.0.0.1 alone (nginx is the door), holds no state, and may be killed at any line. On SIGTERM it refuses
new connections, tells live clients to reconnect, and lets requests finish within five seconds.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.options import define, options, parse_command_line
from tornado.web import Application

from handlers.base import NotFoundHandler
from handlers.live import live_endpoint, restart
from handlers.routes import admin_routes, public_routes
from models.site import Site
from settings import BadSetting, Settings
from ui_modules import comments, dates, posts, static

ROOT = Path(__file__).parent
LARGEST_BODY = 1024 * 1024
LARGEST_UPLOAD = 25 * 1024 * 1024
PATIENCE = 5.0  # seconds for requests to finish in

logger = logging.getLogger(__name__)


def application(site: Site, is_admin: bool = False) -> Application:
    """The web application of one process over a site that is open."""
    live = None if is_admin else live_endpoint(site)
    app = Application(
        default_handler_class=NotFoundHandler,
        template_path=str(ROOT / "templates"),
        static_path=str(ROOT / "static"),
        ui_modules=[comments, dates, posts, static],
        cookie_secret=site.settings.secret,
        compress_response=False,  # nginx does it
        log_function=note,
    )
    app.add_handlers(".*", public_routes(live) if live else admin_routes())  # ahead of Tornado's own for static files
    app.site, app.live = site, live  # type: ignore[attr-defined]
    return app


def note(handler: object) -> None:
    """No line for each request: nginx keeps that log."""


async def serve(settings: Settings, port: int, is_admin: bool) -> None:
    """Serve until SIGTERM or SIGINT, then stop gently."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    site = await Site.open(settings, comments.comment_html)
    app = application(site, is_admin)
    largest = LARGEST_UPLOAD if is_admin else LARGEST_BODY
    server = HTTPServer(app, xheaders=True, trusted_downstream=["127.0.0.1"], max_buffer_size=largest)
    server.listen(port, "127.0.0.1", reuse_port=False)
    logger.info("serving on port %d as %s", port, site.name)
    await stop.wait()
    await stopped(app, server)
    await site.close()


async def stopped(app: Application, server: HTTPServer) -> None:
    """No new connections, everybody told, and what is under way finished, within bounds."""
    server.stop()
    if app.live:  # type: ignore[attr-defined]
        await restart(app.live)  # type: ignore[attr-defined]
    try:
        await asyncio.wait_for(server.close_all_connections(), PATIENCE)
    except TimeoutError:
        logger.warning("some requests did not finish in time")


def main() -> None:
    define("port", type=int, default=8001, help="where to listen on 127.0.0.1")
    define("admin", type=bool, default=False, help="serve the admin, which may block")
    parse_command_line()
    try:
        settings = Settings.from_environment(os.environ)
    except BadSetting as error:
        sys.exit(str(error))
    asyncio.run(serve(settings, options.port, options.admin))


if __name__ == "__main__":
    main()
