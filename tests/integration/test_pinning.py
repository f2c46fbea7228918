"""Instances stay with the machine with which they began, or move where the pack says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import PackError
from engine.runtime.pins import pins_of
from engine.runtime.replay import live, replayed, state_hash
from engine.store import DatabaseStore, MemoryStore, Store
from tests.unit.core.charts import said

OLD = """
pack: {{name: jobs, version: "{version}"}}
entities: {{worker: {{data: {{id: string}}}}}}
events:
  go: {{keys: {{job: data.job}}, data: {{job: string, n: int?}}}}
  end: {{keys: {{job: data.job}}, data: {{job: string, n: int?}}}}
workflows:
  job:
    by: job
    {extra}
    initial: open
    states:
      open: {{on: {{go: {middle}}}}}
      {middle}: {{on: {{end: over}}, after: [{{for: {span}, to: open}}]}}
      over: {{final: true}}
"""


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else DatabaseStore(tmp_path / "log.db")
    yield opened
    opened.close()


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def written(version: int = 1, **fields: str) -> Path:
        path = tmp_path / f"jobs{version}"
        path.mkdir(exist_ok=True)
        filled = {"extra": "title: Job", "middle": "waiting", "span": "1h"} | fields
        (path / "pack.yaml").write_text(OLD.format(version=version, **filled), encoding="utf-8")
        return path

    return written


@pytest.fixture
def send(event: Callable[..., dict[str, Any]]) -> Callable[..., list[str]]:
    def sent(engine: Engine, name: str, time: str, job: str = "j1") -> list[str]:
        return [said(one) for one in engine.handle(event(name, f"2026-03-02T{time}", job=job))]

    return sent


def test_an_instance_goes_on_by_its_own_machine_and_a_new_one_by_the_new(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    first = engine.program.revision
    assert send(engine, "go", "09:00") == ["None → open", "open → waiting"]
    made = engine.activate(pack(2, middle="held", span="3h"), by="mei")
    assert [(name, revision) for name, _, revision in made.pinned] == [("job", first)]
    assert engine.state("job", "j1")["workflows"] == {"job": "waiting"}
    assert send(engine, "go", "09:10", "j2") == ["None → open", "open → held"]
    moved = engine.advance("2026-03-02T11:00:00+08:00")
    assert [(one["key"], one["to"], one.get("pinned")) for one in moved] == [("j1", "open", first)]
    assert send(engine, "go", "11:10") == ["open → waiting"]
    assert send(engine, "end", "11:20") == ["waiting → over"]
    again = replayed(engine.program, store)
    held = live(store, list(again)) if store.durable else {w: engine._session.partition(*w) for w in again}
    assert state_hash(again) == state_hash(held)


def test_a_machine_is_let_go_when_its_last_instance_has_ended(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    send(engine, "go", "09:00")
    engine.activate(pack(2, middle="held"), by="mei")
    third = engine.activate(pack(3, middle="kept"), by="mei")
    assert {revision for _, _, revision in third.pinned} == {one.previous for one in store.activations()}
    send(engine, "end", "09:30")
    fourth = engine.activate(pack(4, middle="kept", extra="title: Work"), by="mei")
    assert fourth.pinned == ()


def test_an_empty_migrate_lets_instances_move_that_can(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    send(engine, "go", "09:00")
    send(engine, "go", "09:00", "j2")
    engine.activate(pack(2, extra="migrate: {}", span="2h"), by="mei")
    assert send(engine, "end", "09:30") == ["waiting → over"]
    engine.activate(pack(3, extra="migrate: {}", middle="held"), by="mei")
    (ended,) = engine.handle(
        {
            "id": "x",
            "source": "test",
            "specversion": "1.0",
            "type": "end",
            "time": "2026-03-02T09:40:00+08:00",
            "data": {"job": "j2"},
        }
    )
    assert (ended["from"], ended["to"]) == ("waiting", "over")
    assert ended["pinned"]


def test_migrate_names_where_instances_of_a_state_that_is_gone_go(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    send(engine, "go", "09:00")
    engine.activate(pack(2, extra="migrate: {waiting: held}", middle="held"), by="mei")
    assert send(engine, "end", "09:30") == ["waiting → held", "held → over"]


def test_a_revision_in_which_instances_cannot_go_on_is_refused_with_their_number(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    send(engine, "go", "09:00")
    send(engine, "go", "09:00", "j2")
    path = pack(2, middle="held")
    text = (path / "pack.yaml").read_text().replace("  end:", "  done:").replace("{end: over}", "{done: over}")
    (path / "pack.yaml").write_text(text)
    before = engine.program
    with pytest.raises(PackError, match=r"pinned_unfit: 2 instances of `job` cannot go on") as refused:
        engine.activate(path, by="mei")
    assert refused.value.place is not None
    assert before.revision in str(refused.value.place)
    assert engine.program is before
    assert send(engine, "end", "09:30") == ["waiting → over"]


def test_titles_do_not_make_another_machine(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    send(engine, "go", "09:00")
    assert engine.activate(pack(2, extra="title: Work"), by="mei").pinned == ()
    assert send(engine, "end", "09:30") == ["waiting → over"]


def test_a_decision_of_a_pinned_instance_is_explained_at_its_own_place(
    store: Store, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    engine = Engine.open(pack(), store)
    first = engine.program.revision
    send(engine, "go", "09:00")
    engine.activate(pack(2, middle="held"), by="mei")
    moved = next(iter(engine.advance("2026-03-02T10:00:00+08:00")))
    told = "\n".join(engine.explain(moved["id"]).lines())
    assert f"to the machine of revision {first}" in told
    assert f"pack.yaml@{first}" in told
    assert f"by the machine of revision {first}" in "\n".join(engine.why_not("job/end", "j1").lines())


def test_a_store_that_is_opened_again_holds_the_machines(
    tmp_path: Path, pack: Callable[..., Path], send: Callable[..., list[str]]
) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    with Engine.open(pack(), url) as engine:
        send(engine, "go", "09:00")
    with Engine.open(pack(2, middle="held"), url) as engine:
        assert [one[0] for one in pins_of(engine.program)] == ["job"]
    with Engine.reopen(url) as engine:
        assert send(engine, "end", "09:30") == ["waiting → over"]
