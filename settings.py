"""What a maker may choose: one frozen dataclass, read from `SITE_*` variables in the environment.

The entry points read it once and hand it on; nothing else looks at the environment. A name that is unknown or a value
that makes no sense stops the start with the name in the message: a typo must never be a silent default.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from lib import servers

MODERATIONS = ("first", "all", "none")
DRIVERS = ("motor", "pymongo")
FALSE = ("", "0", "no", "off", "false")


class BadSetting(Exception):
    """A `SITE_*` variable that is unknown or malformed; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Every setting under its plain name: `SITE_PORT` is `port`. See docs/operations.md for what each one means."""

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
        """The settings that these variables describe. Makes and keeps a secret in the data folder where none is given."""
        given = _given(environ)
        port = _port(given.get("PORT", "8000"))
        data = Path(given.get("DATA", "var")).absolute()
        return cls(
            title=given.get("TITLE", "Plog"),
            url=_url(given.get("URL", f"http://127.0.0.1:{port}")),
            listen=_address(given.get("LISTEN", "127.0.0.1")),
            port=port,
            proxies=_networks(given.get("PROXIES", "")),
            data=data,
            secret=_secret(given.get("SECRET", ""), data),
            mongo_url=given.get("MONGO_URL") or servers.mongo_url(data),
            mongo_driver=_one_of("MONGO_DRIVER", given.get("MONGO_DRIVER", "motor"), DRIVERS),
            redis_url=given.get("REDIS_URL") or servers.redis_url(data),
            search_url=given.get("SEARCH_URL", ""),
            smtp_url=given.get("SMTP_URL", ""),
            sender=given.get("FROM", ""),
            staff=tuple(address.strip().lower() for address in given.get("STAFF", "").split(",") if address.strip()),
            moderation=_one_of("MODERATION", given.get("MODERATION", "first"), MODERATIONS),
            language=given.get("LANGUAGE", "en"),
            demo=given.get("DEMO", "1").lower() not in FALSE,
        )

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def is_mongo_embedded(self) -> bool:
        return self.mongo_url == servers.mongo_url(self.data)

    @property
    def is_redis_embedded(self) -> bool:
        return self.redis_url == servers.redis_url(self.data)


NAMES = tuple("SITE_" + {"sender": "FROM"}.get(f.name, f.name.upper()) for f in fields(Settings))


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    given = {}
    for name, value in environ.items():
        if not name.startswith("SITE_"):
            continue
        plain = name.removesuffix("_FILE") if name not in NAMES else name
        if plain not in NAMES:
            raise BadSetting(f"{name} is no setting of Plog; the settings are {', '.join(NAMES)}.")
        if plain != name:
            if plain in environ:
                raise BadSetting(f"Give either {plain} or {name}, not both.")
            value = _content(name, value)
        given[plain.removeprefix("SITE_")] = value.strip()
    return given


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{name} names a file that cannot be read: {error}") from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65531:
        raise BadSetting(f"SITE_PORT must be a number from 1024 to 65531 (Plog takes the next four too), not {text!r}.")
    return int(text)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadSetting(f"SITE_URL must be like https://example.com, without a path, not {text!r}.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


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


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise BadSetting(f"SITE_{name} must be one of {', '.join(allowed)}, not {text!r}.")
    return text


def _secret(text: str, data: Path) -> str:
    """The given secret, or the one kept in the data folder; the first of several processes to link its own wins."""
    if text:
        return text
    kept = data / "secret"
    if not kept.exists():
        data.mkdir(parents=True, exist_ok=True)
        mine = data / f"secret.{os.getpid()}.{secrets.token_hex(4)}"
        with open(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(mine, kept)
        except FileExistsError:
            pass
        mine.unlink()
    return kept.read_text()
