"""Rules over what a partition has one of: its metrics and its workflows, under names of the rule's own."""

from collections.abc import Callable

from tests.unit.core.shop import Shop

BUSY = """
  busy:
    by: shop
    match:
      - {metric: orders, as: today, where: today.now >= 2}
      - {workflow: desk, as: d, where: d.state == 'busy'}
    then: [NOTE "'busy ' + string(today.now)"}}, {assert: {fact: strained, who: key}}]
  there:
    by: shop
    match: [{event: ask, as: a}, {fact: strained, as: s}, {metric: orders, as: m}]
    when: m.now > a.data.n
    then: [NOTE "'strained'"}}]
"""


def test_a_rule_over_a_metric_and_a_workflow_follows_both(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(BUSY)
    assert shop.send("order", "02T10:00") == []
    assert shop.send("order", "02T10:01") == ["busy 2"]
    assert shop.send("ask", "02T10:02", 1) == ["strained"]
    assert shop.send("ask", "02T10:03", 2) == []
    assert shop.send("ask", "02T12:00", 1) == ["strained"]
    assert shop.send("ask", "02T12:01", 1) == []


STARTED = """
  started:
    by: shop
    match: [{event: ask, as: a}, {workflow: desk}]
    then: [NOTE "'started'"}}]
"""


def test_a_workflow_that_has_not_started_matches_no_pattern(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(STARTED)
    assert shop.send("ask", "02T10:00") == []
    shop.send("order", "02T10:01")
    assert shop.send("ask", "02T10:02") == ["started"]
