"""The question itself: frozen and pure. What counts as its answer is decided here and nowhere else."""

from dataclasses import dataclass

from lib.spelling import folded, is_one_edit_away

FEWEST_LETTERS = 4  # of a form that may be misspelt


@dataclass(frozen=True)
class Question:
    """`alternatives` are the four choices, in the order in which they are shown; the answer is one of them.

    `accepted` are other forms of the answer. `picture` is the id of a picture that belongs to the question.
    """

    id: str
    text: str
    answer: str
    alternatives: tuple[str, ...]
    genre: str
    accepted: tuple[str, ...] = ()
    may_be_misspelt: bool = False
    picture: str | None = None
    explanation: str = ""
    source: str = ""

    def is_answered_by(self, text: str) -> bool:
        """Whether a text is the answer: in any case, with or without accents.

        One typing mistake is forgiven where the question allows it, in forms of four letters or more.
        """
        typed = folded(text)
        forms = [folded(form) for form in (self.answer, *self.accepted)]
        if typed in forms or not self.may_be_misspelt:
            return typed in forms
        return any(is_one_edit_away(typed, form) for form in forms if sum(map(str.isalpha, form)) >= FEWEST_LETTERS)
