from __future__ import annotations

import random

from conformance.cel.grammar import VARIABLES, Grammar, world
from engine.cel import Binding, Scope, check
from tests.unit.cel.world import outcome

SCOPE = Scope({name: Binding(of, f"e[{name!r}]") for name, of in VARIABLES.items()})


def test_a_seed_makes_the_same_expression_over_the_same_values() -> None:
    one, other = random.Random("1/7"), random.Random("1/7")
    assert Grammar(one).expression(4) == Grammar(other).expression(4)
    assert world(one) == world(other)
    assert Grammar(random.Random("1/7")).expression(4) != Grammar(random.Random("1/8")).expression(4)


def test_random_expressions_check_and_both_evaluators_agree_on_them() -> None:
    kinds = set()
    for number in range(300):
        chance = random.Random(f"agreement/{number}")
        text, values = Grammar(chance).expression(chance.randint(1, 4)), world(chance)
        checked = check(text, SCOPE)
        assert checked.problems == (), text
        found = outcome(checked, values)
        kinds.add("error" if isinstance(found, str) and found.startswith("!") else "value")
    assert kinds == {"error", "value"}


def test_what_is_not_checked_gives_the_same_where_types_are_right() -> None:
    for number in range(150):
        chance = random.Random(f"unchecked/{number}")
        text, values = Grammar(chance).expression(chance.randint(1, 3)), world(chance)
        loosely = outcome(check(text, SCOPE, typed=False), values)
        assert repr(loosely) == repr(outcome(check(text, SCOPE), values)), text
