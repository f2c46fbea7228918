"""Groups: patterns that ask whether there is any, how many there are, and what they amount to."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.core.shop import Shop

Open = Callable[..., Shop]

KEPT = """
  put:
    by: shop
    priority: 9
    match: [{event: order, as: o}]
    then: [{assert: {fact: item, n: o.data.n, at: o.time, share: double(o.data.n) * 0.5}, keep: true}]
  take:
    by: shop
    priority: 9
    match: [{event: stop, as: s}, {fact: item, as: i, where: i.n == s.data.n}]
    then: [{retract: i}]
"""


def facts(shop: Shop, name: str) -> list[dict[str, Any]]:
    return [fact.fields for fact in shop.memory.facts.values() if fact.name == name]


def minute(number: int) -> datetime:
    return datetime(2026, 3, 2, 2, number, tzinfo=UTC)


def test_a_rule_that_wants_any_fires_once_until_there_is_none(open_shop: Open) -> None:
    shop = open_shop(
        KEPT
        + """
  some:
    by: shop
    match: [{exists: item, as: i, where: i.n > 1}]
    then: [NOTE "'some'"}}, {assert: {fact: busy, who: key}}]
"""
    )
    assert shop.send("order", "02T10:00", 1) == []
    assert shop.send("order", "02T10:01", 2) == ["some"]
    assert shop.send("order", "02T10:02", 3) == []
    assert shop.send("stop", "02T10:03", 2) == []
    assert facts(shop, "busy") == [{"who": "s"}]
    assert shop.send("stop", "02T10:04", 3) == []
    assert facts(shop, "busy") == []
    assert shop.send("order", "02T10:05", 2) == ["some"]


def test_three_or_more_is_said_once(open_shop: Open) -> None:
    shop = open_shop(
        KEPT
        + """
  many:
    by: shop
    match: [{count: item, into: items}]
    when: items >= 3
    then: [NOTE "'many'"}}]
"""
    )
    said = [shop.send("order", f"02T10:0{n}", n) for n in range(5)]
    assert said == [[], [], ["many"], [], []]
    for n in range(3):
        assert shop.send("stop", f"02T11:0{n}", n) == []
    assert shop.send("order", "02T12:00", 1) == ["many"]


@pytest.mark.parametrize(
    ("collected", "values"),
    [
        ("{count: item, into: x}", [0, 1, 2, 3, 2]),
        ("{count: item, as: i, where: i.n > 3, into: x}", [0, 1, 1, 1, 0]),
        ("{collect: item, as: i, sum: i.n, into: x}", [0, 5, 7, 9, 4]),
        ("{collect: item, as: i, sum: i.share, into: x}", [0.0, 2.5, 3.5, 4.5, 2.0]),
        ("{collect: item, as: i, min: i.n, into: x}", [None, 5, 2, 2, 2]),
        ("{collect: item, as: i, max: i.n, into: x}", [None, 5, 5, 5, 2]),
        ("{collect: item, as: i, avg: i.n, into: x}", [None, 5.0, 3.5, 3.0, 2.0]),
        ("{collect: item, as: i, max: i.at, into: x}", [None, *(minute(n) for n in (1, 2, 3, 3))]),
    ],
)
def test_a_fact_that_holds_a_number_follows_it(open_shop: Open, collected: str, values: list[Any]) -> None:
    shop = open_shop(
        KEPT
        + f"""
  tell:
    by: shop
    match: [{collected}]
    then: [{{assert: {{fact: told, x: x}}}}]
"""
    )
    sent = [("stop", 9), ("order", 5), ("order", 2), ("order", 2), ("stop", 5)]
    found = []
    for number, (kind, n) in enumerate(sent):
        shop.send(kind, f"02T10:0{number}", n)
        [one] = facts(shop, "told") or [{"x": None}]
        found.append(one["x"])
    assert [(type(one), one) for one in found] == [(type(one), one) for one in values]


GROUPED = (
    KEPT
    + """
  call:
    by: shop
    match: [{event: ask, as: a}]
    then: [{assert: {fact: wanted, n: a.data.n}, keep: true}]
  short:
    by: shop
    match:
      - {fact: wanted, as: w}
      - {count: item, as: i, where: i.n == w.n || i.n == w.n + 1, into: found}
      - {none: item, as: other, where: other.n == found + 10}
    then: [{assert: {fact: answer, n: w.n, found: found}}]
