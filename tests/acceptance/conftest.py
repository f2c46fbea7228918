"""The sales packs over a small team, driven in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine import Engine

KNOWN = "2026-01-01T00:00:00+08:00"
DOOR = {"lat": 30.25, "lon": 120.16}
Record = dict[str, Any]


class Team:
    """An engine with the sales packs, two reps under one manager, and some customers; every outcome is kept."""

    def __init__(self, engine: Engine, event: Callable[..., Record]) -> None:
        self.engine = engine
        self.records: list[Record] = []
        self._event = event

    def known(self, at: str = KNOWN) -> Team:
        """Make the people and customers known."""
        reps = [("m1", "1", None), ("r1", "1003", "m1"), ("r2", "1004", "m1"), ("r3", "A", "m1")]
        for number, employee_no, manager in reps:
            data = {"id": number, "employee_no": employee_no, "name": f"{number} 李", "active": True}
            self.put("rep", at, **data, **({"manager": manager} if manager else {}))
        for number, tier in (("c1", "KA"), ("c2", "A"), ("c3", "B")):
            self.put("customer", at, id=number, name=f"客户 {number}", tier=tier, industry="烘焙", **DOOR)
        return self

    def put(self, entity: str, at: str = KNOWN, /, **data: Any) -> None:
        """Put an entity."""
        self.records += self.engine.put(entity, data, at)

    def send(self, kind: str, time: str, /, **data: Any) -> list[Record]:
        """Handle an event of Shanghai time; answers its records."""
        return self.handle(self._event(kind, time, **data))

    def handle(self, line: Any) -> list[Record]:
        """Handle a whole line."""
        found = list(self.engine.handle(line))
        self.records += found
        return found

    def advance(self, time: str) -> list[Record]:
        """Let time pass to an instant of Shanghai."""
        found = list(self.engine.advance(f"{time}{':00' if len(time) == 16 else ''}+08:00"))
        self.records += found
        return found

    def visit(self, number: str, time: str, *, rep: str = "r1", customer: str = "c1", feedback: bool = True) -> None:
        """A visit that was closed, and its feedback right after."""
        self.send("visit.closed", time, visit_id=number, rep_id=rep, customer_id=customer)
        if feedback:
            self.send("feedback.submitted", time, visit_id=number, rep_id=rep, customer_id=customer, text="好")

    def check_in(self, number: str, time: str, **changed: Any) -> list[Record]:
        """A check-in with all its evidence, at the customer's door; `changed` fields replace those, None removes one."""
        data = {
            "visit_id": number,
            "rep_id": "r1",
            "customer_id": "c1",
            **DOOR,
            "device_id": "phone-1",
            "device_time": f"{time}:00+08:00",
            "photo_hash": f"photo-{number}",
            "notes": "谈了新品",
        }
        data.update(changed)
        return self.send("visit.checked_in", time, **{name: value for name, value in data.items() if value is not None})

    def of(self, kind: str, **fields: Any) -> list[Record]:
        """The records of a kind with these fields, so far."""
        return [one for one in self.records if one["kind"] == kind and all(one.get(k) == v for k, v in fields.items())]

    def levels(self, key: str, alert: str = "visit_discipline") -> list[tuple[str, str, str]]:
        """The alert records of a key: (when, level, status)."""
        return [(one["at"], one["level"], one["status"]) for one in self.of("alert", name=alert, key=key)]


@pytest.fixture
def open_team(event: Callable[..., Record]) -> Iterator[Callable[..., Team]]:
    """`open_team(store=…, **params)`: a team over a store, people known since January."""
    engines: list[Engine] = []

    def open_it(store: str = "memory:", *, known: bool = True, **params: Any) -> Team:
        engine = Engine.open("sales", store, params=params)
        engines.append(engine)
        team = Team(engine, event)
        return team.known() if known else team

    yield open_it
    for engine in engines:
        engine.close()


@pytest.fixture
def team(open_team: Callable[..., Team]) -> Team:
    """A team in memory."""
    return open_team()
