"""Whether a request comes from one of this site's own pages: the one place that decides it.

Forms and scripts (handlers/base.py) and every live handshake (lib/sockjs) ask here, so that pages need no tokens and may
be the same for everybody. A program that is no browser sends neither header and passes: it has no visitor's cookies to
abuse. https://web.dev/articles/fetch-metadata
"""

from collections.abc import Mapping

WEB = {"ws": "http", "wss": "https"}  # some WebSocket clients send the address that they connect to as their Origin
OWN_SITES = ("same-origin", "none")  # `same-site` is a neighbour's subdomain: a stranger


def is_own(headers: Mapping[str, str], own_origin: str, host: str) -> bool:
    """Whether these request headers may act for a visitor. `own_origin` is like `https://example.com`, `host` as asked."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = headers.get("Origin")
    return origin is None or _is_same(origin.lower(), own_origin.lower(), host.lower())


def _is_same(origin: str, own_origin: str, host: str) -> bool:
    scheme, separator, origin_host = origin.partition("://")
    scheme = WEB.get(scheme, scheme)
    origin = scheme + separator + origin_host
    return origin == own_origin or (scheme in ("http", "https") and origin_host == host != "")
