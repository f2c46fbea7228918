"""Visits and quotes that go round: events that each reach three partitions (visit or quote, rep, customer) of a fixed set of keys."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from benchmarks.mix import START
from engine import Engine

VISIT = ("visit.closed", "feedback.submitted")
QUOTE = ("quote.sent", "quote.replied", "quote.sent", "quote.replied", "quote.accepted")
FIRST = {"visit": "visit.planned", "quote": "quote.created"}

_encode = msgspec.json.Encoder().encode


class Cycles:
    """`keys` partitions in all: one in a hundred a rep, two in ten a customer, the others visits and quotes in equal parts."""

    def __init__(self, seed: int, keys: int) -> None:
        self._dice = random.Random(seed)
        self.reps = [f"r{i}" for i in range(max(1, keys // 100))]
        self.customers = [f"c{i}" for i in range(keys // 5)]
        each = (keys - len(self.reps) - len(self.customers)) // 2
        self._courses: list[tuple[str, str, dict[str, Any]]] = []
        for kind in ("visit", "quote"):
            for i in range(each):
                who = {f"{kind}_id": f"{kind[0]}{i}", "rep_id": self.reps[i % len(self.reps)]}
                who["customer_id"] = self.customers[i % len(self.customers)]
                self._courses.append((kind, f"{kind[0]}{i}", who))
        self._next = 0

    def open(self, engine: Engine) -> None:
        """Make the entities known, and touch every key once."""
        people: list[dict[str, Any]] = [
            {"entity": "rep", "data": {"id": name, "employee_no": name[1:], "active": True}} for name in self.reps
        ]
        people += [
            {"entity": "customer", "data": {"id": name, "name": name, "tier": "A", "industry": "医疗"}}
            for name in self.customers
        ]
        engine.load_entities([(_encode({**one, "at": START.isoformat()}), "team") for one in people], None)
        lines = [self._line(FIRST[kind], who) for kind, _, who in self._courses]
        for start in range(0, len(lines), 1000):
            engine.process(lines[start : start + 1000])

    def events(self, count: int) -> list[bytes]:
        """`count` further lines: courses in random order, each going on with its next event."""
        return list(self._going_on(count))

    def _going_on(self, count: int) -> Iterator[bytes]:
        stages: dict[str, int] = {}
        for _ in range(count):
            kind, key, who = self._dice.choice(self._courses)
            steps = VISIT if kind == "visit" else QUOTE
            stage = stages.get(key, 0)
            stages[key] = stage + 1
            yield self._line(steps[stage % len(steps)], who)

    def _line(self, kind: str, who: dict[str, Any]) -> bytes:
        self._next += 1
        time = (START + timedelta(seconds=self._next * 0.5)).isoformat()
        extra: dict[str, Any] = {"amount": 4200.0} if kind == "quote.sent" else {}
        if kind == "visit.planned":
            extra = {"planned_for": (START + timedelta(days=1)).isoformat()}
        if kind == "feedback.submitted":
            extra = {"text": "客户关注交期"}
        data = {**who, **extra}
        event = {
            "specversion": "1.0",
            "id": f"e{self._next}",
            "source": "app",
            "type": kind,
            "time": time,
            "data": data,
        }
        return _encode(event)
