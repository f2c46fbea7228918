"""Pop-ups: rank what fits, say why, show proof, learn from feedback."""

from __future__ import annotations

from typing import Any

from engine.cel import CelError
from engine.core.env import Data, Env
from engine.core.program import Expression, Popup, Proof
from engine.core.turn import Turn

PRIOR_SUM, PRIOR_COUNT = 1.0, 2.0
PRIOR = PRIOR_SUM / PRIOR_COUNT
"""Feedback starts from one point in two observations, so that a single rating does not decide."""


EXACT = 9
"""Decimals that are left of a sum after a part of it was taken away: equal means must rank as equal."""

Ranked = tuple[float, str, Data]
Rated = tuple[int, float]
"""Ratings: how many, and the sum of what they are worth."""


def decide(turn: Turn, popup: Popup, env: Env) -> None:
    """Rank the candidates for the turn's event and record at most `limit` of them, best first, ties by id."""
    try:
        ranked = _rank(turn, popup, env) if turn.tracer is None else _rank_noting(turn, popup, env)
    except Exception:
        ranked = _rank_noting(turn, popup, env)
    ranked.sort(key=_best_first)
    items = [_item(turn, popup, -points, key, candidate, env) for points, key, candidate in ranked[: popup.limit]]
    env.bound.pop(popup.source, None)
    turn.record("popup", popup.name, {"items": items})


def _colleagues(turn: Turn) -> str:
    return "同事评价" if turn.program.language == "zh" else "colleagues' feedback"


def _rank(turn: Turn, popup: Popup, env: Env) -> list[Ranked]:
    """The candidates with their points, negated. Raises whatever the first condition that fails raises."""
    fits = popup.rank(env, env.shared.all(popup.source, env.at))
    if not popup.learn:
        return [(-float(points), key, candidate) for key, candidate, points in fits]
    own, rated = turn.partition.key, turn.shared.learned(popup.source, popup.ratings)
    return [
        (-(points + (mean(rated[key], own) if key in rated else PRIOR)), key, candidate)
        for key, candidate, points in fits
    ]


def _rank_noting(turn: Turn, popup: Popup, env: Env) -> list[Ranked]:
    """As `_rank`, condition by condition: notes are taken, and one that fails is an error outcome and does not hold."""
    ranked: list[Ranked] = []
    for key, candidate in env.shared.all(popup.source, env.at):
        env.bound[popup.source] = candidate
        if turn.tracer is not None:
            turn.tracer.told(popup.name, "candidate", popup.place, f"{popup.source} {key}")
        if turn.holds(popup.name, "where", popup.where, env):
            points = float(sum([turn.holds(popup.name, "match", condition, env) for condition in popup.match]))
            ranked.append((-(points + (learned(turn, popup, key) if popup.learn else 0.0)), key, candidate))
    return ranked


def _best_first(one: tuple[float, str, Data]) -> tuple[float, str]:
    return one[:2]


def _item(turn: Turn, popup: Popup, points: float, key: str, candidate: Data, env: Env) -> Data:
    """What is shown of one candidate. Only those that are shown are asked why."""
    env.bound[popup.source] = candidate
    language = turn.program.language
    why = [reason.pick(language) for one, reason in zip(popup.match, popup.reasons, strict=True) if _met(one, env)]
    if popup.learn:
        why.append(f"{_colleagues(turn)} {learned(turn, popup, key):.2f}")
    proof = _proof(turn, popup.proof, popup.source, key, env)
    return {"id": key, "score": round(points, 3), "why": why, "proof": proof}


def _met(condition: Expression, env: Env) -> bool:
    """As when it was ranked; a condition that fails was recorded then."""
    try:
        return bool(condition.run(env))
    except CelError:
        return False


def learned(turn: Turn, popup: Popup, key: str) -> float:
    """What colleagues said about a candidate, in [0, 1]."""
    ratings = turn.shared.learned(popup.source, popup.ratings).get(key)
    return PRIOR if ratings is None else mean(ratings, turn.partition.key)


def mean(ratings: dict[str, Rated], own: str) -> float:
    """The mean of what colleagues said, in [0, 1], from a prior of 1 in 2; `own` ratings are left out."""
    count, total = ratings[""]
    if own in ratings:
        left = ratings[own]
        count, total = count - left[0], round(total - left[1], EXACT)
    return (PRIOR_SUM + total) / (PRIOR_COUNT + count)


def _proof(turn: Turn, proof: Proof | None, source: str, key: str, env: Env) -> str | None:
    """The line of proof, or None below `min_n` observations or without any; one's own are left out where the pack says so."""
    if proof is None:
        return None
    published: Data | None = turn.shared.learned(source, f"metric/{proof.metric}").get(key)
    if published is None:
        return None
    own = published.get(turn.partition.key, (0, 0.0)) if proof.except_own else (0, 0.0)
    everyone = published.get("", (0, 0.0))
    count, total = everyone[0] - own[0], everyone[1] - own[1]
    if count < max(proof.min_n, 1):
        return None
    env.bound["value"] = total / count
    try:
        return proof.text.render(env, turn.program.language)
    except CelError as failure:
        turn.error(proof.metric, failure, None, env)
        return None
    finally:
        env.bound.pop("value", None)


def rate(turn: Turn, popup: Popup, env: Env) -> None:
    """Take a rating of a candidate (this partition's key) into its mean, and publish it.

    Whose it is says the event's key of the pop-up's scope; without one it is everybody's.
    """
    assert popup.feedback is not None
    worth = popup.feedback.values.get(str(env.data.get("rating")))
    if worth is None:
        return
    rater = next((key for scope, key in turn.event.keys if scope == popup.scope), "")
    ratings = turn.partition.decisions.ratings.setdefault(popup.name, {})
    for name in ("", rater) if rater else ("",):
        count, total = ratings.get(name, (0, 0.0))
        ratings[name] = (count + 1, total + worth)
    turn.changed("decisions")
    turn.publish(popup.source, turn.partition.key, popup.ratings, dict(ratings))


def published_value(owners: dict[str, list[Any]], aggregate: str) -> dict[str, list[float]]:
    """A lifetime metric as others read it: per owner, and under the empty name for all, [observations, sum]."""
    found: dict[str, list[float]] = {}
    for owner, (count, acc) in owners.items():
        parts = acc[1] if aggregate in ("avg", "sum") else []
        whole = acc[0] if aggregate == "sum" else 0
        found[owner] = [count, float(whole + sum(parts)) if aggregate != "count" else float(acc[0])]
    return found
