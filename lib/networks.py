"""Which network an address belongs to, as far as limits care: a /24, or a /48 where one home has a whole /64 or more."""

from ipaddress import ip_address


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
