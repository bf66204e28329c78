"""Addresses that people put into posts and comments: which may be linked, and which are this site's own.

Browsers read addresses more generously than parsers do (`/\\evil.example` and `/<tab>/evil.example` leave the site), so
what is unclear is refused.
"""

import re
from urllib.parse import SplitResult, urlsplit

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_LOCAL = re.compile(r"/(?!/)[^\s\\\x00-\x1f]*")


def usable(value: str) -> str | None:
    """An address as it may be linked: http, https, mailto, or relative to this site; None for any other."""
    value = re.sub(r"[\x00-\x1f]", "", value).strip().replace(" ", "%20")
    if value.startswith("//"):
        value = f"https:{value}"
    if not value or "\\" in value:
        return None
    if not _SCHEME.match(value) or value[:7].lower() == "mailto:":
        return value
    return value if is_remote(value) else None


def is_remote(value: str) -> bool:
    """Whether it is http or https and names a host."""
    return value.lower().startswith(("http://", "https://")) and host_of(value) != ""


def is_local(value: str) -> bool:
    """Whether it names a file of this site from its root."""
    return _LOCAL.fullmatch(value) is not None


def host_of(value: str) -> str:
    """The host's name in an absolute address; empty where there is none."""
    parts = _split(value)
    return parts.hostname or "" if parts else ""


def is_on(value: str, host: str) -> bool:
    """Whether an address leads to this host, given with or without its port; relative ones do."""
    parts = _split(value)
    if parts is None or (parts.scheme and not parts.netloc):
        return False
    return not parts.netloc or host.lower() in (parts.hostname, parts.netloc.lower())


def _split(value: str) -> SplitResult | None:
    try:
        return urlsplit(value)
    except ValueError:
        return None
