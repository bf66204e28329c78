"""What can go wrong in the site's own terms. Raised where it is known, translated once, in handlers/problems.py.

SiteError
├─ NotFound      there is no such thing, or none that may be seen        404
├─ NotAllowed    it is there, but not for whoever asks                   403
├─ Conflict      somebody else was there first                           409
├─ Invalid       what was sent makes no sense; names the fields          422
└─ TooMany       too much in too short a time; says how long to wait     429

AWAY: what the doors to MongoDB and Redis raise where these do not answer     503. An error of the disk is none of them
"""

from lib import mongo, redis

AWAY = (*mongo.Away, *redis.Away)


class SiteError(Exception):
    """An error with a code for programs and a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotFound(SiteError):
    def __init__(self, message: str = "There is no such page.") -> None:
        super().__init__("not-found", message)


class NotAllowed(SiteError):
    pass


class Conflict(SiteError):
    pass


class Invalid(SiteError):
    """`problems` names each field that is wrong and says why, in the visitor's words."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("invalid", " ".join(problems.values()))
        self.problems = problems


class TooMany(SiteError):
    """`wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__("too-many", f"That was a lot at once. Please try again in {wait} seconds.")
        self.wait = wait
