"""Another pack while the engine runs: every event is decided by the revision that was active before it, in every process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import PackError, RulewrightError
from engine.pack import BrokenPackError
from engine.runtime.lineage import former
from engine.runtime.replay import live, replayed, state_hash
from engine.store import Activation, DatabaseStore, MemoryStore, Store
from engine.store.database import DatabaseStore as Database

Make = Callable[..., dict[str, Any]]

PACK = """
pack: {{name: lamps, version: "{version}"}}
entities: {{rep: {{data: {{id: string}}}}}}
events:
  sold: {{keys: {{rep: data.rep}}, data: {{rep: ref(rep), amount: double}}}}
metrics:
  sales: {{of: sold, by: rep, value: {value}, window: {{sliding: 28d}}}}
alerts:
  rich: {{by: rep, red: "has(metrics.sales.now) && metrics.sales.now >= {limit}.0"}}
tests:
  lights_up:
    given: {{rep: [{{id: r1}}]}}
    events: [{{type: sold, time: "2026-03-02T10:00:00+08:00", data: {{rep: r1, amount: {limit}.0}}}}]
    expect: {{alerts: {{rich: {{r1: {expected}}}}}}}
"""
AT = "2026-03-02T1{}:00"


def lamps(folder: Path, limit: int = 100, *, value: str = "sum(data.amount)", **fields: str) -> Path:
    """A pack whose light goes on at a limit."""
    path = folder / f"lamps{limit}{abs(hash((value, *fields.items())))}"
    path.mkdir(exist_ok=True)
    fields = {"version": str(limit), "expected": "red"} | fields
    (path / "pack.yaml").write_text(PACK.format(limit=limit, value=value, **fields), encoding="utf-8")
    return path


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else DatabaseStore(tmp_path / "log.db")
    yield opened
    opened.close()


@pytest.fixture
def engine(store: Store, tmp_path: Path) -> Engine:
    opened = Engine.open(lamps(tmp_path), store)
    opened.put("rep", {"id": "r1"})
    return opened


@pytest.fixture
def sell(event: Make) -> Callable[..., list[str]]:
    def sold(engine: Engine, hour: int, amount: float) -> list[str]:
        outcome = engine.handle(event("sold", AT.format(hour), rep="r1", amount=amount))
        assert outcome.rejects == []
        return [f"{one['level']} {one['revision']}" for one in outcome.alerts]

    return sold


def test_every_event_after_it_is_decided_by_the_new_revision(
    engine: Engine, sell: Callable[..., list[str]], tmp_path: Path
) -> None:
    first = engine.program.revision
    assert sell(engine, 0, 60.0) == []
    made = engine.activate(lamps(tmp_path, 50), by="mei", note="lower")
    second = engine.program.revision
    assert (made.previous, made.revision, made.by, made.note, made.tests) == (first, second, "mei", "lower", 1)
    assert sell(engine, 1, 1.0) == [f"red {second}"]
    logged = engine.store.event(made.seq)
    assert logged is not None
    assert (logged.type, logged.keys, logged.data["by"], logged.data["previous"]) == (
        "pack.activated",
        (),
        "mei",
        first,
    )
    assert engine.store.activations() == [made]
    assert engine.metrics("rep", "r1")["sales"].now == 61.0


def test_a_rollback_lets_the_one_before_decide_again(
    engine: Engine, sell: Callable[..., list[str]], tmp_path: Path
) -> None:
    first = engine.program.revision
    engine.activate(lamps(tmp_path, 50), by="mei")
    assert engine.rollback("li").revision == first
    assert sell(engine, 0, 60.0) == []
    with pytest.raises(RulewrightError, match="no_earlier_revision"):
        engine.rollback("li")
    fifty = engine.store.activations()[0].revision
    assert engine.rollback("li", to=fifty).revision == fifty
    with pytest.raises(RulewrightError, match="unknown_revision"):
        engine.rollback("li", to="0" * 16)


def test_going_back_twice_takes_off_two() -> None:
    def steps(*names: str) -> list[Activation]:
        return [Activation(i, new, old, 0, 0, "") for i, (old, new) in enumerate(pairwise(names))]

    assert former([]) is None
    assert former(steps("a", "b", "c")) == "b"
    assert former(steps("a", "b", "c", "b")) == "a"
    assert former(steps("a", "b", "c", "b", "a")) is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"value": "sum(data.nothing)"}, "unguarded_optional"),
        ({"expected": "green"}, "tests_failed"),
        ({"value": "[unclosed"}, "yaml"),
    ],
)
def test_a_bad_revision_changes_nothing(
    engine: Engine, sell: Callable[..., list[str]], tmp_path: Path, fields: dict[str, str], code: str
) -> None:
    before, head = engine.program, engine.store.sequence()
    with pytest.raises((BrokenPackError, PackError), match=code):
        engine.activate(lamps(tmp_path, 50, **fields), by="mei")
    assert engine.program is before
    assert (engine.store.sequence(), engine.store.activations()) == (head, [])
    assert sell(engine, 0, 100.0) == [f"red {before.revision}"]


def test_tests_may_be_left_out_and_that_is_kept(engine: Engine, tmp_path: Path) -> None:
    assert engine.activate(lamps(tmp_path, 50, expected="green"), by="mei", test=False).tests is None


def test_the_same_revision_is_not_activated_twice(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RulewrightError, match="already_active"):
        engine.activate(lamps(tmp_path), by="mei")


def test_a_metric_that_is_counted_otherwise_begins_anew_and_replay_agrees(
    engine: Engine, sell: Callable[..., list[str]], tmp_path: Path
) -> None:
    sell(engine, 0, 60.0)
    engine.activate(lamps(tmp_path, 50, value="avg(data.amount)"), by="mei")
    assert engine.metrics("rep", "r1")["sales"].now is None
    engine.activate(lamps(tmp_path, 50), by="mei")
    sell(engine, 1, 7.0)
    assert engine.metrics("rep", "r1")["sales"].now == 67.0
    engine.activate(lamps(tmp_path, 40, value="max(data.amount)", version="9"), by="mei")
    sell(engine, 2, 5.0)
    again = replayed(engine.program, engine.store)
    assert again["rep", "r1"].metrics.windows["sales"].form != ""
    if engine.store.durable:
        assert state_hash(again) == state_hash(live(engine.store, list(again)))
    else:
        assert state_hash(again) == state_hash({("rep", "r1"): engine._session.partition("rep", "r1")})


def test_a_decision_is_explained_by_the_revision_that_made_it(engine: Engine, event: Make, tmp_path: Path) -> None:
    first = engine.program.revision
    (alert,) = engine.handle(event("sold", AT.format(0), rep="r1", amount=120.0)).alerts
    engine.activate(lamps(tmp_path, 500), by="mei")
    explained = engine.explain(alert["id"])
    assert explained.revision == first
    assert any("metrics.sales.now >= 100.0" in note.text for note in explained.notes)


def test_another_process_follows_at_the_same_event(tmp_path: Path, sell: Callable[..., list[str]]) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Engine.open(lamps(tmp_path), url) as one, Engine.open(lamps(tmp_path), url) as other:
        one.put("rep", {"id": "r1"})
        assert sell(other, 0, 60.0) == []
        made = one.activate(lamps(tmp_path, 50), by="mei")
        assert sell(other, 1, 1.0) == [f"red {made.revision}"]
        assert other.program.revision == made.revision
        back = other.rollback("li")
        assert sell(one, 2, 1.0) == [f"green {back.revision}"]
        again = replayed(one.program, one.store)
        assert state_hash(again) == state_hash(live(one.store, list(again)))


def test_an_activation_between_taking_and_committing_is_decided_by_it(
    tmp_path: Path, event: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Engine.open(lamps(tmp_path), url) as one, Engine.open(lamps(tmp_path), url) as other:
        one.put("rep", {"id": "r1"})
        commit, waiting = Database.commit, [lambda: other.activate(lamps(tmp_path, 50), by="mei")]

        def late(store: Database, batch: Any, *, ahead: bool = False) -> None:
            if store is one.store and waiting:
                waiting.pop()()
            commit(store, batch, ahead=ahead)

        monkeypatch.setattr(Database, "commit", late)
        (alert,) = one.handle(event("sold", AT.format(0), rep="r1", amount=60.0)).alerts
        assert alert["revision"] == one.program.revision == other.program.revision


def test_a_process_that_cannot_compile_what_is_active_decides_nothing_until_it_can(
    tmp_path: Path, event: Make, sell: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Engine.open(lamps(tmp_path), url) as one, Engine.open(lamps(tmp_path), url) as other:
        one.put("rep", {"id": "r1"})
        made = one.activate(lamps(tmp_path, 50), by="mei")
        head = one.store.sequence()
        with monkeypatch.context() as patch:
            patch.setattr("engine.runtime.lineage.restore", _refusing)
            for _ in range(2):
                with pytest.raises(PackError, match=f"revision_unreadable: revision {made.revision}"):
                    other.handle(event("sold", AT.format(0), rep="r1", amount=60.0))
        assert other.store.sequence() == head
        assert sell(other, 1, 60.0) == [f"red {made.revision}"]


def _refusing(*_: Any) -> None:
    from engine.errors import Place
    from engine.pack import Diagnostic

    raise BrokenPackError([Diagnostic(Place("pack.yaml", 1, 1), "unknown_key", "unknown key `later`")])


def test_a_store_is_reopened_with_what_was_activated_last(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Engine.open(lamps(tmp_path), url) as one:
        made = one.activate(lamps(tmp_path, 50), by="mei")
    with Engine.reopen(url) as again:
        assert again.program.revision == made.revision
    with Engine.open(lamps(tmp_path, 70), url) as third:
        (_, opened) = third.store.activations()
        assert (opened.by, opened.previous, opened.revision) == ("open", made.revision, third.program.revision)
