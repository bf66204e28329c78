"""JSON for live frames and API bodies: the only importer of ujson, with safe options."""

from typing import Any

import ujson


def dumps(value: Any) -> str:
    """Returns compact JSON that is also safe inside HTML (`<`, `>` and `&` are escaped). Raises ValueError for NaN."""
    return ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False, encode_html_chars=True, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """Returns the value that a JSON text describes. Raises ValueError if it is not JSON."""
    try:
        return ujson.loads(text)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON") from error
