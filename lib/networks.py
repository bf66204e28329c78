"""The network of an IP address, for rate limits and logs: a /24, or a /48 for IPv6, where a home has a /64 or more."""

import re
from ipaddress import ip_address

LIKE_ADDRESS = re.compile(
    r"(?<![\w.:])(?:[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}|\d{1,3})(?:(?:\.\d{1,3}){3})?(?!\w|\.\d)", re.IGNORECASE
)
LOOPBACK = ("127.0.0.1", "::1")


def network_of(address: str) -> str:
    """`203.0.113.7` → `203.0.113.0/24`. An IPv4-mapped IPv6 address counts as IPv4. Empty if it is no address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    bits = 24 if ip.version == 4 else 48
    rest = ip.max_prefixlen - bits
    return f"{type(ip)(int(ip) >> rest << rest)}/{bits}"


def without_addresses(text: str) -> str:
    """Returns a text with each address replaced by its network, except loopback addresses."""
    return LIKE_ADDRESS.sub(lambda found: _as_network(found[0]), text)


def _as_network(text: str) -> str:
    """Replaces one address. A final colon may belong to the sentence, as in `from 2001:db8::7: …`."""
    for address in (text, text.removesuffix(":")):
        if address not in LOOPBACK and (network := network_of(address)):
            return network + text[len(address) :]
    return text
