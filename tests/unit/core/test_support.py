"""Truth maintenance: what conclusions rest on, what rules without a current event follow, firings that are all or nothing."""

from collections.abc import Callable
from typing import Any

from tests.unit.core.shop import Shop

BASKETS = """
  basket:
    by: shop
    match: [{event: order, as: o, where: has(o.data.tags)}]
    then: [{assert: {fact: basket, n: o.data.n, tags: o.data.tags}, keep: true}]
  same:
    by: shop
    match:
      - {event: stop, as: s, where: has(s.data.tags)}
      - {fact: basket, as: b, where: b.tags == s.data.tags}
    then: [NOTE string(b.n)}}]
"""


def test_facts_are_joined_on_lists(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(BASKETS)
    shop.send("order", "02T10:00", 1, tags=["a", "b"])
    shop.send("order", "02T10:01", 2, tags=["b"])
    shop.send("order", "02T10:02", 3, tags=["a", "b"])
    assert shop.send("stop", "02T10:03", tags=["a", "b"]) == ["1", "3"]
    assert shop.send("stop", "02T10:04", tags=["a"]) == []


def test_equal_facts_are_one_fact_also_when_they_hold_lists(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(BASKETS)
    for minute in range(3):
        shop.send("order", f"02T10:0{minute}", 1, tags=["a", "b"])
    assert [(fact.fields, fact.supports) for fact in shop.memory.facts.values()] == [({"n": 1, "tags": ["a", "b"]}, 3)]


CHAIN = """
  root:
    by: shop
    match: [{event: order, as: o, where: o.data.n == 0}]
    then: [{assert: {fact: link, n: 0}, keep: true}]
  link:
    by: shop
    match:
      - {event: order, as: o}
      - {fact: link, as: l, where: l.n == o.data.n}
    then: [{assert: {fact: link, n: l.n + 1}}]
  cut:
    by: shop
    match:
      - {event: stop, as: s}
      - {fact: link, as: l, where: l.n == s.data.n}
    then: [{retract: l}]
  there:
    by: shop
    match:
      - {event: ask, as: a}
      - {fact: link, as: l, where: l.n == a.data.n}
    then: [NOTE "'there'"}}]
"""


def test_a_long_chain_of_conclusions_goes_with_its_first_link(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(CHAIN)
    for n in range(700):
        shop.send("order", f"02T{10 + n // 60:02}:{n % 60:02}", n)
    assert shop.send("ask", "03T10:00", 700) == ["there"]
    shop.send("stop", "03T10:01", 1)
    assert shop.send("ask", "03T10:02", 700) == []
    assert [fact.fields for fact in shop.memory.facts.values()] == [{"n": 0}]
    assert shop.memory.activations == {}


OPEN = """
  held:
    by: shop
    match: [{event: stop, as: s}]
    then: [{assert: {fact: hold, n: s.data.n, tier: shop.tier}, keep: true}]
  open:
    by: shop
    match:
      - {event: order, as: o}
      - {none: hold, as: h, where: h.n == data.n || h.n == 100 && h.tier == shop.tier}
    then: [{assert: {fact: opened, n: o.data.n}}]
  there:
    by: shop
    match:
      - {event: ask, as: a}
      - {fact: opened, as: f, where: f.n == a.data.n}
    then: [NOTE "'open'"}}]
"""


def test_a_conclusion_is_judged_again_with_the_event_that_it_was_drawn_from(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(OPEN)
    shop.send("order", "02T10:00", 1)
    shop.send("order", "02T10:01", 2)
    assert shop.send("stop", "02T10:02", 2) == []
    assert shop.send("ask", "02T10:03", 1) == ["open"]
    assert shop.send("ask", "02T10:04", 2) == []


def test_a_conclusion_is_judged_again_with_entities_as_of_its_event(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(OPEN)
    shop.send("order", "02T10:00", 1)
    shop.tier("B", "2026-03-02T11:00:00+08:00")
    shop.send("stop", "02T12:00", 100)
    assert shop.send("ask", "02T12:01", 1) == ["open"]
    shop.tier("A", "2026-03-02T13:00:00+08:00")
    shop.send("stop", "02T14:00", 100)
    assert shop.send("ask", "02T14:01", 1) == []


def test_a_conclusion_is_judged_as_its_own_after_a_restart(open_shop: Callable[..., Shop], tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    first = open_shop(OPEN, store=store)
    first.send("order", "02T10:00", 1)
    first.engine.close()
    shop = open_shop(OPEN, store=store)
    shop.send("stop", "02T10:02", 2)
    assert shop.send("ask", "02T10:03", 1) == ["open"]
    shop.send("stop", "02T10:04", 1)
    assert shop.send("ask", "02T10:05", 1) == []


def test_what_a_rule_of_another_pack_concluded_goes_when_the_rule_is_gone(
    open_shop: Callable[..., Shop], tmp_path: Any
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    first = open_shop(CHAIN, store=store)
    first.send("order", "02T10:00", 0)
    assert first.send("ask", "02T10:01", 1) == ["there"]
    first.engine.close()
    changed = CHAIN.replace(
        "{fact: link, as: l, where: l.n == o.data.n}", "{entity: shop, as: l2}\n      - {fact: link, as: l}"
    )
    assert open_shop(changed, store=store).send("ask", "02T10:02", 1) == []


YOUNG = """
  held:
    by: shop
    match: [{event: stop, as: s}]
    then: [{assert: {fact: hold, n: s.data.n, since: s.time}, keep: true}]
  free:
    by: shop
    match:
      - {event: order, within: 30d, as: o}
      - {none: hold, as: h, where: h.n == o.data.n && now - h.since < hours(2)}
    then: [NOTE "'free ' + string(o.data.n)"}}]
"""


def test_time_inside_an_absence_sets_a_deadline(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(YOUNG)
    shop.send("stop", "02T10:00", 1)
    assert shop.send("order", "02T10:10", 1) == []
    assert shop.advance("02T11:59") == []
    assert shop.advance("02T12:00") == ["free 1"]


STANDING = """
  vip:
    by: shop
    match: [{event: stop, as: s}]
    then: [{assert: {fact: vip, n: s.data.n}, keep: true}]
  follow:
    by: shop
    match: [{fact: vip, as: v}]
    when: CONDITION
    then:
      - {assert: {fact: followed, n: v.n}}
      - NOTE "'holds'"}}
  there:
    by: shop
    match: [{event: ask, as: a}, {fact: followed, as: f, where: f.n == a.data.n}]
    then: [NOTE "'still'"}}]
"""


def test_a_standing_rule_follows_a_metric(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STANDING.replace("CONDITION", "metrics.orders.now >= 2"))
    shop.send("stop", "02T10:00", 1)
    assert shop.send("order", "02T10:01") == []
    assert shop.send("order", "02T10:02") == ["holds"]
    assert shop.send("ask", "02T23:59", 1) == ["still"]
    assert shop.send("ask", "03T00:01", 1) == []


def test_a_standing_rule_follows_a_window_that_closes(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STANDING.replace("CONDITION", "metrics.orders.last(1).exists(n, n < 1)"))
    shop.send("stop", "02T00:00", 1)
    assert shop.advance("02T23:59") == []
    assert shop.advance("03T00:00") == ["holds"]


def test_a_standing_rule_follows_a_workflow(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STANDING.replace("CONDITION", "workflows.desk.state == 'busy'"))
    shop.send("stop", "02T10:00", 1)
    assert shop.send("order", "02T10:01") == ["holds"]
    assert shop.send("ask", "02T12:00", 1) == ["still"]
    assert shop.send("ask", "02T12:02", 1) == []


def test_a_standing_rule_follows_the_entity_of_its_key(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STANDING.replace("CONDITION", "shop.tier == 'B'"))
    shop.send("stop", "02T10:00", 1)
    assert shop.tier("B", "2026-03-02T10:00:00+08:00") == ["holds"]
    assert shop.send("ask", "02T11:00", 1) == ["still"]
    shop.tier("A", "2026-03-02T11:00:00+08:00")
    assert shop.send("ask", "02T11:01", 1) == []


def test_a_standing_rule_sees_entities_of_today_when_an_event_is_late(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STANDING.replace("CONDITION", "shop.tier == 'B'"))
    shop.send("ask", "02T12:00")
    shop.tier("B", "2026-03-02T12:00:00+08:00")
    assert shop.send("stop", "02T10:00", 1) == ["holds"]


FAILING = """
  deal:
    by: shop
    match: [{event: order, as: o}]
    then: [{assert: {fact: deal, n: o.data.n}, keep: true}]
  close:
    by: shop
    match:
      - {event: stop, as: s}
      - {fact: deal, as: d}
    then:
      - {retract: d}
      - {assert: {fact: share, n: 100 / d.n}, keep: true}
  there:
    by: shop
    match: [{event: ask, as: a}, {fact: deal, as: d}]
    then: [NOTE "'deal'"}}]
"""


def test_a_firing_that_fails_retracts_nothing(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(FAILING)
    shop.send("order", "02T10:00", 0)
    assert shop.send("stop", "02T10:01") == ["!division_by_zero"]
    assert shop.send("ask", "02T10:02") == ["deal"]


SOMETIMES = """
  open:
    by: shop
    match: [{event: order, as: o}]
    then: [{assert: {fact: deal, n: o.data.n}, keep: true}]
  close:
    by: shop
    match:
      - {event: stop, as: s}
      - {fact: deal, as: d}
    then: [{retract: d, when: d.n / s.data.n > 1}]
  there:
    by: shop
    match: [{event: ask, as: a}, {fact: deal, as: d}]
    then: [NOTE string(d.n)}}]
"""


def test_a_fact_is_retracted_only_where_the_effect_says_so(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(SOMETIMES)
    for n in (1, 8):
        shop.send("order", f"02T10:0{n}", n)
    assert shop.send("stop", "02T10:10", 0) == ["!division_by_zero"] * 2
    assert shop.send("ask", "02T10:11") == ["1", "8"]
    assert shop.send("stop", "02T10:12", 3) == []
    assert shop.send("ask", "02T10:13") == ["1"]


FORGETTING = """
  mark:
    by: shop
    match: [{event: ask, as: a}]
    then: [{assert: {fact: mark, n: a.data.n}, keep: true}]
  plain:
    by: shop
    match: [{event: order, as: o}]
    then: [{assert: {fact: seen, n: o.data.n}}]
  kept:
    by: shop
    match: [{event: order, as: o}, {fact: mark, as: m}]
    then: [{assert: {fact: both, n: o.data.n}, keep: true}]
  logical:
    by: shop
    match: [{event: order, as: o}, {fact: mark, as: m}]
    then: [{assert: {fact: open, n: o.data.n}}]
  done:
    by: shop
    match: [{event: stop, as: s}, {fact: open, as: f, where: f.n == s.data.n}]
    then: [{retract: f}]
"""


def test_activations_of_events_are_kept_only_while_conclusions_rest_on_them(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(FORGETTING)
    shop.send("ask", "02T09:00", 1)
    for n in range(5):
        shop.send("order", f"02T10:0{n}", n)
    assert sorted(one.rule for one in shop.memory.activations.values()) == ["logical"] * 5
    for n in range(5):
        shop.send("stop", f"02T10:1{n}", n)
    assert shop.memory.activations == {}
    assert sorted(fact.name for fact in shop.memory.facts.values()) == ["both"] * 5 + ["mark"] + ["seen"] * 5
