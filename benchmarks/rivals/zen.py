"""zen-engine: one decision table, evaluated for each event."""

from __future__ import annotations

import json
from typing import Any

import zen

from benchmarks.deals import Deal, rules


def alpha(count: int) -> Any:
    """The rules as the rows of a table that collects all that hold."""
    decision = zen.ZenEngine().create_decision(json.dumps(_model(count)))

    def feed(found: list[Deal], _run: int) -> int:
        fired = 0
        for one in found:
            asked = {"type": one.type, "region": one.region, "amount": one.amount}
            fired += len(decision.evaluate(asked)["result"])
        return fired

    return feed


def _model(count: int) -> dict[str, Any]:
    inputs = [{"id": name, "name": name, "field": name} for name in ("type", "region", "amount")]
    rows = [
        {
            "_id": f"row{i}",
            "type": f'"{one.type}"',
            "region": f'"{one.region}"',
            "amount": f"> {one.amount}",
            "rule": f'"rule{i}"',
        }
        for i, one in enumerate(rules(count))
    ]
    outputs = [{"id": "rule", "name": "rule", "field": "rule"}]
    table = {"hitPolicy": "collect", "inputs": inputs, "outputs": outputs, "rules": rows}
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [("in", "table"), ("table", "out")]
    return {
        "nodes": [{**node, "position": {"x": 0, "y": 0}} for node in nodes],
        "edges": [{"id": a + b, "sourceId": a, "targetId": b, "type": "edge"} for a, b in edges],
    }