"""
)


def test_a_group_is_asked_of_each_match_and_its_number_is_known_to_later_patterns(open_shop: Open) -> None:
    shop = open_shop(GROUPED)
    shop.send("ask", "02T10:00", 1)
    shop.send("ask", "02T10:01", 5)
    shop.send("order", "02T10:02", 2)
    assert facts(shop, "answer") == [{"n": 5, "found": 0}, {"n": 1, "found": 1}]
    shop.send("order", "02T10:03", 11)
    assert facts(shop, "answer") == [{"n": 5, "found": 0}]
    shop.send("order", "02T10:04", 1)
    assert facts(shop, "answer") == [{"n": 5, "found": 0}, {"n": 1, "found": 2}]


def test_what_rests_on_a_number_is_known_after_a_restart(open_shop: Open, tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    first = open_shop(GROUPED, store=store)
    first.send("ask", "02T10:00", 1)
    first.send("order", "02T10:01", 2)
    first.engine.close()
    shop = open_shop(GROUPED, store=store)
    shop.send("stop", "02T10:02", 2)
    assert facts(shop, "answer") == [{"n": 1, "found": 0}]


def test_events_in_a_span_are_counted_and_leave_with_it(open_shop: Open) -> None:
    shop = open_shop(
        """
  rush:
    by: shop
    match: [{count: order, within: 1h, as: o, where: o.data.n > 0, into: orders}]
    when: orders >= 2
    then: [NOTE "'rush'"}}, {assert: {fact: rush, who: key}}]
"""
    )
    assert shop.send("order", "02T10:00", 1) == []
    assert shop.send("order", "02T10:10", 0) == []
    assert shop.send("order", "02T10:20", 1) == ["rush"]
    assert shop.advance("02T11:00") == []
    assert facts(shop, "rush") == [{"who": "s"}]
    shop.advance("02T11:01")
    assert facts(shop, "rush") == []


def test_a_rule_over_the_current_event_asks_its_groups_at_that_moment(open_shop: Open) -> None:
    shop = open_shop(
        KEPT
        + """
  report:
    by: shop
    match:
      - {event: ask, as: a}
      - {collect: item, as: i, where: i.n < a.data.n, sum: i.n, into: below}
      - {exists: shop, as: s, where: s.id == key}
    when: below > 0
    then: [NOTE string(below)}}]
"""
    )
    shop.send("order", "02T10:00", 1)
    shop.send("order", "02T10:01", 2)
    assert shop.send("ask", "02T10:02", 9) == ["3"]
    assert shop.send("ask", "02T10:03", 2) == ["1"]
    assert shop.send("ask", "02T10:04", 1) == []


def test_a_measure_that_fails_is_an_error_and_the_group_does_not_hold(open_shop: Open) -> None:
    shop = open_shop(
        KEPT
        + """
  shares:
    by: shop
    match: [{collect: item, as: i, sum: 100 / i.n, into: shares}]
    then: [NOTE string(shares)}}]
"""
    )
    assert shop.send("order", "02T10:00", 4) == ["25"]
    assert set(shop.send("order", "02T10:01", 0)) == {"!division_by_zero"}


CIRCLE = """
  seed:
    by: shop
    match: [{event: order, as: o}]
    then: [{assert: {fact: seed, n: o.data.n}, keep: true}]
  unseed:
    by: shop
    match: [{event: stop, as: s}, {fact: seed, as: one, where: one.n == s.data.n}]
    then: [{retract: one}]
  root:
    by: shop
    match: [{fact: seed, as: s}]
    then: [{assert: {fact: known, n: s.n % 10}}]
  forth:
    by: shop
    match: [{fact: known, as: k}]
    then: [{assert: {fact: friend, n: k.n}}]
  back:
    by: shop
    match: [{fact: friend, as: f}]
    then: [{assert: {fact: known, n: f.n}}]
"""


def test_conclusions_that_follow_from_each_other_go_when_nothing_else_supports_them(open_shop: Open) -> None:
    shop = open_shop(CIRCLE)
    shop.send("order", "02T10:00", 1)
    shop.send("order", "02T10:01", 11)
    assert facts(shop, "known") == [{"n": 1}]
    shop.send("stop", "02T10:02", 1)
    assert [facts(shop, "known"), facts(shop, "friend")] == [[{"n": 1}], [{"n": 1}]]
    shop.send("stop", "02T10:03", 11)
    assert [facts(shop, "known"), facts(shop, "friend")] == [[], []]
    assert shop.memory.activations == {}


def test_a_standing_rule_that_a_new_pack_brings_looks_at_what_is_known(open_shop: Open, tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    first = open_shop(KEPT, store=store)
    first.send("order", "02T10:00", 1)
    first.engine.close()
    added = """
  late:
    by: shop
    match: [{fact: item, as: i}]
    then: [NOTE "'found ' + string(i.n)"}}]
"""
    shop = open_shop(KEPT + added, store=store)
    assert sorted(shop.send("order", "02T10:01", 2)) == ["found 1", "found 2"]
