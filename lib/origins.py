"""Whether a request comes from one of this site's own pages: the one place that decides it.

Forms and scripts (handlers/base.py) and every live handshake (lib/sockjs) ask here, so that pages need no tokens and may
be the same for everybody. A program that is no browser sends neither header and passes: it has no visitor's cookies to
abuse. https://web.dev/articles/fetch-metadata
"""

from collections.abc import Mapping

OWN_SITES = ("same-origin", "none")  # `same-site` is a neighbour's subdomain: a stranger


def is_own(headers: Mapping[str, str], own_origin: str, host: str) -> bool:
    """Whether these request headers may act for a visitor. `own_origin` is like `https://example.com`, `host` as asked."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = headers.get("Origin")
    return origin is None or _is_same(origin.lower(), own_origin.lower(), host.lower())


def _is_same(origin: str, own_origin: str, host: str) -> bool:
    scheme, _, origin_host = origin.partition("://")
    return origin == own_origin or (scheme in ("http", "https") and origin_host == host != "")
