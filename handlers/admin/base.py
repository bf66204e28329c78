"""The parent of all admin handlers: nothing here is ever kept, and every method is for staff."""

from handlers.base import BaseHandler


class StaffHandler(BaseHandler):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
