"""The alpha network: the same rules match, whatever is shared, sorted or looked up, and nothing is asked twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.core.event import Event
from engine.core.network import Node
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.pack import restore
from engine.runtime.entities import Entities

HEAD = """
events:
  deal: {keys: {desk: data.desk}, data: {desk: string, region: string?, amount: double?, n: int?, flag: bool?, at: timestamp?}}
  hit: {keys: {desk: data.desk}, data: {desk: string, rule: string}}
rules:
"""
CONDITIONS = (
    "has(data.region) && data.region == 'r{}'",
    "has(data.n) && data.n == {}",
    "has(data.flag) && data.flag == true",
    "has(data.amount) && data.amount > {}.5",
    "has(data.amount) && data.amount <= {}",
    "has(data.n) && data.n >= {}",
    "has(data.n) && {} > data.n",
    "has(d.data.n) && d.data.n != {}",
    "has(data.n) && 12 / data.n > {}",
    "has(data.at) && data.at > timestamp('2026-03-0{}T00:00:00Z')",
)


def program(conditions: list[str]) -> Program:
    rules = "".join(
        f'  rule{i}:\n    by: desk\n    match: [{{event: deal, as: d, where: "{one}"}}]\n'
        f"    then: [{{emit: hit, data: {{desk: key, rule: \"'{i}'\"}}}}]\n"
        for i, one in enumerate(conditions)
    )
    return restore({"pack.yaml": HEAD + rules})


def fired(stepper: Stepper, data: dict[str, Any]) -> list[str]:
    """The rules that fired, and with a `!` those of which a condition failed."""
    event = Event("e", "test", "deal", 1, {"desk": "d", **data}, (("desk", "d"),), 1)
    records = stepper.step(Partition("desk", "d"), Entities(), event).records
    return [f"!{one.name}" if one.kind == "error" else str(one.fields["data"]["rule"]) for one in records]


def alone(conditions: list[str], data: dict[str, Any]) -> list[str]:
    """The same, each rule in a program of its own."""
    found = [fired(Stepper(program([one])), data) for one in conditions]
    errors = [f"!rule{i}" for i, one in enumerate(found) if one == ["!rule0"]]
    return errors + [str(i) for i, one in enumerate(found) if one == ["0"]]


def event_data(dice: random.Random) -> dict[str, Any]:
    values = {
        "region": f"r{dice.randrange(4)}",
        "amount": dice.choice((1, 1.5, 2.5, 3, 2.0)),
        "n": dice.randrange(5),
        "flag": dice.random() < 0.5,
    }
    return {name: value for name, value in values.items() if dice.random() < 0.85}


@pytest.mark.parametrize("seed", range(5))
def test_rules_match_together_as_each_of_them_does_alone(seed: int) -> None:
    dice = random.Random(seed)
    texts = [
        " && ".join(text.format(dice.randrange(1, 4)) for text in dice.sample(CONDITIONS, dice.choice((1, 1, 2, 3))))
        for _ in range(30)
    ]
    together = Stepper(program(texts))
    found = [(data, fired(together, data)) for data in (event_data(dice) for _ in range(6))]
    for data, rules in found:
        assert sorted(rules) == sorted(alone(texts, data)), data
    assert any(rules for _, rules in found)


def asked(stepper: Stepper) -> Counter[str]:
    """Counts the conditions that are evaluated, by their text."""
    counts: Counter[str] = Counter()

    def counting(text: str, run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(env: Any) -> Any:
            counts[text] += 1
            return run(env)

        return counted

    node = stepper._scopes["desk"].alpha.types["deal"].node
    names = {one.run: one.text for rule in stepper.program.scopes["desk"].rules for one in rule.patterns[0].tests}

    def watch(node: Node) -> None:
        node.guards = [(counting(names[run], run), child) for run, child in node.guards]
        for _, child in node.guards:
            watch(child)
        for _, table in node.fields:
            for child in table.values():
                watch(child)
        for leaves in (node.leaves, *(part for one in node.ranges for part in (one.leaves, one.unsorted))):
            leaves[:] = [(entry, tuple(counting(names[run], run) for run in runs)) for entry, runs in leaves]

    watch(node)
    return counts


def test_a_thousand_thresholds_are_not_asked_one_by_one() -> None:
    stepper = Stepper(program([f"has(data.amount) && data.amount > {i}.0" for i in range(1000)]))
    counts = asked(stepper)
    assert fired(stepper, {"amount": 3.5}) == ["0", "1", "2", "3"]
    assert fired(stepper, {"amount": 0.0}) == []
    assert counts == {"has(data.amount)": 2}


def test_a_condition_that_many_rules_share_is_asked_once() -> None:
    shared = "has(data.region) && data.region.startsWith('r')"
    stepper = Stepper(program([f"{shared} && has(data.n) && data.n % 7 == {i}" for i in range(7)]))
    counts = asked(stepper)
    assert fired(stepper, {"region": "r1", "n": 10}) == ["3"]
    assert counts["has(data.region)"] == counts["data.region.startsWith('r')"] == counts["has(data.n)"] == 1
    counts.clear()
    assert fired(stepper, {"region": "x", "n": 10}) == []
    assert counts == {"has(data.region)": 1, "data.region.startsWith('r')": 1}


def test_a_condition_that_fails_is_an_error_unless_another_one_is_false() -> None:
    texts = [
        "has(data.n) && 12 / data.n > 2 && has(data.amount) && data.amount > 3.5",
        "has(data.n) && 12 / data.n > 2",
    ]
    for stepper in (Stepper(program(texts)), Stepper(program(texts[:1]))):
        assert "!rule0" not in fired(stepper, {"n": 0, "amount": 1.0})
        assert fired(stepper, {"n": 0, "amount": 4.0})[0] == "!rule0"
