"""Compares what somebody typed with what was expected: case, accents and one typing mistake may not matter.

Everything here takes time linear in the length of the texts.
"""

import unicodedata

from lib.text import composed

# Letters that people type without their stroke or as two, and that Unicode does not decompose; typographic apostrophes.
_PLAIN = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\u0131": "i",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\u2019": "'",
        "\u02bc": "'",
    }
)


def folded(text: str) -> str:
    """The text without case, accents and superfluous white space: equal for texts that read the same."""
    letters = unicodedata.normalize("NFKD", composed(text)).casefold()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(plain.translate(_PLAIN).split())


def is_one_edit_away(one: str, other: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours makes them equal.

    That is a Damerau-Levenshtein distance of exactly 1 (https://doi.org/10.1145/363958.363994).
    """
    short, long = sorted((one, other), key=len)
    start = next((i for i, letter in enumerate(short) if letter != long[i]), len(short))
    rest, longer = short[start:], long[start:]
    if len(rest) != len(longer):
        return rest == longer[1:]
    return bool(rest) and (rest[1:] == longer[1:] or (rest[1::-1] == longer[:2] and rest[2:] == longer[2:]))
