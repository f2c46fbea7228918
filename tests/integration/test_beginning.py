"""Time begins with the earliest event that is taken; what is refused says nothing about time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.core.calendar import to_micros
from engine.runtime.admission import Door
from engine.runtime.feed import Feed
from engine.runtime.instants import moment

Line = dict[str, Any]
TEAM = [
    {"entity": "rep", "data": {"id": "m1", "employee_no": "1", "active": True}},
    {"entity": "rep", "data": {"id": "r1", "employee_no": "2", "active": True, "manager": "m1"}},
    {"entity": "rep", "data": {"id": "late", "employee_no": "3", "active": True}, "at": "2026-03-18T00:00:00+08:00"},
    {"entity": "customer", "data": {"id": "c1", "name": "c1", "tier": "KA", "industry": "bakery"}},
]


def visit(number: str, time: str, **changes: Any) -> Line:
    data = {"visit_id": number, "rep_id": "r1", "customer_id": "c1", **changes}
    return {"id": number, "source": "app", "type": "visit.closed", "time": f"2026-03-{time}:00+08:00", "data": data}


FIRST, NEXT, LAST = visit("v1", "12T10:00"), visit("v2", "13T10:00"), visit("v3", "20T10:00")
"""A Thursday, the day after it, and the Friday of the week after."""


def feed(lines: list[Line], team: list[Line] = TEAM) -> Feed:
    events = [(json.dumps(line).encode(), f"events:{number}") for number, line in enumerate(lines, 1)]
    return Feed(events, [(json.dumps(line).encode(), f"team:{number}") for number, line in enumerate(team, 1)])


def played(lines: list[Line]) -> tuple[list[str], list[tuple[str, str, str]], str | None]:
    """The codes of rejects, the alert levels, and when r1 became known."""
    engine = Engine.open("sales")
    records = [json.loads(line) for batch in feed(lines).play(engine) for line in batch]
    engine.advance("2026-03-23T00:00:00+08:00")
    since = engine.program.calendar.stamp(engine._session.entities.first("rep", "r1"))
    rejects = [one["code"] for one in records if one["kind"] == "reject"]
    return rejects, [(one["key"], one["at"], one["level"]) for one in records if one["kind"] == "alert"], since


def earliest(lines: list[Line]) -> int | None:
    asked = feed(lines)
    return Engine.open("sales").earliest([line for line, _ in asked.events], asked.entities)


def at(time: str) -> int:
    return to_micros(moment(f"2026-03-{time}:00+08:00"))


REFUSED = [
    ("unknown_type", {**visit("x", "04T10:00"), "type": "visit.imagined"}),
    ("unknown_reference", visit("x", "09T10:00", rep_id="nobody")),
    ("unknown_reference", visit("x", "09T10:00", rep_id="late")),
    ("missing_field", visit("x", "09T10:00", customer_id=None)),
    ("wrong_type", {**visit("x", "09T10:00"), "time": "0001-01-01T00:00:00+08:00"}),
    ("wrong_type", {**visit("x", "09T10:00"), "time": "1969-01-01T00:00:00Z"}),
    ("wrong_type", {**visit("x", "09T10:00"), "time": "2026-03-09T10:00:00"}),
    ("reserved_type", {**visit("x", "09T10:00"), "type": "timer.fired"}),
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("code", "line"), REFUSED)
def test_a_refused_line_does_not_start_time(code: str, line: Line, place: int) -> None:
    lines = [FIRST, NEXT, LAST]
    rejects, *rest = played([*lines[:place], line, *lines[place:]])
    assert rejects == [code]
    assert rest == list(played(lines)[1:])
    assert rest[1] == "2026-03-12T00:00:00+08:00"


def test_a_line_too_late_for_its_place_does_not_start_time() -> None:
    old = visit("old", "11T10:00")
    assert earliest([FIRST, old, LAST]) == at("11T10:00")
    assert earliest([FIRST, LAST, old]) == at("12T10:00")
    assert played([FIRST, LAST, old])[0] == ["late"]
    assert earliest([FIRST, visit("x", "30T10:00", rep_id="nobody"), old, LAST]) == at("11T10:00")
    assert earliest([FIRST, visit("x", "02T10:00")]) == at("12T10:00")


def test_an_event_in_time_that_happened_before_the_first_line_starts_it() -> None:
    lines = [LAST, NEXT, {**visit("x", "01T10:00"), "type": "visit.imagined"}, visit("v4", "14T10:00")]
    assert earliest(lines) == at("13T10:00")
    assert played(lines)[2] == "2026-03-13T00:00:00+08:00"


def test_where_nothing_is_taken_time_does_not_begin() -> None:
    assert earliest([line for _, line in REFUSED]) is None
    assert earliest([]) is None


def test_of_a_file_in_order_hardly_a_line_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [visit(f"v{n}", f"{2 + n // 400:02}T{n // 60 % 24:02}:{n % 60:02}") for n in range(2_000)]
    lines.sort(key=lambda line: str(line["time"]))
    lines[1_000]["time"] = "2026-03-02T00:00:00+08:00"
    read, asked = Door.read, list[bytes]()

    def counted(door: Door, line: bytes, **how: Any) -> Any:
        asked.append(line)
        return read(door, line, **how)

    monkeypatch.setattr(Door, "read", counted)
    assert earliest([visit("x", "01T10:00", rep_id="nobody"), *lines]) == at("02T00:00")
    assert len(asked) <= 3


def test_time_goes_on_from_where_a_store_had_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    for lines, length in (([FIRST, NEXT], None), ([visit("x", "09T10:00", rep_id="nobody"), FIRST, NEXT], 1)):
        with Engine.open("sales", url) as engine:
            found = [line for batch in feed(lines).play(engine) for line in batch]
            assert length is None or len(found) == length


@pytest.mark.parametrize(("begun", "levels"), [(False, []), (True, ["yellow", "red"])])
def test_a_first_advance_starts_time_at_its_end_and_begin_starts_it_earlier(begun: bool, levels: list[str]) -> None:
    engine = Engine.open("sales")
    engine.load_entities(feed([]).entities, at("01T00:00"))
    if begun:
        engine.begin("2026-03-02T00:00:00+08:00")
        engine.begin("2026-03-09T00:00:00+08:00")
    found = [one["level"] for one in engine.advance("2026-03-16T00:00:00+08:00").alerts if one["key"] == "r1"]
    assert found == levels
    assert str(engine.now) == "2026-03-15 16:00:00+00:00"
