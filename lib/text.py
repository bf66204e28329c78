"""Text from outside, made fit to be stored: removes what cannot be shown or stored, and changes nothing else.

Everything here takes time linear in the length of the text.
"""

import html
import re
import unicodedata

MOST_MARKS = 30  # on one letter: https://unicode.org/reports/tr15/#Stream_Safe_Text_Format

# Controls other than tab and newline, lone surrogates, and the marks that turn the direction of a whole page around.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
_ENDLESS_NUMBER = re.compile(r"&#[0-9]{20,};?")


def cleaned(text: str) -> str:
    """Several lines of text: one kind of line end, composed letters, no controls, nothing around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return composed(_UNFIT.sub("", text)).strip()


def cleaned_line(text: str) -> str:
    """One line of text, such as a name: all white space is single spaces."""
    return " ".join(cleaned(text).split())


def composed(text: str) -> str:
    """Letters and their marks as one character each (NFC)."""
    return unicodedata.normalize("NFC", _stream_safe(text))


def unescaped(text: str) -> str:
    """Text with its character references replaced, as `html.unescape` does, which raises for thousands of digits."""
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text))


def _stream_safe(text: str) -> str:
    """Drops marks beyond as many in a row as any language has: normalising takes the square of their number."""
    if text.isascii():
        return text
    kept, run = [], 0
    for letter in text:
        run = run + 1 if unicodedata.combining(letter) else 0
        if run <= MOST_MARKS:
            kept.append(letter)
    return "".join(kept)
