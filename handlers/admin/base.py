"""The parent of all admin handlers: every method is for staff, and nothing is ever cached."""

from handlers.addresses import find_fixed, words_of
from handlers.base import BaseHandler, public
from models.errors import NotFound


class StaffHandler(BaseHandler):
    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")


class AdminElsewhereHandler(BaseHandler):
    """Other spellings of the admin's addresses. `fixed` are those without a variable part: routes.py hands them in."""

    def initialize(self, fixed: frozenset[str]) -> None:
        self.fixed = fixed

    @public
    async def get(self, *_: str) -> None:
        path = find_fixed(words_of(self.request.path), self.fixed)
        if path is None or path == self.request.path:
            raise NotFound()
        self.move_to(path)

    post = put = delete = patch = get
