"""Decides whether a request comes from one of this site's own pages: the protection against cross-site requests.

handlers/base.py asks for every form and script, and handlers/live.py for every live handshake. So pages need no tokens,
and can be cached for everybody. A program that is not a browser sends neither header and is allowed: it has no
visitor's cookies to abuse. https://web.dev/articles/fetch-metadata
"""

from collections.abc import Mapping

WEB = {"ws": "http", "wss": "https"}  # some WebSocket clients send the address that they connect to as Origin
OWN_SITES = ("same-origin", "none")  # not `same-site`: another subdomain may belong to somebody else


def is_own(headers: Mapping[str, str], own_origin: str, host: str) -> bool:
    """Whether a request with these headers may act for a visitor.

    `own_origin` is like `https://example.com`; `host` is the request's Host header.
    """
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
