"""Whether this process can serve, for monitoring. nginx shows it only to the machine itself."""

import os

from handlers.base import BaseHandler, public
from models.accounts import SESSIONS_CHANNEL
from models.pages import CHANNEL


class StatusHandler(BaseHandler):
    @public
    async def get(self) -> None:
        """Health of this process and of each server behind it; 503 where pages cannot be made."""
        servers = await self.site.tools.health()
        can_serve = servers["mongo"]["up"]
        self.set_header("Cache-Control", "no-store")
        health = {"ok": can_serve, "process": self.site.tools.process, "pid": os.getpid(), "servers": servers}
        self.json({**health, "live": self.site.tools.channels.is_connected}, 200 if can_serve else 503)


class MetricsHandler(BaseHandler):
    @public
    async def get(self) -> None:
        """The same for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/"""
        servers = await self.site.tools.health()
        lines = ["# TYPE plog_server_up gauge"]
        lines += [f'plog_server_up{{server="{name}"}} {int(bool(server["up"]))}' for name, server in servers.items()]
        followers = self.site.tools.channels.followers(CHANNEL, SESSIONS_CHANNEL)
        lines += ["# TYPE plog_live_connections gauge", f"plog_live_connections {followers}"]
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish("\n".join(lines) + "\n")
