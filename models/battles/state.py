"""A battle as its players and spectators may see it: never the answer of an open question."""

from typing import Any

from models.battles.battle import Battle


def state_of(battle: Battle, now: int) -> dict[str, Any]:
    """STATE of docs/interface.md at `now`, in the server's milliseconds."""
    question = battle.question
    return {
        "version": battle.version,
        "rules": battle.rules.id,
        "players": [_player(battle, seat) for seat in (0, 1)],
        "number": battle.number,
        "of": len(battle.questions),
        "phase": battle.phase,
        "question": {"text": question.text, "genre": question.genre} if question else None,
        "opens_at": battle.opens_at,
        "closes_at": battle.closes_at,
        "now": now,
        "attempts": [turn.public for turn in battle.turns],
        "closed": _closed(battle),
        "winner": battle.winner,
        "ended": battle.ended,
        "replay": f"/quiz/battles/{battle.id}" if battle.is_over else None,
    }


def _player(battle: Battle, seat: int) -> dict[str, Any]:
    player = battle.players[seat]
    shown = {"name": player.name, "score": battle.scores[seat], "here": battle.gone[seat] is None, "kind": player.kind}
    return shown if player.of is None else {**shown, "of": player.of}


def _closed(battle: Battle) -> dict[str, Any] | None:
    """The answer of the newest question and how it went, once it is closed."""
    question = battle.question
    if question is None or len(battle.outcomes) < battle.number:
        return None
    outcomes = [
        {"outcome": one.outcome, "points": one.points, "seconds": one.seconds, "typed": one.typed}
        for one in battle.outcomes[-1]
    ]
    words = {"answer": question.answer, "explanation": question.explanation, "source": question.source}
    return {**words, "outcomes": outcomes}
