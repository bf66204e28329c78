"""JSON for live frames and API bodies: the one door to ujson, with the options that make it safe and plain."""

from typing import Any

import ujson


def dumps(value: Any) -> str:
    """A value as compact JSON text that may also stand inside HTML (`<`, `>` and `&` are escaped)."""
    return ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False, encode_html_chars=True, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """The value that a JSON text describes; ValueError where it is none."""
    try:
        return ujson.loads(text)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON") from error
