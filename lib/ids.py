"""Ids of documents: short, random, and safe in addresses, attributes and file names."""

import re
import secrets

ALPHABET = "0123456789abcdefghijklmnopqrstuv"
LENGTH = 12  # 60 bits
_ID = re.compile(rf"[0-9a-v]{{{LENGTH}}}")


def new_id() -> str:
    """Returns a new id, such as `4kq0b3m9vt2e`."""
    bits = secrets.randbits(5 * LENGTH)
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(LENGTH))


def is_id(value: object) -> bool:
    """Whether a value from outside has the form of an id: a string of exactly that length and alphabet."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None
