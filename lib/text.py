"""Text from outside, made fit to be kept: what cannot be shown or stored is gone, nothing else changes."""

import re
import unicodedata

MOST_MARKS = 30  # on one letter: https://unicode.org/reports/tr15/#Stream_Safe_Text_Format

# Controls other than tab and newline, lone surrogates, and the marks that turn the direction of a whole page around.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")


def cleaned(text: str) -> str:
    """Several lines of text: one kind of line end, composed letters, no controls, nothing around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _stream_safe(_UNFIT.sub("", text))).strip()


def cleaned_line(text: str) -> str:
    """One line of text, such as a name: all white space is single spaces."""
    return " ".join(cleaned(text).split())


def _stream_safe(text: str) -> str:
    """The text with no more marks in a row than any language has: composing takes the square of their number."""
    if text.isascii():
        return text
    kept, run = [], 0
    for letter in text:
        run = run + 1 if unicodedata.combining(letter) else 0
        if run <= MOST_MARKS:
            kept.append(letter)
    return "".join(kept)
