"""Which network an address belongs to, as far as limits care: a /24, or a /48 where one home has a whole /64 or more."""

import re
from ipaddress import ip_address

LIKE_ADDRESS = re.compile(
    r"(?<![\w.:])(?:[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}|\d{1,3})(?:(?:\.\d{1,3}){3})?(?!\w|\.\d)", re.IGNORECASE
)
LOOPBACK = ("127.0.0.1", "::1")


def network_of(address: str) -> str:
    """`203.0.113.7` → `203.0.113.0/24`; an address of version 4 that came wrapped in version 6 counts as the former."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    ip = getattr(ip, "ipv4_mapped", None) or ip
    bits = 24 if ip.version == 4 else 48
    rest = ip.max_prefixlen - bits
    return f"{type(ip)(int(ip) >> rest << rest)}/{bits}"


def without_addresses(text: str) -> str:
    """A text with each address in it replaced by its network; those of this machine stay."""
    return LIKE_ADDRESS.sub(lambda found: _as_network(found[0]), text)


def _as_network(text: str) -> str:
    """A colon at the end may be the sentence's, as in `from 2001:db8::7: …`."""
    for address in (text, text.removesuffix(":")):
        if address not in LOOPBACK and (network := network_of(address)):
            return network + text[len(address) :]
    return text
