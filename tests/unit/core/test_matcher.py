"""Forward chaining: joins, negation, logical facts, priorities, refraction, the budget."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

FRAME = """
pack: {{name: rules, version: "1", title: {{en: Rules}}}}
calendars:
  shanghai: {{tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}}
entities:
  customer: {{key: id, data: {{id: string, tier: KA | A | B}}}}
events:
  order.placed: {{lateness: 7d, keys: {{customer: data.customer_id}}, data: {{customer_id: ref(customer), order: string, amount: double}}}}
  order.paid: {{lateness: 7d, keys: {{customer: data.customer_id}}, data: {{customer_id: ref(customer), order: string}}}}
  task.opened: {{lateness: 7d, keys: {{customer: data.customer_id}}, data: {{customer_id: ref(customer), owner: string}}}}
  task.closed: {{lateness: 7d, keys: {{customer: data.customer_id}}, data: {{customer_id: ref(customer), owner: string}}}}
  noted: {{lateness: 7d, keys: {{customer: data.customer_id}}, data: {{customer_id: ref(customer), what: string}}}}
rules:
{rules}
"""


@pytest.fixture
def play(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]]) -> Callable[..., list[str]]:
    """Send (type, minute, data) to customer c1; answers what was noted and what failed."""

    def run(rules: str, *events: tuple[str, int, dict[str, Any]], until: str | None = None) -> list[str]:
        engine = open_pack(FRAME.format(rules=rules))
        engine.put("customer", {"id": "c1", "tier": "KA"})
        found: list[str] = []
        for kind, minute, data in events:
            time = f"2026-03-02T{10 + minute // 60:02}:{minute % 60:02}"
            found += map(said, engine.handle(event(kind, time, customer_id="c1", **data)))
        if until is not None:
            found += map(said, engine.advance(until))
        return found

    return run


def said(record: dict[str, Any]) -> str:
    return str(record["data"]["what"]) if record["kind"] == "emit" else f"!{record['code']}"


def order(number: str, amount: float = 100.0, minute: int = 0) -> tuple[str, int, dict[str, Any]]:
    return "order.placed", minute, {"order": number, "amount": amount}


NOTE = 'emit: noted, data: {customer_id: o.data.customer_id, what: "'

JOIN = """
  remember:
    by: customer
    match: [{event: order.placed, as: o}]
    then: [{assert: {fact: open_order, order: o.data.order, amount: o.data.amount}, keep: true}]
  paid:
    by: customer
    match:
      - {event: order.paid, as: p}
      - {fact: open_order, as: f, where: f.order == p.data.order}
    when: f.amount > 50.0
    then:
      - {emit: noted, data: {customer_id: p.data.customer_id, what: "'paid ' + f.order"}}
      - {retract: f}
"""


def test_an_event_joins_the_fact_of_its_own_order_only(play: Callable[..., list[str]]) -> None:
    paid = ("order.paid", 5, {"order": "b"})
    assert play(JOIN, order("a"), order("b"), order("c"), paid) == ["paid b"]


def test_a_retracted_fact_matches_no_more_and_a_condition_that_is_false_keeps_the_rule_silent(
    play: Callable[..., list[str]],
) -> None:
    paid = ("order.paid", 5, {"order": "a"})
    assert play(JOIN, order("a"), paid, ("order.paid", 6, {"order": "a"})) == ["paid a"]
    assert play(JOIN, order("a", 50.0), paid) == []


LOGICAL = """
  task:
    by: customer
    match: [{event: task.opened, as: t}]
    then: [{assert: {fact: open_task, owner: t.data.owner}, keep: true}]
  closed:
    by: customer
    match:
      - {event: task.closed, as: t}
      - {fact: open_task, as: f, where: f.owner == t.data.owner}
    then: [{retract: f}]
  idle:
    by: customer
    match:
      - {event: order.placed, within: 2h, as: o}
      - {none: open_task, as: any_task}
    then: [{assert: {fact: at_risk, customer: o.data.customer_id}}]
  alarm:
    by: customer
    match: [{fact: at_risk, as: r}]
    then: [{emit: noted, data: {customer_id: r.customer, what: "'at risk'"}}]
  check:
    by: customer
    priority: -5
    match:
      - {event: order.paid, as: p}
      - {fact: at_risk, as: r}
    then: [{emit: noted, data: {customer_id: p.data.customer_id, what: "'still at risk'"}}]
