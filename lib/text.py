"""Text from outside, made fit to be kept: what cannot be shown or stored is gone, nothing else changes."""

import re
import unicodedata

# Controls other than tab and newline, lone surrogates, and the marks that turn the direction of a whole page around.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def cleaned(text: str) -> str:
    """Several lines of text: one kind of line end, composed letters, no controls, nothing around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNFIT.sub("", text)).strip()


def cleaned_line(text: str) -> str:
    """One line of text, such as a name: all white space is single spaces."""
    return " ".join(cleaned(text).split())
