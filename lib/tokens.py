"""Tokens: signed ones (an HMAC of what they allow, not stored), and random ones (stored hashed, or in a file)."""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

# Where addresses contain tokens: after these paths, as in `/signin/<token>`, and in these query fields. Logs mask them.
TOKEN_PLACES = ("signin", "unsubscribe", "quiz/challenges")
TOKEN_FIELDS = ("preview", "token")

_SLASH, _DOT = "(?:/|%2f)", r"(?:\.|%2e)"


def _any_spelling(word: str) -> str:
    """Returns a pattern for a word with any of its letters percent-encoded.

    Of `a/b` only the `b` is required, because in `/a/x/../b` it does not follow the `a`.
    """
    *before, last = ("".join(f"(?:{a}|%{ord(a):x}|%{ord(a.upper()):x})" for a in part) for part in word.split("/"))
    return "".join(f"(?:{part}{_SLASH}++)?" for part in before) + last


# Patterns for Python and nginx, to be matched without regard to case, in linear time for any address. They match what
# decodes and resolves to these paths: such an address leads nowhere, but its token stays valid.
_PLACES = "|".join(map(_any_spelling, TOKEN_PLACES))
TOKEN_FIELD = f"(?:{'|'.join(map(_any_spelling, TOKEN_FIELDS))})="
BEFORE_TOKEN = rf"(?:[^?\s]*{_DOT})?{_SLASH}++(?:{_PLACES}){_SLASH}++"  # from the start of an address
IN_ADDRESS = re.compile(rf"(?i)({_SLASH}(?:{_PLACES}){_SLASH}|[?&]{TOKEN_FIELD})[^\s?&'\"<>]+(?<![.,:;)\]])")


class Tokens:
    """Makes and checks signed tokens under one secret. A token is valid for one purpose only."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def made(self, purpose: str, *subject: str) -> str:
        """Returns the token that allows a purpose for a subject: 43 characters, equal for equal arguments."""
        words = "\n".join((purpose, *subject)).encode()
        return hmac.new(self._key, words, hashlib.sha256).hexdigest()[:43]

    def is_made(self, token: object, purpose: str, *subject: str) -> bool:
        """Whether a token from outside allows this purpose for this subject."""
        made = self.made(purpose, *subject)
        return isinstance(token, str) and token.isascii() and hmac.compare_digest(token, made)


def new_token() -> str:
    """Returns a random token of 256 bits, safe in addresses."""
    return secrets.token_urlsafe(32)


def stored_token(file: Path) -> str:
    """Returns the token stored in a file, creating both if needed; empty if the file is empty.

    File and folder are created readable by this user only. If several processes create it at once, the first link wins.
    Raises OSError.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mine = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            with open(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
                new.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(mine, file)
        finally:
            mine.unlink(missing_ok=True)
    return file.read_text().strip()


def without_tokens(text: str) -> str:
    """Returns a text with `...` in place of all tokens in addresses of the site."""
    return IN_ADDRESS.sub(r"\1...", text)


def digest(*parts: str) -> str:
    """Returns the SHA-256 in hexadecimal of texts, to be stored instead of them. Parts are separated by NUL."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
