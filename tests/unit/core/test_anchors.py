"""What a fact that a group asks about makes the matcher look at again: the matches that it concerns, and no others."""

from collections.abc import Callable

import pytest

from engine.core import groups, joins
from engine.core.alpha import AlphaIndex
from tests.unit.core.shop import Shop

SEEN = """
  shelf:
    by: shop
    match: [{event: order, as: o}]
    then:
      - {assert: {fact: shelf, n: o.data.n}, keep: true}
      - {assert: {fact: box, n: o.data.n}, keep: true}
  take:
    by: shop
    match:
      - {event: stop, as: s}
      - {fact: box, as: b, where: b.n == s.data.n}
    then: [{retract: b}]
  bare:
    by: shop
    match:
      - {fact: shelf, as: s}
      - {GROUP, where: b.n == s.n}
    then: [{assert: {fact: bare, n: s.n}}]
  stock:
    by: shop
    match: [{event: ask, as: a}, {fact: bare, as: b}]
    then: [NOTE string(b.n)}}]
"""


@pytest.mark.parametrize("group", ["none: box, as: b", "count: box, as: b, into: boxes, COUNTED"])
def test_a_fact_that_goes_concerns_only_what_it_is_joined_to(
    open_shop: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    asked: list[str] = []
    answer = groups.answer

    def counted(*args: object) -> object:
        asked.append("group")
        return answer(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(joins.groups, "answer", counted)
    looks = []
    for size in (5, 50):
        rules = SEEN.replace("GROUP", group.replace(", COUNTED", ""))
        if "count" in group:
            rules = rules.replace("b.n == s.n}", "b.n == s.n}\n    when: boxes == 0")
        shop = open_shop(rules)
        for n in range(size):
            shop.send("order", f"02T10:{n:02}", n)
        asked.clear()
        shop.send("stop", "02T11:00", n=3)
        looks.append(len(asked))
        assert shop.send("ask", "02T11:01") == ["3"]
    assert looks[0] == looks[1] > 0


def test_a_fact_that_comes_ends_only_what_it_is_joined_to(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(SEEN.replace("GROUP", "none: box, as: b"))
    for n in range(4):
        shop.send("order", f"02T10:0{n}", n)
    for n in (1, 2):
        shop.send("stop", f"02T11:0{n}", n=n)
    assert shop.send("ask", "02T11:03") == ["1", "2"]
    shop.send("order", "02T11:04", 2)
    assert shop.send("ask", "02T11:05") == ["1"]


def test_facts_without_which_a_rule_has_no_match_are_known_with_their_constants(open_shop: Callable[..., Shop]) -> None:
    rules = """
  both:
    by: shop
    match:
      - {fact: box, as: b}
      - {fact: phase, as: p, where: p.state == 'open'}
    then: [NOTE string(b.n)}}]
"""
    shop = open_shop(rules + SEEN.replace("GROUP", "none: box, as: b") + PHASES)
    index = AlphaIndex(shop.engine.program.scopes["shop"].rules)
    assert index.needed["both"] == (("phase", ("state",), ("open",)), ("box", (), ()))
    assert index.needed["bare"] == ()


PHASES = """
  opening:
    by: shop
    match: [{event: ask, as: a, where: a.data.n == 99}]
    then: [{assert: {fact: phase, state: "'open'"}, keep: true}]
"""
