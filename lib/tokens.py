"""Proofs that need no storage: a keyed hash of what they allow, and random secrets kept only as their hash, or in a file."""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

# Where tokens stand in addresses: behind these, as in `/signin/<token>`, and in these fields of a query. Logs leave them out.
TOKEN_PLACES = ("signin", "unsubscribe", "quiz/challenges")
TOKEN_FIELDS = ("preview", "token")
IN_ADDRESS = re.compile(rf"(?i)(/(?:{'|'.join(TOKEN_PLACES)})/|[?&](?:{'|'.join(TOKEN_FIELDS)})=)[\w.~%-]+(?<!\.)")


class Tokens:
    """Makes and checks tokens under one secret. The purpose is part of the token, so that none serves two ends."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def made(self, purpose: str, *subject: str) -> str:
        """The token that allows a purpose for a subject: 43 characters, the same for the same words."""
        words = "\n".join((purpose, *subject)).encode()
        return hmac.new(self._key, words, hashlib.sha256).hexdigest()[:43]

    def is_made(self, token: object, purpose: str, *subject: str) -> bool:
        """Whether a token from outside allows this purpose for this subject."""
        made = self.made(purpose, *subject)
        return isinstance(token, str) and token.isascii() and hmac.compare_digest(token, made)


def new_token() -> str:
    """A random token of 256 bits, safe in addresses."""
    return secrets.token_urlsafe(32)


def kept_token(file: Path) -> str:
    """The token that a file keeps for this user alone, made with the file; of several processes the first to link its own wins.

    Its folder is made for this user alone, too. Empty where the file is.
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
    """A text that may name addresses of the site, `...` in place of the tokens in them."""
    return IN_ADDRESS.sub(r"\1...", text)


def digest(*parts: str) -> str:
    """What to keep instead of a text: its SHA-256 in hexadecimal, parts kept apart."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
