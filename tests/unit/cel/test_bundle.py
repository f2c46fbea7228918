"""Expressions compiled into one function say what they say one by one, and raise where one of them fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cel import (
    BOOL,
    STRING,
    Binding,
    Checked,
    Field,
    Member,
    RecordType,
    Scope,
    check,
    compile_choice,
    compile_ranking,
    compile_record,
)
from tests.unit.cel.test_agreement import DATA, EXPRESSIONS, conditions
from tests.unit.cel.world import NOW, SCOPE, World, outcome

SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
SCRIPT = RecordType(
    "script", {"verified": Field(BOOL), "industry": Field(STRING), "purpose": Field(STRING, optional=True)}
)
RANKED = Scope({**SCOPE.bindings, "script": Binding(SCRIPT, "e.bound['script']")}, SCOPE.entities, SCOPE.functions)


def sound(text: str, scope: Scope = SCOPE) -> Checked:
    checked = check(text, scope)
    assert checked.problems == (), (text, checked.problems)
    return checked


def one_by_one(checked: Checked, world: World) -> Any:
    return outcome(checked, world)


def failed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("!")


@SETTINGS
@given(texts=st.lists(EXPRESSIONS, min_size=1, max_size=4), data=DATA)
def test_a_record_has_the_values_of_its_members(texts: list[str], data: dict[str, Any]) -> None:
    parts, world = [sound(text) for text in texts], World(NOW, **data)
    alone = [one_by_one(part, world) for part in parts]
    together = compile_record({f"f{n}": Member(part) for n, part in enumerate(parts)})
    try:
        found = together(world)
    except Exception:
        # What another operand absorbs is decided by the exact evaluator alone: there the bundle raises, and its caller asks it.
        return
    assert not any(failed(value) for value in alone)
    assert repr(list(found.values())) == repr(alone)


def test_a_record_raises_where_a_member_fails() -> None:
    record = compile_record({"a": Member(sound("data.region")), "b": Member(sound("data.numbers[5]"))})

    with pytest.raises(IndexError):
        record(World())


@SETTINGS
@given(texts=st.lists(conditions(2), min_size=1, max_size=3), data=DATA)
def test_a_choice_is_the_first_condition_that_holds(texts: list[str], data: dict[str, Any]) -> None:
    parts, world = [sound(text) for text in texts], World(NOW, **data)
    choose = compile_choice([(f"c{n}", part) for n, part in enumerate(parts)], "none")
    try:
        chosen = choose(world)
    except Exception:
        return
    before = parts if chosen == "none" else parts[: int(chosen[1:])]
    assert [one_by_one(part, world) for part in before] == [False] * len(before)
    if chosen != "none":
        assert one_by_one(parts[len(before)], world) is True


def test_a_member_whose_guard_does_not_hold_is_none() -> None:
    purpose, guard = check("data.purpose", SCOPE, given=[sound("has(data.purpose)")]), sound("has(data.purpose)")
    record = compile_record({"purpose": Member(purpose, (guard,)), "region": Member(sound("data.region"))})

    assert record(World()) == {"purpose": None, "region": "east"}
    assert record(World(purpose="price")) == {"purpose": "price", "region": "east"}


def test_roots_that_several_members_read_are_read_once() -> None:
    reads = []

    class Counting(World):
        def entity(self, name: str) -> Any:
            reads.append(name)
            return super().entity(name)

    record = compile_record({"a": Member(sound("rep.name")), "b": Member(sound("rep.active"))})

    assert record(Counting()) == {"a": "王芳", "b": True}
    assert reads == ["rep"]


def test_a_record_of_nothing_is_empty() -> None:
    assert compile_record({})(World()) == {}


def test_a_ranking_counts_what_holds_of_each_candidate_that_fits() -> None:
    where = sound("script.verified && (script.industry == data.region || script.industry == 'any')", RANKED)
    match = [
        sound("script.industry == data.region", RANKED),
        sound("has(script.purpose) && script.purpose == 'price'", RANKED),
    ]
    rows = [
        ("a", {"verified": True, "industry": "east", "purpose": "price"}),
        ("b", {"verified": False, "industry": "east"}),
        ("c", {"verified": True, "industry": "any"}),
        ("d", {"verified": True, "industry": "west"}),
    ]
    ranked = compile_ranking("script", where, match)(World(), rows)

    assert [(key, points) for key, _, points in ranked] == [("a", 2), ("c", 0)]
    assert ranked[0][1] is rows[0][1]
    assert [key for key, _, _ in compile_ranking("script", None, [])(World(), rows)] == ["a", "b", "c", "d"]


def test_a_ranking_raises_where_a_condition_fails() -> None:
    with pytest.raises(KeyError):
        compile_ranking("script", sound("script.verified", RANKED), [])(World(), [("a", {})])


def test_expressions_with_problems_are_not_compiled() -> None:
    broken = check("data.nothing", SCOPE)

    with pytest.raises(ValueError, match="nothing"):
        compile_record({"x": Member(broken)})
