"""The settings of a site: one frozen dataclass, read from `SITE_*` variables in the environment.

The entry points read them once and pass them on; no other code reads the environment. An unknown name or a malformed
value stops the start with a message that names it, so a typo never becomes a silent default.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import quote, urlsplit

from lib.tokens import stored_token

MODERATIONS = ("first", "all", "none")
DRIVERS = ("motor", "pymongo")
TRUE, FALSE = ("1", "yes", "on", "true"), ("", "0", "no", "off", "false")
SHORTEST_SECRET = 32  # characters; generated secrets have 64
FEWEST_CHARACTERS = 8  # that differ in a secret that somebody chose
SOCKET_LENGTH = 107  # bytes that the kernel allows in a Unix socket's address
LONGEST_NAME = "supervisor.sock.4194304"  # supervisor binds under a name that ends in its pid, then renames
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")  # the subset of BCP 47 that pages use


class BadSetting(Exception):
    """A `SITE_*` variable that is unknown or malformed; the message names it."""


@dataclass(frozen=True)
class Settings:
    """All settings: `SITE_PORT` is `port`, and so on. docs/operations.md explains each of them."""

    title: str
    url: str
    listen: str
    port: int
    proxies: tuple[IPv4Network | IPv6Network, ...]
    data: Path
    secret: str
    mongo_url: str
    mongo_driver: str
    redis_url: str
    search_url: str
    smtp_url: str
    sender: str
    staff: tuple[str, ...]
    moderation: str
    language: str
    demo: bool

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the settings from these variables. Raises BadSetting.

        Without SITE_SECRET it creates a secret and stores it in the data folder.
        """
        given = _given(environ)
        port = _port(given.get("PORT", "8000"))
        data = Path(given.get("DATA") or "var").absolute()
        return cls(
            title=" ".join(given.get("TITLE", "").split()) or "Plog",
            url=_url(given.get("URL", f"http://127.0.0.1:{port}")),
            listen=_address(given.get("LISTEN", "127.0.0.1")),
            port=port,
            proxies=_networks(given.get("PROXIES", "")),
            data=data,
            secret=_secret(given.get("SECRET", ""), data),
            mongo_url=_server("MONGO_URL", given, "mongodb", "mongodb+srv") or mongo_url(data),
            mongo_driver=_one_of("MONGO_DRIVER", given.get("MONGO_DRIVER", "motor"), DRIVERS),
            redis_url=_server("REDIS_URL", given, "redis", "rediss", "unix") or redis_url(data),
            search_url=_server("SEARCH_URL", given, "http", "https"),
            smtp_url=_server("SMTP_URL", given, "smtp", "smtps"),
            sender=given.get("FROM", ""),
            staff=_emails(given.get("STAFF", "")),
            moderation=_one_of("MODERATION", given.get("MODERATION", "first"), MODERATIONS),
            language=_language(given.get("LANGUAGE", "en")),
            demo=_truth("DEMO", given.get("DEMO", "1")),
        )

    def absolute(self, path: str) -> str:
        """Returns the public address of a path of the site."""
        return self.url + path

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def is_mongo_embedded(self) -> bool:
        return self.mongo_url == mongo_url(self.data)

    @property
    def is_redis_embedded(self) -> bool:
        return self.redis_url == redis_url(self.data)


def socket_folder(data: Path) -> Path:
    """Returns the folder of a data folder's sockets: its `run`, or a short one in /tmp if that path is too long."""
    run = data / "run"
    if len(os.fsencode(run / LONGEST_NAME)) <= SOCKET_LENGTH:
        return run
    return Path("/tmp") / f"plog-{sha256(os.fsencode(data)).hexdigest()[:16]}"


def mongo_socket(data: Path) -> Path:
    return socket_folder(data) / "mongo.sock"


def redis_socket(data: Path) -> Path:
    return socket_folder(data) / "redis.sock"


def mongo_url(data: Path) -> str:
    """Returns the address of the embedded MongoDB."""
    return "mongodb://" + quote(str(mongo_socket(data)), safe="")


def redis_url(data: Path) -> str:
    return "unix://" + quote(str(redis_socket(data)))


NAMES = tuple("SITE_" + {"sender": "FROM"}.get(f.name, f.name.upper()) for f in fields(Settings))


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    given = {}
    for name in (name for name in environ if name.startswith("SITE_")):
        plain = name.removesuffix("_FILE") if name not in NAMES else name
        if plain not in NAMES:
            raise BadSetting(f"{name} is no setting of Plog; the settings are {', '.join(NAMES)}.")
        if plain != name and plain in environ:
            raise BadSetting(f"Give either {plain} or {name}, not both.")
        value = environ[name] if plain == name else _content(name, environ[name])
        given[plain.removeprefix("SITE_")] = value.strip()
    return given


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name} names a file that cannot be read: {error}") from error


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1024 <= int(text) <= 65531:
        raise BadSetting(f"SITE_PORT must be a number from 1024 to 65531 (Plog takes the next four too), not {text!r}.")
    return int(text)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_plain = parts.hostname and (parts.port is None or parts.port) and not re.search(r"[@?#\s]", text)
    except ValueError:
        is_plain = False
    if not is_plain or parts.scheme not in ("http", "https") or parts.path.strip("/"):
        raise BadSetting(f"SITE_URL must be like https://example.com, without a path, not {text!r}.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _server(name: str, given: Mapping[str, str], *schemes: str) -> str:
    """Returns the address of a server; empty if none is given. It may contain a password, so no message repeats it."""
    text = given.get(name, "")
    if text and not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        raise BadSetting(f"SITE_{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
    return text


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise BadSetting(f"SITE_LISTEN must be a network address, not {text!r}.") from error


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part) for part in text.replace(",", " ").split())
    except ValueError as error:
        raise BadSetting(f"SITE_PROXIES must be networks such as 10.0.0.0/8, separated by commas: {error}.") from error


def _emails(text: str) -> tuple[str, ...]:
    emails = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for email in emails:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise BadSetting(f"SITE_STAFF must be e-mail addresses, separated by commas; {email!r} is none.")
    return emails


def _language(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise BadSetting(f"SITE_LANGUAGE must be like en or pt-BR, not {text!r}.")
    return text


def _truth(name: str, text: str) -> bool:
    if text.lower() not in (*TRUE, *FALSE):
        raise BadSetting(f"SITE_{name} must be 1 or 0, not {text!r}.")
    return text.lower() in TRUE


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise BadSetting(f"SITE_{name} must be one of {', '.join(allowed)}, not {text!r}.")
    return text


def _secret(text: str, data: Path) -> str:
    """Returns the given secret, or the one stored in the data folder. Anybody who guesses it can sign in as anybody."""
    stored = data / "secret"
    if text and (len(text) < SHORTEST_SECRET or len(set(text)) < FEWEST_CHARACTERS):
        example = "openssl rand -hex 32"
        raise BadSetting(
            f"SITE_SECRET must have at least {SHORTEST_SECRET} characters, of which {FEWEST_CHARACTERS} differ, such as `{example}` prints."
        )
    try:
        secret = text or stored_token(stored)
    except OSError as error:
        reason = f"{stored}: {error.strerror}"
        raise BadSetting(f"SITE_SECRET is not given, and the secret cannot be made or read: {reason}.") from error
    if len(secret) < SHORTEST_SECRET:
        reason = f"{stored} has fewer than {SHORTEST_SECRET} characters"
        raise BadSetting(f"SITE_SECRET is not given, and {reason}: delete that file to have a new one made.")
    return secret