"""

TASK, DONE, PAID = (
    ("task.opened", 10, {"owner": "r1"}),
    ("task.closed", 20, {"owner": "r1"}),
    ("order.paid", 30, {"order": "x"}),
)


def test_a_conclusion_stands_while_what_supports_it_stands(play: Callable[..., list[str]]) -> None:
    assert play(LOGICAL, order("a"), PAID) == ["at risk", "still at risk"]


def test_a_conclusion_goes_with_its_support_and_comes_back_with_it(play: Callable[..., list[str]]) -> None:
    assert play(LOGICAL, order("a"), TASK, PAID) == ["at risk"]
    assert play(LOGICAL, order("a"), TASK, DONE, PAID) == ["at risk", "at risk", "still at risk"]


def test_a_conclusion_goes_when_the_event_behind_it_is_too_long_ago(play: Callable[..., list[str]]) -> None:
    at_the_end, after_it = ("order.paid", 120, {"order": "x"}), ("order.paid", 121, {"order": "x"})
    assert play(LOGICAL, order("a"), at_the_end) == ["at risk", "still at risk"]
    assert play(LOGICAL, order("a"), after_it) == ["at risk"]


def test_one_conclusion_from_two_events_stands_on_both(play: Callable[..., list[str]]) -> None:
    later = ("order.paid", 150, {"order": "x"})
    assert play(LOGICAL, order("a"), order("b", minute=60), later) == ["at risk", "still at risk"]


PRIORITY = """
  third: {by: customer, match: [{event: order.placed, as: o}], then: [{NOTE'third'"}}]}
  fourth: {by: customer, match: [{event: order.placed, as: o}], then: [{NOTE'fourth'"}}]}
  second: {by: customer, priority: 1, match: [{event: order.placed, as: o, where: o.data.amount > 10.0}], then: [{NOTE'second'"}}]}
  first: {by: customer, priority: 9, match: [{event: order.placed, as: o}], then: [{NOTE'first'"}}]}
""".replace("NOTE", NOTE)


def test_rules_fire_by_priority_and_then_by_their_order_in_the_pack(play: Callable[..., list[str]]) -> None:
    assert play(PRIORITY, order("a")) == ["first", "second", "third", "fourth"]
    assert play(PRIORITY, order("a", 5.0)) == ["first", "third", "fourth"]


PLANNED = """
  one:
    by: customer
    match: [{event: order.placed, as: o}]
    then: [{assert: {fact: left, n: o.data.order}, keep: true}]
  other:
    by: customer
    match: [{event: task.opened, as: t}]
    then:
      - assert: {fact: right, n: t.data.owner, first: "t.data.owner.substring(0, 1)"}
        keep: true
  pairs:
    by: customer
    match:
      - {event: order.paid, as: o}
      - {fact: left, as: l}
      - {fact: right, as: r, where: r.first == o.data.order}
    then: [{NOTE'pair ' + l.n + r.n"}}]
""".replace("NOTE", NOTE)


def test_matches_fire_in_the_order_of_the_pack_whatever_the_order_of_joining(play: Callable[..., list[str]]) -> None:
    facts = [("task.opened", n, {"owner": owner}) for n, owner in enumerate(("ab", "a", "ac"))]
    events = [*facts, order("1", minute=4), order("2", minute=5), ("order.paid", 6, {"order": "a"})]
    found = [f"pair {left}{right}" for left in "12" for right in ("ab", "a", "ac")]
    assert play(PLANNED, *events) == found


RUNAWAY = """
  start:
    by: customer
    match: [{event: order.placed, as: o}]
    then: [{assert: {fact: number, n: 0}, keep: true}]
  grow:
    by: customer
    match: [{fact: number, as: f}]
    then: [{assert: {fact: number, n: f.n + 1}, keep: true}]
"""


def test_a_runaway_rule_ends_in_an_error_outcome(play: Callable[..., list[str]]) -> None:
    assert play(RUNAWAY, order("a")) == ["!firing_budget"]


def test_a_pack_says_how_many_firings_one_event_may_set_off(open_pack: Any, event: Any) -> None:
    steady = RUNAWAY.replace("number, as: f}", "number, as: f, where: f.n < 300}")
    for firings, found in (("", ["firing_budget"]), (", firings: 400", [])):
        pack = FRAME.format(rules=steady).replace('version: "1"', f'version: "1"{firings}')
        engine = open_pack(pack)
        engine.put("customer", {"id": "c1", "tier": "KA"})
        records = engine.handle(event("order.placed", "2026-03-02T10:00", customer_id="c1", order="a", amount=1.0))
        assert [one["code"] for one in records if one["kind"] == "error"] == found


WAITING = """
  silent:
    by: customer
    match: [{event: order.placed, within: 30d, as: o}]
    when: now - o.time > hours(3)
    then: [{emit: noted, data: {customer_id: o.data.customer_id, what: "'silent ' + o.data.order"}}]
"""


def test_a_rule_that_compares_an_age_wakes_by_itself_and_fires_once(play: Callable[..., list[str]]) -> None:
    assert play(WAITING, order("a"), until="2026-03-02T13:00:00+08:00") == []
    assert play(WAITING, order("a"), until="2026-03-02T13:00:01+08:00") == ["silent a"]
    assert play(WAITING, order("a"), order("b", minute=30), until="2026-03-05T13:00:01+08:00") == [
        "silent a",
        "silent b",
    ]


def test_a_condition_that_fails_is_an_error_and_its_rule_does_not_fire(play: Callable[..., list[str]]) -> None:
    rule = """
  bad:
    by: customer
    match: [{event: order.placed, as: o}]
    when: 10 / size(o.data.order.substring(1)) > 1
    then: [{NOTE'fired'"}}]
""".replace("NOTE", NOTE)
    assert play(rule, order("a"), order("abc")) == ["!division_by_zero", "fired"]
