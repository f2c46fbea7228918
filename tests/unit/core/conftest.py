"""Playing events through a chart; a shop for tests of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine
from engine.pack import restore
from engine.store import open_store
from tests.unit.core.charts import said
from tests.unit.core.shop import FRAME, NOTE, Shop


@pytest.fixture
def play(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]]) -> Callable[..., list[str]]:
    """Send events one minute apart; answers what happened: `from → to`, `!code`, `-type` for ignored, `said what`."""

    def run(pack: str, *names: str | tuple[str, dict[str, Any]], until: str | None = None) -> list[str]:
        engine = open_pack(pack)
        found: list[str] = []
        for minute, name in enumerate(names):
            kind, data = (name, {}) if isinstance(name, str) else name
            found += map(said, engine.handle(event(kind, f"2026-03-02T10:{minute:02}", job="j1", **data)))
        if until is not None:
            found += map(said, engine.advance(until))
        return found

    return run


@pytest.fixture
def replay(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]], tmp_path: Any) -> Callable[..., Any]:
    """Send an event to one pack, then let another one, which does not hold its machines, go on; answers the engine and `send`."""

    def run(before: str, after: str, *names: str) -> tuple[Engine, Callable[[str, str], list[str]]]:
        store = f"sqlite:///{tmp_path / 'store.db'}"
        first = open_pack(before, store=store)
        for minute, name in enumerate(names):
            first.handle(event(name, f"2026-03-02T09:{minute:02}", job="j1"))
        first.close()
        engine = Engine(restore({"pack.yaml": after}, {}), open_store(store))
        return engine, lambda name, time: list(map(said, engine.handle(event(name, f"2026-03-02T{time}", job="j1"))))

    return run


@pytest.fixture
def open_shop(open_pack: Callable[..., Engine], event: Callable[..., dict[str, Any]]) -> Callable[..., Shop]:
    """Opens a shop with rules; `NOTE what}}` in them notes a text."""

    def open_it(rules: str, **options: Any) -> Shop:
        return Shop(open_pack(FRAME.format(rules=rules.replace("NOTE", NOTE)), **options), event)

    return open_it
