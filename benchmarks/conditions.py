"""Conditions a second: compiled CEL beside a plain Python lambda that asks the same of the same dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from benchmarks.figure import Figure, Size, Work, timed
from engine.cel import (
    BOOL,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP,
    Binding,
    Field,
    ListType,
    RecordType,
    Scope,
    check,
    compile_expression,
)

TOPIC = "conditions"
WANTED = 2.0
TWO_DAYS = timedelta(hours=48)
ROUNDS = 5
"""Each run of a condition is the fastest of so many: a condition is so short that anything else would measure the machine."""

Row = Mapping[str, Any]

ITEM = RecordType("item", {"sku": Field(STRING), "price": Field(DOUBLE)})
DATA = RecordType(
    "deal",
    {
        "tier": Field(STRING),
        "region": Field(STRING),
        "amount": Field(DOUBLE),
        "visits": Field(INT),
        "items": Field(ListType(ITEM)),
        "opened": Field(TIMESTAMP),
        "closed": Field(TIMESTAMP),
    },
)
SCOPE = Scope({"data": Binding(DATA, "e.data")})


@dataclass(frozen=True, slots=True)
class World:
    """What a compiled condition is asked of: as in the engine, a thing with `data`."""

    data: Row


@dataclass(frozen=True, slots=True)
class Condition:
    """The same question in both languages. `wanted`: at most so many times the lambda."""

    name: str
    text: str
    plain: Callable[[Row], bool]
    wanted: float | None = None


CONDITIONS = (
    Condition("equality", "data.tier == 'KA'", lambda d: d["tier"] == "KA"),
    Condition(
        "4 terms",
        "data.tier == 'KA' && data.region == 'east' && data.amount > 1000.0 && data.visits < 3",
        lambda d: d["tier"] == "KA" and d["region"] == "east" and d["amount"] > 1000.0 and d["visits"] < 3,
        WANTED,
    ),
    Condition(
        "exists over 20 rows",
        "data.items.exists(i, i.price > 950.0)",
        lambda d: any(i["price"] > 950.0 for i in d["items"]),
    ),
    Condition(
        "timestamp difference",
        "data.closed - data.opened > duration('48h')",
        lambda d: d["closed"] - d["opened"] > TWO_DAYS,
    ),
)


def measure(size: Size) -> Iterator[Figure]:
    """Microseconds a condition, the lambda's, and how many times the lambda that is."""
    rows = _rows(max(200, size.events // 60))
    for one in CONDITIONS:
        yield from _compare(one, rows, size)


@contextmanager
def work(size: Size) -> Iterator[Work]:
    """The condition of four terms over all rows."""
    worlds = [World(row) for row in _rows(max(200, size.events // 60))]
    run = compiled(CONDITIONS[1].text)
    yield lambda: _asked(run, worlds, max(1, size.events // 300))


def compiled(text: str) -> Callable[[Any], bool]:
    """The condition as the engine compiles it."""
    checked = check(text, SCOPE, BOOL)
    checked.require_sound()
    return compile_expression(checked)


def _compare(one: Condition, rows: list[Row], size: Size) -> Iterator[Figure]:
    worlds = [World(row) for row in rows]
    run, plain = compiled(one.text), one.plain
    if [run(world) for world in worlds] != [plain(row) for row in rows]:
        raise RuntimeError(f"{one.name}: the two do not ask the same")
    repeats = max(1, size.events // 300)
    pairs = [(_fastest(run, worlds, repeats), _fastest(plain, rows, repeats)) for _ in range(size.runs)]
    ours, floors = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    ratio = median(mine / floor for mine, floor in pairs)
    yield Figure(TOPIC, one.name, median(ours), "µs", "cpu", ours)
    yield Figure(TOPIC, f"{one.name}, lambda", median(floors), "µs", "cpu", floors)
    yield Figure(TOPIC, f"{one.name}: times the lambda", ratio, "×", "cpu", (), one.wanted, most=True)


def _fastest(ask: Callable[[Any], bool], things: list[Any], repeats: int) -> float:
    """Microseconds to ask once: the fastest of some rounds."""
    asked = len(things) * repeats
    return min(timed(lambda: _asked(ask, things, repeats)).cpu / asked * 1e6 for _ in range(ROUNDS))


def _asked(ask: Callable[[Any], bool], things: list[Any], repeats: int) -> None:
    for _ in range(repeats):
        for thing in things:
            ask(thing)


def _rows(count: int) -> list[Row]:
    """Rows for which every term is looked at, and the last of twenty items decides."""
    opened = datetime(2026, 3, 2, 2, tzinfo=UTC)
    return [
        {
            "tier": "KA",
            "region": "east",
            "amount": 1500.0 + i,
            "visits": i % 4,
            "items": [{"sku": f"s{k}", "price": 50.0 * k + 1} for k in range(20)],
            "opened": opened,
            "closed": opened + timedelta(hours=40 + i % 20),
        }
        for i in range(count)
    ]
