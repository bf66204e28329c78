"""What a request sent: a form or JSON, read alike. Values may be anything until a method here has checked them."""

import re
from functools import cached_property
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from lib import json
from models.errors import Invalid


def wants_json(request: HTTPServerRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


class Form:
    """The fields of a request's body."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._request = request

    @cached_property
    def _json(self) -> dict[str, Any] | None:
        """What was sent as JSON; None for a form."""
        if not self._request.headers.get("Content-Type", "").startswith("application/json"):
            return None
        try:
            sent = json.loads(self._request.body)
        except ValueError as error:
            raise Invalid({"body": "This is not JSON."}) from error
        return sent if isinstance(sent, dict) else {}

    def last(self, name: str) -> Any:
        """A field as it was sent, the last one if a form has it twice; None if it is absent."""
        if self._json is not None:
            return self._json.get(name)
        return next(iter(self._sent(name)[-1:]), None)

    def text(self, name: str) -> str:
        """A field that must be text; empty if it is absent. Invalid if it is anything else."""
        value = self.last(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Invalid({name: "This must be text."})
        return value

    def all(self, name: str) -> list[Any]:
        """All values of a field that may come several times."""
        if self._json is None:
            return [*self._sent(name)]
        value = self._json.get(name, [])
        return value if isinstance(value, list) else [value]

    def texts(self) -> dict[str, str]:
        """All fields that are text."""
        if self._json is None:
            return {name: self.text(name) for name in self._request.body_arguments}
        return {name: value for name, value in self._json.items() if isinstance(value, str)}

    def _sent(self, name: str) -> list[str]:
        try:
            return [value.decode() for value in self._request.body_arguments.get(name, [])]
        except UnicodeDecodeError:
            raise HTTPError(400) from None


def number_in_query(request: HTTPServerRequest, name: str, default: int, least: int, most: int) -> int:
    """Invalid if it is no number, or out of range."""
    text = request.query_arguments.get(name, [str(default).encode()])[-1].decode("utf-8", "replace")
    if not re.fullmatch("[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise Invalid({name: f"This must be a number from {least} to {most}."})
    return int(text)
