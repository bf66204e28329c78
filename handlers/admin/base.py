"""The parent of all admin handlers: every method is for staff, and nothing is ever cached."""

from handlers.base import BaseHandler, public
from models.errors import NotFound

FOLDERS = ("/admin", "/admin/comments")


class StaffHandler(BaseHandler):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")


class AdminElsewhereHandler(BaseHandler):
    """Whatever the admin process does not know, and its folders without their final slash."""

    @public
    async def get(self, *_: str) -> None:
        if self.request.path in FOLDERS:
            self.move_to(self.request.path + "/")
        raise NotFound()

    post = put = delete = patch = get
