"""A battle on its replay page: how each question went, and the score as a chart."""

from tornado.escape import xhtml_escape
from tornado.web import UIModule

from models.battles import Record
from models.battles.turn import Outcome

WIDTH, HEIGHT, STEP = 300, 100, 30  # of the picture's own units
WORDS = {
    "right": "right",
    "wrong": "wrong",
    "beaten": "wrong, and beaten to it",
    "slow": "too slow",
    "none": "no answer in time",
}


class OutcomeCell(UIModule):
    """What a player did at a question, in words: `“Rome” right, 2.5 s · 3 points`."""

    def render(self, outcome: Outcome) -> str:
        typed = f"“{xhtml_escape(outcome.typed)}” " if outcome.typed else ""
        seconds = f", {outcome.seconds:.1f} s" if outcome.seconds is not None else ""
        points = f" · <b>{outcome.points}</b>" if outcome.points else ""
        return f'<span class="{outcome.outcome}">{typed}{WORDS[outcome.outcome]}{seconds}{points}</span>'


class ScoreChart(UIModule):
    """Both scores after each question. The table on the page has the same numbers."""

    def render(self, record: Record, names: tuple[str, str], own: int) -> str:
        scores = record.running_scores
        most = max(1, *map(max, scores))
        lines = "".join(
            f'<polyline class="{"own" if seat == own else "other"}" points="{_points(scores, seat, most)}"/>'
            for seat in (1 - own, own)
        )
        said = f"{names[own]} {scores[-1][own]}, {names[1 - own]} {scores[-1][1 - own]}"
        box = f'viewBox="0 -4 {max(1, len(scores) - 1) * STEP} {HEIGHT + 8}" preserveAspectRatio="none"'
        title = f'<title id="score-title">The score after each question: {xhtml_escape(said)}</title>'
        return f'<svg class="scores" role="img" aria-labelledby="score-title" {box}>{title}{lines}</svg>'


def _points(scores: list[tuple[int, int]], seat: int, most: int) -> str:
    return " ".join(f"{place * STEP},{HEIGHT - score[seat] * HEIGHT / most:.1f}" for place, score in enumerate(scores))
