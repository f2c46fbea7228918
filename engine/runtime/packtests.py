"""The packs' own tests: what is given and what happens, in virtual time, and whether it came out as expected."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.core.calendar import to_instant
from engine.core.program import PackTest, Program
from engine.runtime.engine import Engine
from engine.store import open_store

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """How a test went: what did not come out as expected, how long it took in seconds, what it touched."""

    test: PackTest
    failures: tuple[str, ...]
    seconds: float
    touched: frozenset[str] = field(default_factory=frozenset)

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.failures


def run(program: Program) -> Iterator[Result]:
    """Run every test of a program, one by one, each in an empty store in memory."""
    for test in program.tests:
        began = time.perf_counter()
        engine, records = play(program, test)
        failures = tuple(_compare(engine, test, records))
        yield Result(test, failures, time.perf_counter() - began, touched(records))


def play(program: Program, test: PackTest) -> tuple[Engine, list[Record]]:
    """Let a test happen: the engine afterwards, and all its records."""
    engine = Engine(program, open_store("memory:"))
    records: list[Record] = []
    records.extend(engine.load_entities(_given(test), test.start))
    if test.start is not None:
        records.extend(engine.begin(to_instant(test.start)))
    for number, event in enumerate(test.events, 1):
        told = {"id": f"e{number}", "source": "test", **event}
        records.extend(engine.handle(told, role=told.pop("role", ())))
    if test.until is not None:
        records.extend(engine.advance(to_instant(test.until)))
    return engine, records


def _given(test: PackTest) -> Iterator[tuple[bytes, str]]:
    for entity, rows in test.given.items():
        for row in rows:
            yield msgspec.json.encode({"entity": entity, "data": row}), f"given/{entity}"


def _compare(engine: Engine, test: PackTest, records: list[Record]) -> Iterator[str]:
    expect = test.expect
    kinds = {"actions": "action", "emits": "emit", "rejects": "reject", "errors": "error"}
    for section, kind in kinds.items():
        if section in expect or section == "errors":
            actual = [record for record in records if record["kind"] == kind]
            yield from _compare_lists(section, expect.get(section) or [], actual)
    for name, wanted in _levels(expect, "alerts"):
        scope = next(scope for scope, one in engine.program.scopes.items() if any(a.name == name for a in one.alerts))
        for key, level in wanted.items():
            yield from _differs(f"alert {name} of {key}", level, engine.state(scope, key)["alerts"].get(name, "green"))
    for name, wanted in _levels(expect, "transitions"):
        for key, state in wanted.items():
            yield from _differs(f"workflow {name} of {key}", state, _last(records, "transition", name, key, "to"))
    for name, wanted in _levels(expect, "assignments"):
        for key, arm in wanted.items():
            yield from _differs(f"arm of {key} in {name}", arm, _last(records, "assignment", name, key, "variant"))
    for name, ids in _levels(expect, "popups"):
        shown = [
            [item["id"] for item in one["items"]] for one in records if one["kind"] == "popup" and one["name"] == name
        ]
        yield from _differs(f"pop-up {name}", list(ids), shown[-1] if shown else None)


def _levels(expect: Mapping[str, Any], section: str) -> Iterable[tuple[str, Any]]:
    return (expect.get(section) or {}).items()


def _differs(what: str, wanted: Any, actual: Any) -> Iterator[str]:
    if wanted != actual:
        yield f"{what}: expected {wanted}, got {actual}"


def _last(records: list[Record], kind: str, name: str, key: str, value: str) -> Any:
    found = [one[value] for one in records if one["kind"] == kind and one["name"] == name and one["key"] == key]
    return found[-1] if found else None


def _compare_lists(section: str, wanted: list[Any], actual: list[Record]) -> Iterator[str]:
    """Every expected item has a record of its own that has all its fields, and no record is left over."""
    rest = list(actual)
    for item in wanted:
        found = next((record for record in rest if _has(record, item)), None)
        if found is None:
            yield f"{section}: expected {item}, not found among {[_brief(one) for one in actual]}"
        else:
            rest.remove(found)
    for record in rest:
        yield f"{section}: not expected: {_brief(record)}"


def _has(record: Any, item: Any) -> bool:
    if isinstance(item, Mapping):
        return isinstance(record, Mapping) and all(
            name in record and _has(record[name], value) for name, value in item.items()
        )
    return bool(record == item)


def _brief(record: Record) -> dict[str, Any]:
    hidden = ("kind", "id", "at", "revision", "values", "place")
    return {name: value for name, value in record.items() if name not in hidden and value is not None}


def touched(records: Iterable[Record]) -> frozenset[str]:
    """The parts of the pack that decided anything: `alert NAME red`, `workflow NAME state`, `popup NAME`, …"""
    found: set[str] = set()
    for record in records:
        kind, name = record["kind"], record["name"]
        if kind == "transition":
            found.update(f"workflow {name} {state}" for state in str(record["to"]).split("+"))
        elif kind == "alert":
            found.add(f"alert {name} {record['level']}")
        elif kind in ("popup", "assignment"):
            found.add(f"{'popup' if kind == 'popup' else 'experiment'} {name}")
        elif kind in ("emit", "action"):
            found.add(f"rule {name}")
    return frozenset(found)


def parts(program: Program) -> list[str]:
    """Everything that a test could touch, in the words of `touched`."""
    found: list[str] = []
    for scope in program.scopes.values():
        for chart in scope.workflows:
            found += [
                f"workflow {chart.name} {one.path}" for one in chart.states.values() if one.kind in ("atomic", "final")
            ]
        for alert in scope.alerts:
            found += [f"alert {alert.name} {level}" for level, _ in alert.levels]
        found += [f"rule {rule.name}" for rule in scope.rules]
        found += [f"popup {popup.name}" for popup in scope.popups]
        found += [f"experiment {one.name}" for one in scope.experiments]
    return found
