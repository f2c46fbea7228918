"""Drools by drools_jpy: a Java machine inside the process, events as JSON, callbacks into Python."""

from __future__ import annotations

import json
import logging
from typing import Any

from drools.rule import Rule
from drools.ruleset import Ruleset, post

from benchmarks.deals import Deal, rules

logging.basicConfig(level=logging.ERROR)


def alpha(count: int) -> Any:
    """The rules over one event."""
    fired = [0]

    def called(_matches: Any) -> None:
        fired[0] += 1

    written = [_rule(f"rule{i}", one) for i, one in enumerate(rules(count))]
    described = {"name": "deals", "hosts": ["all"], "sources": [], "rules": written}
    ruleset = Ruleset(name="deals", serialized_ruleset=json.dumps(described))
    for i in range(count):
        ruleset.add_rule(Rule(f"rule{i}", called))

    def feed(found: list[Deal], _run: int) -> int:
        fired[0] = 0
        for one in found:
            post("deals", json.dumps({"type": one.type, "region": one.region, "amount": one.amount}))
        return fired[0]

    return feed


def _rule(name: str, one: Deal) -> dict[str, Any]:
    kind = _comparison("EqualsExpression", "type", {"String": one.type})
    region = _comparison("EqualsExpression", "region", {"String": one.region})
    amount = _comparison("GreaterThanExpression", "amount", {"Float": one.amount})
    both = {"AndExpression": {"lhs": kind, "rhs": region}}
    condition = {"AllCondition": [{"AndExpression": {"lhs": both, "rhs": amount}}]}
    actions = [{"Action": {"action": "call", "action_args": {}}}]
    return {"Rule": {"name": name, "condition": condition, "actions": actions, "enabled": True}}


def _comparison(kind: str, field: str, value: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"lhs": {"Event": field}, "rhs": value}}
