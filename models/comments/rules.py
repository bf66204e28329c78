"""Who may comment what: small, named, pure checks in one order. The first that objects decides, and its name is stored.

Each takes an `Attempt` and the `Facts` that were gathered for it, and returns a `Verdict` or None. An absent field
never counts against anyone. Refusing checks apply under every SITE_MODERATION; holding ones only ask a person to look.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lib.text import cleaned, cleaned_line
from models.comments.comment import LONGEST_NAME, LONGEST_TEXT, Author
from models.errors import Invalid, NotAllowed, TooMany

MOST_LINKS = 2
MOST_PER_VISITOR = 5  # a minute
MOST_PREVIEWS = 60  # a minute, per network
MOST_PER_NETWORK = 20  # a minute
LINK = re.compile(r"(?:https?://|\bwww\.)([^\s/?#<>\"'`)\]]+)", re.IGNORECASE)
FAR_TOO_LONG = 2 * LONGEST_TEXT  # is refused anyway, so nobody takes the trouble to clean it
LONG_ENOUGH_TO_REPEAT = 20  # characters: many people say "Thank you!"


@dataclass(frozen=True)
class Attempt:
    """What somebody sent. `trap` is a field that people do not see and programs fill in."""

    text: str
    name: str = ""
    email: str = ""
    trap: str = ""

    @classmethod
    def cleaned(cls, text: str, name: str = "", email: str = "", trap: str = "") -> "Attempt":
        """An attempt as it came from outside, made fit to be judged and kept."""
        name, email = (cleaned_line(field[:FAR_TOO_LONG]) for field in (name, email))
        return cls(cleaned(text) if len(text) <= FAR_TOO_LONG else text, name, email, trap)


@dataclass(frozen=True)
class Facts:
    """What must be known to judge it, gathered beforehand so that judging needs no server."""

    is_open: bool = True
    own_host: str = ""
    is_repeated: bool = False
    wait: int = 0  # seconds until this visitor or network may write again
    substrings: tuple[str, ...] = ()
    is_trusted: bool = False  # staff
    has_approved: bool = False  # another comment of theirs is published


@dataclass(frozen=True)
class Verdict:
    """`outcome` is invalid, closed, too-many or held; `problems` are for invalid, by field."""

    outcome: str
    check: str
    problems: tuple[tuple[str, str], ...] = ()
    wait: int = 0


Check = Callable[[Attempt, Facts], Verdict | None]


def length(attempt: Attempt, facts: Facts | None = None) -> Verdict | None:
    problems = []
    if not attempt.text.strip():
        problems.append(("text", "Please write something first."))
    if len(attempt.text) > LONGEST_TEXT:
        problems.append(
            ("text", f"A comment has at most {LONGEST_TEXT:,} characters; this one has {len(attempt.text):,}.")
        )
    if len(attempt.name) > LONGEST_NAME:
        problems.append(("name", f"A name has at most {LONGEST_NAME} characters."))
    if attempt.email and not _could_be_email(attempt.email):
        problems.append(("email", "This does not look like an e-mail address. You may leave it out."))
    return Verdict("invalid", "length", tuple(problems)) if problems else None


def closed(attempt: Attempt, facts: Facts) -> Verdict | None:
    return None if facts.is_open else Verdict("closed", "closed")


def honeypot(attempt: Attempt, facts: Facts) -> Verdict | None:
    return Verdict("held", "honeypot") if attempt.trap else None


def repeated(attempt: Attempt, facts: Facts) -> Verdict | None:
    """The same words elsewhere on the site, or here again: somebody pastes."""
    is_long = len(attempt.text.strip()) >= LONG_ENOUGH_TO_REPEAT
    return Verdict("held", "repeated") if facts.is_repeated and is_long else None


def rate(attempt: Attempt, facts: Facts) -> Verdict | None:
    return Verdict("too-many", "rate", wait=facts.wait) if facts.wait else None


def links(attempt: Attempt, facts: Facts) -> Verdict | None:
    foreign = [host for host in LINK.findall(attempt.text) if host.casefold() != facts.own_host.casefold()]
    return Verdict("held", "links") if len(foreign) > MOST_LINKS else None


def substrings(attempt: Attempt, facts: Facts) -> Verdict | None:
    """Words that the maker has seen too often, in the text or the name, in any case."""
    words = f"{attempt.name}\n{attempt.text}".casefold()
    return Verdict("held", "substrings") if any(bad.casefold() in words for bad in facts.substrings if bad) else None


def first(attempt: Attempt, facts: Facts) -> Verdict | None:
    return None if facts.has_approved else Verdict("held", "first")


def all_held(attempt: Attempt, facts: Facts) -> Verdict | None:
    return Verdict("held", "all")


REFUSING: tuple[Check, ...] = (length, closed, rate)
LOOKING_BACK = frozenset((repeated, substrings, first))
CHECKS: dict[str, tuple[Check, ...]] = {
    "first": (length, closed, honeypot, repeated, rate, links, substrings, first),
    "all": (length, closed, honeypot, repeated, rate, links, substrings, all_held),
    "none": REFUSING,
}


def judge(attempt: Attempt, facts: Facts, moderation: str) -> Verdict | None:
    """What the first refusing check says, else the first holding one; None where nobody objects.

    A comment that will be held for one reason must still be refused for another, so refusals go first. Staff are only
    ever refused.
    """
    checks = _checks(facts, moderation)
    verdicts = [verdict for check in checks if (verdict := check(attempt, facts)) is not None]
    return next((v for v in verdicts if v.outcome != "held"), next(iter(verdicts), None))


def looks_back(facts: Facts, moderation: str) -> bool:
    """Whether any check looks at earlier comments: only then are these facts gathered."""
    return not LOOKING_BACK.isdisjoint(_checks(facts, moderation))


def limits_of(author: Author, what: str) -> dict[str, int]:
    """The rate limits that apply to an author, by key: attempts a minute. None for staff."""
    if author.is_staff:
        return {}
    most = {f"{what}:visitor:{key}": MOST_PER_VISITOR for key in author.keys}
    return most | {f"{what}:network:{author.network}": MOST_PER_NETWORK}


def refuse(verdict: Verdict | None) -> None:
    """Raises the error that a refusing verdict stands for. A held comment is no error."""
    if verdict is None or verdict.outcome == "held":
        return
    if verdict.outcome == "closed":
        raise NotAllowed("closed", "Comments are closed here.")
    if verdict.outcome == "too-many":
        raise TooMany(verdict.wait)
    raise Invalid(dict(verdict.problems))


def _checks(facts: Facts, moderation: str) -> tuple[Check, ...]:
    return REFUSING if facts.is_trusted else CHECKS[moderation]


def _could_be_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return len(text) <= 254 and bool(local and domain) and not any(c.isspace() for c in text)
