"""Errors as clients get them: the only translation of what models raise into a status and a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado.web import HTTPError

from models.errors import AWAY, Conflict, Invalid, NotAllowed, NotFound, SiteError, TooMany

STATUSES: dict[type[SiteError], int] = {NotFound: 404, NotAllowed: 403, Conflict: 409, Invalid: 422, TooMany: 429}
SENTENCES = {
    400: "Your browser sent a request that this site cannot read.",
    404: "There is no such page.",
    405: "This address does not accept this kind of request.",
    413: "This request is too large.",
}
RETRY_AFTER = 5  # seconds


@dataclass(frozen=True)
class Problem:
    """A status, a code for programs, a sentence for people; `problems` by field, `wait` in seconds."""

    status: int
    code: str
    message: str
    problems: Mapping[str, str] | None = None
    wait: int | None = None

    def as_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"error": self.code, "message": self.message}
        return answer | ({"problems": dict(self.problems)} if self.problems else {})


def problem_of(error: BaseException) -> Problem:
    if isinstance(error, SiteError):
        problems = error.problems if isinstance(error, Invalid) else None
        wait = error.wait if isinstance(error, TooMany) else None
        return Problem(STATUSES[type(error)], error.code, error.message, problems, wait)
    if isinstance(error, AWAY):
        message = "Something behind this site is being restarted. Please try again."
        return Problem(503, "away", message, wait=RETRY_AFTER)
    return problem_with(error.status_code if isinstance(error, HTTPError) else 500)


def problem_with(status: int) -> Problem:
    """The problem of an error of which only the status is known."""
    sentence = SENTENCES.get(status, "Something went wrong, and the error was logged. Please try again.")
    return Problem(status, "error", sentence)
