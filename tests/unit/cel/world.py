"""The small world that the tests of expressions live in, and one way to evaluate that never trusts one evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.cel import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Binding,
    CelError,
    Checked,
    EnumType,
    Field,
    HostFunction,
    ListType,
    MapType,
    Method,
    RecordType,
    RefType,
    Scope,
    check,
    compile_expression,
    trace,
)

NOW = datetime(2026, 3, 4, 10, 0, 0, tzinfo=UTC)

ITEM = RecordType("item", {"price": Field(DOUBLE), "count": Field(INT), "at": Field(TIMESTAMP)})
VISIT = RecordType(
    "visit.closed",
    {
        "amount": Field(DOUBLE),
        "count": Field(INT),
        "region": Field(STRING),
        "tier": Field(EnumType(("KA", "A", "B", "C"))),
        "closed": Field(BOOL),
        "at": Field(TIMESTAMP),
        "took": Field(DURATION),
        "tags": Field(ListType(STRING)),
        "numbers": Field(ListType(INT)),
        "items": Field(ListType(ITEM)),
        "scores": Field(MapType(STRING, INT)),
        "rep_id": Field(RefType("rep")),
        "purpose": Field(STRING, optional=True),
        "discount": Field(DOUBLE, optional=True),
        "due": Field(TIMESTAMP, optional=True),
        "customer_id": Field(RefType("customer"), optional=True),
        "extra": Field(DYN),
    },
    open=True,
)
REP = RecordType(
    "rep",
    {"name": Field(STRING), "active": Field(BOOL), "manager": Field(RefType("rep"), optional=True)},
)
CUSTOMER = RecordType("customer", {"name": Field(STRING), "tier": Field(STRING, optional=True)})
METRIC = RecordType(
    "metric",
    {
        "now": Field(INT, access="attr", optional=True),
        "target": Field(INT, access="attr"),
        "count": Field(INT, access="attr"),
        "oldest": Field(DURATION, access="attr", ages="since"),
    },
    methods={"last": Method((INT,), ListType(INT))},
    series=INT,
)
METRICS = RecordType("metrics", {"visits": Field(METRIC), "missing": Field(METRIC)})
PARAMS = RecordType("params", {"limit": Field(INT), "tiers": Field(ListType(STRING)), "stall": Field(DURATION)})


def days_between(start: datetime, end: datetime) -> int:
    if end < start:
        raise ValueError("the end is before the start")
    return (end - start).days


SCOPE = Scope(
    bindings={
        "data": Binding(VISIT, "e.data"),
        "now": Binding(TIMESTAMP, "e.now", ticks=True),
        "metrics": Binding(METRICS, "e.metrics"),
        "rep": Binding(REP, "e.entity('rep')"),
        "customer": Binding(CUSTOMER, "e.entity('customer')", optional=True),
        "params": Binding(
            PARAMS, "e.params", constant={"limit": 3, "tiers": ["KA", "A"], "stall": timedelta(hours=72)}
        ),
        "any": Binding(DYN, "e.any"),
    },
    entities={"rep": REP, "customer": CUSTOMER},
    functions={"days_between": HostFunction((TIMESTAMP, TIMESTAMP), INT, days_between)},
)


@dataclass
class Series:
    closed: list[int] = field(default_factory=list)
    now: int | None = None
    target: int = 3
    count: int = 0
    oldest: timedelta = timedelta(0)
    since: datetime | None = None

    def last(self, k: int) -> list[int]:
        return self.closed[:k]


DATA: Mapping[str, Any] = {
    "amount": 2000,
    "count": 7,
    "region": "east",
    "tier": "KA",
    "closed": False,
    "at": NOW - timedelta(days=3),
    "took": timedelta(minutes=90),
    "tags": ["new", "医院"],
    "numbers": [3, 1, 2],
    "items": [
        {"price": 2.5, "count": 2, "at": NOW - timedelta(days=2)},
        {"price": 10, "count": 0, "at": NOW - timedelta(days=1)},
    ],
    "scores": {"a": 1, "b": 2},
    "rep_id": "r1",
    "extra": {"nested": [1, 2.5, "x"]},
}
ENTITIES: Mapping[str, Mapping[str, Any]] = {
    "rep": {
        "r1": {"name": "王芳", "active": True, "manager": "m1"},
        "m1": {"name": "李雷", "active": True},
    },
    "customer": {"c1": {"name": "长江医院", "tier": "KA"}},
}


class World:
    """The environment `e` of an evaluation. Keyword arguments replace or, when `...`, remove fields of `data`."""

    def __init__(self, now: datetime = NOW, **data: Any) -> None:
        self.now = now
        merged = {**DATA, **data}
        self.data = {name: value for name, value in merged.items() if value is not ...}
        self.metrics = {"visits": Series([1, 1, 4], target=3), "missing": Series()}
        self.any: Any = merged.get("extra")
        self.scoped = {"rep": "r1", "customer": None}

    def entity(self, name: str) -> Any:
        key = self.scoped[name]
        return None if key is None else ENTITIES[name][key]

    def ref(self, name: str, key: str) -> Any:
        if key not in ENTITIES[name]:
            raise CelError("unknown_reference", f"no {name} {key}")
        return ENTITIES[name][key]


def outcome(checked: Checked, e: Any) -> Any:
    """The value, or `!code`; the compiled code and the exact evaluator must say the same, types included."""
    exact = trace(checked, e)
    if exact.error is not None:
        with pytest.raises(CelError) as caught:
            compile_expression(checked)(e)
        failure = caught.value
        expected = (exact.error.code, exact.error.start, exact.error.end)
        assert (failure.code, failure.start, failure.end) == expected
        return f"!{failure.code}"
    found = compile_expression(checked)(e)
    assert repr(found) == repr(exact.value), f"{checked.node.text}: {found!r}, exactly {exact.value!r}"
    return found


def run(text: str, e: Any = None, scope: Scope = SCOPE) -> Any:
    """Check and evaluate an expression that must have no problems."""
    checked = check(text, scope)
    assert checked.problems == (), checked.problems
    return outcome(checked, World() if e is None else e)


def problems(text: str, scope: Scope = SCOPE, **options: Any) -> list[str]:
    """The codes of an expression's problems."""
    return [problem.code for problem in check(text, scope, **options).problems]
