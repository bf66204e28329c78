"""The account itself: frozen and pure. Every author is an account id for ever, anonymous at first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from lib.spelling import folded
from lib.text import cleaned_line
from models.errors import Conflict, Invalid

SHORTEST_NAME, LONGEST_NAME = 2, 20
LINK_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=90)
SESSIONS_CHANNEL = "sessions"
SPENT = "This link has been used or is older than 15 minutes. Please ask for a new one."


@dataclass(frozen=True)
class Account:
    """Somebody. Without `email` it is an anonymous visitor, with one a member."""

    id: str
    name: str = ""
    email: str | None = None
    is_staff: bool = False
    merged_into: str | None = None

    @property
    def is_member(self) -> bool:
        return self.email is not None


def cleaned_player_name(name: str, reserved: Iterable[str]) -> str:
    """The name as others see it in the quiz. Invalid if it is too short or long, or looks like one of the reserved
    ones.
    """
    name = cleaned_line(name)
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise Invalid({"name": f"A name has {SHORTEST_NAME} to {LONGEST_NAME} characters."})
    if name_key(name) in map(name_key, reserved):
        raise Conflict("name-taken", "This name looks like that of the site or of its staff.")
    return name


def name_key(name: str) -> str:
    """What two names share that look alike: no case, accents, white space or punctuation."""
    return "".join(letter for letter in folded(name) if letter.isalnum())


def cleaned_email(email: str) -> str:
    """The address as it is stored. Invalid if it cannot be one; whether it is real, only a letter finds out."""
    email = email.strip().lower()
    local, _, domain = email.rpartition("@")
    if not local or "." not in domain or any(c.isspace() or ord(c) < 32 for c in email) or len(email) > 254:
        raise Invalid({"email": f"{email[:100]!r} is not an e-mail address."})
    return email
