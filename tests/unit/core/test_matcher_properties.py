"""Random rules over facts that come and go hold what trying every combination finds, and what CLIPS holds.

More of them: `python -m conformance matcher --seeds 5000`.
"""

from __future__ import annotations

from typing import Any

import pytest

from conformance.matcher import compare, naive
from conformance.matcher.compare import beside_brute_force, beside_clips, clips_installed
from conformance.matcher.ours import Ours
from conformance.matcher.scenario import Comparison, Pattern, Put, Rule, Swap, scenario

BLOCK = 40


@pytest.mark.parametrize("block", range(5))
def test_random_rules_hold_what_brute_force_finds(block: int) -> None:
    found = map(beside_brute_force, range(block * BLOCK, (block + 1) * BLOCK))
    assert [str(one) for one in found if one is not None] == []


@pytest.mark.skipif(not clips_installed(), reason="clipspy is not installed (extra `oracles`)")
@pytest.mark.parametrize("block", range(2))
def test_random_rules_hold_what_clips_holds(block: int) -> None:
    found = map(beside_clips, range(block * BLOCK, (block + 1) * BLOCK))
    assert [str(one) for one in found if one is not None] == []


def test_the_random_programs_ask_for_all_that_rules_can_ask() -> None:
    played = [scenario(seed) for seed in range(100)]
    rules = [rule for one in played for rule in one.rules]
    groups = {pattern.group for rule in rules for pattern in rule.patterns}
    assert groups == {None, "none", "exists", "count", "sum", "min", "max", "avg"}
    assert any(pattern.kind == rule.concludes for rule in rules for pattern in rule.patterns)
    assert any(isinstance(one, Swap) for each in played for one in each.operations)
    concluded = [naive.conclusions(one.rules, _put(one.operations)) for one in played]
    assert sum(len(one) > 1 for one in concluded) > 20


def test_a_difference_is_seen_and_says_how_to_get_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "conclusions", lambda rules, _base: naive.conclusions(rules, []))
    found = next(one for one in map(beside_brute_force, range(50)) if one is not None)
    assert f"seed {found.seed}, step {found.step}, beside brute force" in str(found)
    assert "rules:" in str(found)


def test_brute_force_counts_matches() -> None:
    pairs = Rule(
        "r", 0, (Pattern("p0", "b0", ()), Pattern("p1", "b0", (Comparison("p1.x", "==", "p0.y"),))), (), "p0.x", 7
    )
    assert naive.conclusions([pairs], {("b0", 1, 2), ("b0", 2, 1), ("b0", 2, 2)}) == {("d0", 1, 7): 2, ("d0", 2, 7): 3}
    ours = Ours([pairs])
    for x, y in ((1, 2), (2, 1), (2, 2)):
        ours.apply(Put("b0", x, y, there=True))
    assert ours.facts() == {("d0", 1, 7): 2, ("d0", 2, 7): 3}


def _put(operations: Any) -> set[naive.Fact]:
    return {(one.kind, one.x, one.y) for one in operations if isinstance(one, Put) and one.there}
