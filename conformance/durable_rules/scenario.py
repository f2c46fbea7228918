"""Random rulesets over a few small numbers and texts, and messages for them: the same for the same seed.

Left out is what the two mean differently on purpose: `$or`, properties that are not there, comparisons across types.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

Json = dict[str, Any]
NUMBERS = (1, 2, 3)
TEXTS = ("x", "y", "xx")
PATTERNS = ("x+", "[xy]", ".*y")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A ruleset whose rules all run `told`, and the messages that it is given, each with an id."""

    rules: Json
    messages: tuple[Json, ...]


def scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    random = Random(seed)
    rules = {f"r_{number}": _rule(random) for number in range(random.randint(1, 3))}
    messages = tuple(_message(random, number) for number in range(random.randint(1, 6)))
    return Scenario(rules, messages)


def _message(random: Random, number: int) -> Json:
    return {"id": f"m{number}", "a": random.choice(NUMBERS), "b": random.choice(NUMBERS), "t": random.choice(TEXTS)}


def _rule(random: Random) -> Json:
    patterns: list[Json] = []
    for number in range(random.randint(1, 2)):
        parts = [_condition(random, number > 0) for _ in range(random.randint(1, 2))]
        patterns.append({f"p{number}": parts[0] if len(parts) == 1 else {"$and": parts}})
    return {"all": patterns, "run": "told"}


def _condition(random: Random, joined: bool) -> Json:
    """A condition on one property, half of the time against the first element where there is one."""
    field, number = random.choice("ab"), random.choice(NUMBERS)
    order = random.choice(("$lt", "$lte", "$gt", "$gte", "$neq"))
    if joined and random.random() < 0.5:
        other = {"p0": random.choice("ab")}
        return random.choice(
            ({field: other}, {order: {field: other}}, {"$gt": {field: {"$add": {"$l": other, "$r": number}}}})
        )
    return random.choice(
        (
            {field: number},
            {order: {field: number}},
            {"t": random.choice(TEXTS)},
            {"$mt": {"t": random.choice(PATTERNS)}},
            {"$ex": {field: 1}},
        )
    )
