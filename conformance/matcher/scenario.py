"""Random programs and what is done with them: rules over facts of a few kinds, facts that come and go, rules that come and go.

Kinds `b0` … are put and dropped from outside. A kind `d<n>` is concluded by rules of level n. A rule of a level matches kinds of its own
and of lower levels, and asks groups only about lower ones: so the facts that must be there in the end do not depend on the order of firing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

BASE = ("b0", "b1", "b2")
LEVELS = 3
VALUES = 3
"""Fields hold whole numbers below this."""

GROUPS = ("none", "exists", "count", "sum", "min", "max", "avg")
Field = Literal["x", "y"]
Operand = int | str
"""A constant, or what is read of an earlier pattern: `p0.x`, or the number of a group: `g2`."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: the left side is a field of the pattern in which it stands, or a group's number."""

    left: str
    op: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern; `group` asks about all of its kind, `measure` is the field that is collected."""

    alias: str
    kind: str
    tests: tuple[Comparison, ...]
    group: str | None = None
    measure: Field = "x"

    @property
    def number(self) -> str | None:
        """What the group's number is called, where it gives one."""
        return f"g{self.alias[1:]}" if self.group not in (None, "none", "exists") else None


@dataclass(frozen=True, slots=True)
class Rule:
    """Patterns, comparisons over all of them, and the fact that is concluded; `x` and `y` are what it holds."""

    name: str
    level: int
    patterns: tuple[Pattern, ...]
    when: tuple[Comparison, ...]
    x: Operand
    y: Operand

    @property
    def concludes(self) -> str:
        """The kind of the fact."""
        return f"d{self.level}"


@dataclass(frozen=True, slots=True)
class Put:
    """A fact comes from outside, or goes."""

    kind: str
    x: int
    y: int
    there: bool


@dataclass(frozen=True, slots=True)
class Swap:
    """From here on these rules of the scenario are the program."""

    rules: tuple[Rule, ...]


Operation = Put | Swap


@dataclass(frozen=True, slots=True)
class Scenario:
    """The rules in the beginning, and what happens."""

    rules: tuple[Rule, ...]
    operations: tuple[Operation, ...]


def scenario(seed: int, *, plain: bool = False) -> Scenario:
    """A scenario of a seed. `plain`: without numbers and without rules that conclude what they match, as others have them too."""
    dice = random.Random(f"{seed}{plain}")
    rules = tuple(_rule(dice, f"r{number}", plain) for number in range(dice.randint(1, 6)))
    started = tuple(rule for rule in rules if dice.random() < 0.8)
    return Scenario(started, tuple(_operations(dice, rules)))


def _rule(dice: random.Random, name: str, plain: bool) -> Rule:
    level = dice.randrange(LEVELS)
    patterns: list[Pattern] = []
    known: list[str] = []
    for number in range(dice.choice((1, 2, 2, 3))):
        patterns.append(_pattern(dice, f"p{number}", level, known, plain, grouped=number > 0 and dice.random() < 0.4))
        last = patterns[-1]
        if last.group is None:
            known += [f"{last.alias}.x", f"{last.alias}.y"]
        elif last.number is not None:
            known.append(last.number)
    numbers = [one.number for one in patterns if one.number is not None]
    when = [Comparison(number, dice.choice(("<", ">=", "==", "!=")), dice.randrange(VALUES)) for number in numbers]
    when = [test for test in when if dice.random() < 0.6]
    if len(known) > 1 and dice.random() < 0.3:
        left, right = dice.sample(known, 2)
        when.append(Comparison(left, dice.choice(("<", "!=", "==")), right))
    held: list[Operand] = [name for name in known if not _mean(name, patterns)]
    x, y = (dice.choice([*held, *held, dice.randrange(VALUES)]) for _ in range(2))
    return Rule(name, level, tuple(patterns), tuple(when), x, y)


def _mean(name: str, patterns: Sequence[Pattern]) -> bool:
    return any(one.number == name and one.group == "avg" for one in patterns)


def _pattern(
    dice: random.Random, alias: str, level: int, known: Sequence[str], plain: bool, *, grouped: bool
) -> Pattern:
    own = [] if grouped or plain else [f"d{level}"]
    kind = dice.choice([*BASE, *(f"d{lower}" for lower in range(level)), *own])
    group = dice.choice(GROUPS[:2] if plain else GROUPS) if grouped else None
    tests = []
    for field in ("x", "y"):
        roll = dice.random()
        if known and roll < 0.5:
            tests.append(Comparison(f"{alias}.{field}", dice.choice(("==", "==", "==", "!=", "<")), dice.choice(known)))
        elif roll > 0.75:
            tests.append(Comparison(f"{alias}.{field}", dice.choice(("==", "!=", "<", ">=")), dice.randrange(VALUES)))
    return Pattern(alias, kind, tuple(tests), group, dice.choice(("x", "y")))


def _operations(dice: random.Random, rules: Sequence[Rule]) -> Iterator[Operation]:
    held: list[tuple[str, int, int]] = []
    for _ in range(dice.randint(6, 24)):
        roll = dice.random()
        if roll < 0.08:
            yield Swap(tuple(rule for rule in rules if dice.random() < 0.7))
        elif held and (roll < 0.32 or len(held) > 9):
            yield Put(*held.pop(dice.randrange(len(held))), there=False)
        else:
            fact = (dice.choice(BASE), dice.randrange(VALUES), dice.randrange(VALUES))
            if fact not in held:
                held.append(fact)
            yield Put(*fact, there=True)
