"""Another pack decides, on a fork of the log, what was decided live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mix import Mix
from engine import Engine
from engine.pack import PackFile, read
from engine.pack.difference import Change, difference
from engine.runtime.examination import Source, source_of
from engine.runtime.fork import forked
from engine.runtime.replay import replayed, state_hash
from engine.runtime.shadow import shadowed
from engine.store import DatabaseStore

PACK = """
pack: {{name: lamps, version: "1", params: {{limit: {limit}}}}}
entities: {{rep: {{data: {{id: string, away: int?}}}}}}
events:
  sold: {{keys: {{rep: data.rep}}, data: {{rep: ref(rep), amount: double, {more}}}}}
workflows:
  day:
    by: rep
    initial: idle
    states:
      idle: {{on: {{sold: busy}}}}
      busy: {{after: [{{for: {span}, to: idle}}], on: {{sold: busy}}}}
metrics:
  sales: {{of: sold, by: rep, value: sum(data.amount), window: {{calendar: day}}}}
alerts:
  rich: {{by: rep, red: "has(metrics.sales.now) && metrics.sales.now >= double(params.limit)"}}
"""


@pytest.fixture
def store() -> Iterator[DatabaseStore]:
    opened = DatabaseStore()
    yield opened
    opened.close()


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Source]:
    def written(limit: int = 100, span: str = "1h", more: str = "") -> Source:
        path = tmp_path / "pack.yaml"
        path.write_text(PACK.format(limit=limit, span=span, more=more), encoding="utf-8")
        return source_of(path)

    return written


@pytest.fixture
def played(store: DatabaseStore, source: Callable[..., Source], event: Callable[..., dict[str, Any]]) -> Engine:
    engine = Engine.open(source(), store)
    for rep in ("r1", "r2"):
        engine.put("rep", {"id": rep})
    for day in range(2, 6):
        for hour in (9, 11, 15):
            amount = {"r1": 30.0, "r2": 45.0}
            for rep in amount:
                engine.handle(event("sold", f"2026-03-0{day}T{hour:02}:00", rep=rep, amount=amount[rep]))
    engine.advance("2026-03-06T00:00:00+08:00")
    return engine


def test_a_pack_that_is_as_the_live_one_decides_the_same(
    played: Engine, store: DatabaseStore, source: Callable[..., Source]
) -> None:
    half = store.sequence() // 2
    for since in (0, half):
        found = shadowed(played.program, store, source(span="60m"), since)
        assert found.differing == {}
        assert sum(found.same.values()) == sum(seq > since for seq, _ in store.decisions())


def test_what_would_have_been_decided_otherwise_is_told(
    played: Engine, store: DatabaseStore, source: Callable[..., Source]
) -> None:
    before = (store.sequence(), _told(store), store.activations())
    lower = shadowed(played.program, store, source(80), 0)
    assert lower.differing == {("added", "alert", "rich"): 11, ("missing", "alert", "rich"): 4}
    added = [(one.record.key, one.record.fields["level"]) for one in lower.shown if one.kind == "added"]
    assert sorted(added) == [*[("r1", "green")] * 3, *[("r1", "red")] * 4, *[("r2", "red")] * 4]
    assert {one.record.key for one in lower.shown if one.kind == "missing"} == {"r2"}
    higher = shadowed(played.program, store, source(140), store.sequence() // 2)
    assert set(higher.differing) == {("missing", "alert", "rich")}
    slower = shadowed(played.program, store, source(span="3h"), 0)
    assert ("missing", "transition", "day") in slower.differing
    assert (store.sequence(), _told(store), store.activations()) == before


def test_events_that_the_new_pack_refuses_are_decisions_that_are_missing(
    played: Engine, store: DatabaseStore, source: Callable[..., Source]
) -> None:
    found = shadowed(played.program, store, source(more="shop: string"), 0)
    assert found.differing["added", "reject", ""] == 24
    assert found.differing["missing", "transition", "day"] > 0


def test_a_fork_stands_as_the_log_stood_there() -> None:
    store = DatabaseStore()
    engine = Engine.open(["sales"], store)
    feed = Mix(5, 4, 20).feed(400)
    engine.load_entities(feed.entities, None)
    lines = [line for line, _ in feed.events]
    engine.handle_many(lines[:250])
    middle, then = store.sequence(), state_hash(replayed(engine.program, store))
    timers = list(store.timers())
    engine.handle_many(lines[250:])
    _, fork = forked(engine.program, store, middle)
    keys = [(scope, key) for scope, key in replayed(engine.program, store)]
    from engine.runtime.replay import live

    assert state_hash(live(fork, keys)) == then
    held = [timer for timer in timers if not timer[3].startswith("entity/")]
    assert list(fork.timers()) == held
    assert shadowed(engine.program, store, source_of("sales"), middle).differing == {}


def test_a_difference_names_what_was_added_removed_and_changed() -> None:
    old = [PackFile("p.yaml", "p.yaml", PACK.format(limit=1, span="1h", more=""))]
    text = PACK.format(limit=2, span="2h", more="").replace("  rich:", "  poor:")
    new = [PackFile("p.yaml", "p.yaml", text)]
    found = [(one.kind, one.section, one.name, one.parts) for one in difference(old, new)]
    assert found == [
        ("changed", "workflows", "day", ("states",)),
        ("added", "alerts", "poor", ()),
        ("removed", "alerts", "rich", ()),
        ("changed", "params", "limit", ("1 → 2",)),
    ]
    assert difference(old, old) == []
    assert difference(old, old, {}, {"limit": 7}) == [Change("changed", "params", "limit", parts=("1 → 7",))]
    assert difference(read(["sales"]), read(["sales"])) == []


def _told(store: DatabaseStore) -> list[tuple[int, str]]:
    return [(seq, record.id) for seq, record in store.decisions()]
