"""durable-rules: `post` of a message with a callback into Python."""

from __future__ import annotations

from typing import Any

from durable.lang import assert_fact, c, m, post, ruleset, when_all

from benchmarks.deals import LEAST, Deal, Order, customers, rules


def alpha(count: int) -> Any:
    """The rules over one message."""
    fired = [0]

    def called(_context: Any) -> None:
        fired[0] += 1

    with ruleset("deals"):
        for one in rules(count):
            when_all((m.type == one.type) & (m.region == one.region) & (m.amount > one.amount))(called)

    def feed(found: list[Deal], run: int) -> int:
        fired[0] = 0
        for i, one in enumerate(found):
            post("deals", {"id": f"{run}.{i}", "type": one.type, "region": one.region, "amount": one.amount})
        return fired[0]

    return feed


def join(count: int) -> Any:
    """A message joined with one of the facts that are held."""
    fired = [0]

    def called(_context: Any) -> None:
        fired[0] += 1

    with ruleset("orders"):
        known = c.known << (m.kind == "customer") & (m.tier == "KA")
        placed = c.placed << (m.kind == "order") & (m.amount > LEAST) & (m.customer == c.known.number)
        when_all(known, placed)(called)
    for i, number in enumerate(customers(count)):
        assert_fact("orders", {"id": f"f{i}", "kind": "customer", "number": number, "tier": "KA"})

    def feed(found: list[Order], run: int) -> int:
        fired[0] = 0
        for i, one in enumerate(found):
            post("orders", {"id": f"{run}.{i}", "kind": "order", "customer": one.customer, "amount": one.amount})
        return fired[0]

    return feed
