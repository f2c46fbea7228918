"""Entities: what they refer to must be known or come with them, keys say something, and nobody is shown the year 1970."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine import Engine
from engine.cli import group
from engine.runtime.packtests import run as played
from engine.runtime.replay import live, state_hash

Line = dict[str, Any]
SINCE, MONDAY = "2026-01-01T00:00:00+08:00", "2026-03-02T00:00:00+08:00"


def rep(number: Any, manager: str | None = None, **more: Any) -> Line:
    data = {"id": number, "employee_no": "1", "active": True}
    return {"entity": "rep", "data": data if manager is None else {**data, "manager": manager}, **more}


def lines(*found: Line) -> list[tuple[bytes, str]]:
    return [(json.dumps(one).encode(), f"team:{number}") for number, one in enumerate(found, 1)]


@pytest.fixture
def engine() -> Engine:
    return Engine.open("sales")


def refused(outcome: Any) -> list[tuple[str, str | None]]:
    return [(one["code"], one.get("place")) for one in outcome.rejects]


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_a_missing_field(engine: Engine, key: str) -> None:
    (reject,) = engine.put("rep", rep(key)["data"]).rejects
    assert (reject["code"], reject["reason"]) == ("missing_field", "data.id is empty: it is the key of a rep")
    assert engine.entities("rep") == []


def test_a_reference_to_nobody_is_refused(engine: Engine) -> None:
    (reject,) = engine.put("rep", rep("r1", "m1")["data"]).rejects
    assert (reject["code"], reject["reason"]) == ("unknown_reference", "data.manager: there is no rep `m1`")
    assert engine.entity("rep", "r1") is None


def test_somebody_may_refer_to_themselves_and_to_who_is_known(engine: Engine) -> None:
    assert len(engine.put("rep", rep("m1", "m1")["data"])) == 0
    assert len(engine.put("rep", rep("r1", "m1")["data"])) == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_a_file_does_not_matter(engine: Engine, order: tuple[int, ...]) -> None:
    team = [rep("m1"), rep("r1", "m1"), rep("r2", "r1", at="2025-01-01T00:00:00+08:00")]
    assert len(engine.load_entities(lines(*[team[place] for place in order]), None)) == 0
    engine.begin("2026-01-01T00:00:00+08:00")
    assert [key for key, _ in engine.entities("rep")] == ["m1", "r1", "r2"]


def test_who_refers_to_somebody_refused_is_refused_too(engine: Engine) -> None:
    wrong = {"entity": "rep", "data": {"id": "m1"}}
    file = lines(rep("r2", "r1"), rep("r1", "m1"), wrong, rep("r3", "r3"), rep("r4", "r3"))
    assert refused(engine.load_entities(file, 0)) == [
        ("unknown_reference", "team:1"),
        ("unknown_reference", "team:2"),
        ("missing_field", "team:3"),
    ]
    assert [key for key, _ in engine.entities("rep")] == ["r3", "r4"]


def test_one_good_version_is_enough_to_be_referred_to(engine: Engine) -> None:
    file = lines(rep("r1", "m1"), rep("m1", "nobody"), rep("m1"))
    assert refused(engine.load_entities(file, 0)) == [("unknown_reference", "team:2")]
    assert [key for key, _ in engine.entities("rep")] == ["m1", "r1"]


def test_other_kinds_may_stand_before_what_they_refer_to(engine: Engine) -> None:
    shop = {"id": "c1", "name": "c1", "tier": "KA", "industry": "bakery", "owner": "r1"}
    assert len(engine.load_entities(lines({"entity": "customer", "data": shop}, rep("r1")), 0)) == 0


def put_in_turn(engine: Engine, *numbers: str) -> None:
    for number in numbers:
        assert len(engine.put("rep", {**rep("r1")["data"], "employee_no": number}, SINCE)) == 0


@pytest.mark.parametrize("kind", ["memory:", "file"])
@pytest.mark.parametrize("begun", [False, True])
def test_of_what_was_put_for_one_instant_the_last_holds(tmp_path: Path, kind: str, begun: bool) -> None:
    url = kind if kind == "memory:" else f"sqlite:///{tmp_path / 'log.db'}"
    with Engine.open("sales", url) as engine:
        if begun:
            engine.begin(MONDAY)
        put_in_turn(engine, "1", "2", "1")
        length = engine.store.sequence()
        put_in_turn(engine, "1", "1")
        assert engine.store.sequence() == length == 3
    if kind == "file":
        engine = Engine.open("sales", url)
        put_in_turn(engine, "1")
        assert engine.store.sequence() == length
    engine.begin(MONDAY)
    assert (engine.entity("rep", "r1") or {})["employee_no"] == "1"
    engine.close()


def test_a_file_that_changes_its_mind_is_taken_once(tmp_path: Path) -> None:
    first, other = rep("r1", at=SINCE), rep("r1", at=SINCE)
    other["data"]["employee_no"] = "2"
    later = rep("r1", at="2026-03-01T00:00:00+08:00")
    file = lines(first, other, rep("m1"), later, first, rep("m1", "nobody"))
    engine = Engine.open("sales", f"sqlite:///{tmp_path / 'log.db'}")
    seen = []
    for _ in range(3):
        assert set(refused(engine.load_entities(file, 0))) <= {("unknown_reference", "team:6")}
        engine.begin(MONDAY)
        seen.append((engine.store.sequence(), state_hash(live(engine.store, [("rep", "r1"), ("rep", "m1")]))))
    assert seen == seen[:1] * 3
    assert [one.data for one in engine.store.entities() if one.key == "r1"] == [later["data"], first["data"]]
    assert engine.entity("rep", "m1") == rep("m1")["data"]
    engine.close()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """`run(events, people, *options)`: the command over these lines, with a store for `explain`."""

    def call(events: list[Line], people: list[Line], *options: str) -> Result:
        for name, found in (("events", events), ("people", people)):
            (tmp_path / name).write_text("\n".join(map(json.dumps, found)), encoding="utf-8")
        files = ["--events", str(tmp_path / "events"), "--entities", str(tmp_path / "people")]
        store = ["--store", f"sqlite:///{tmp_path / 'run.db'}"]
        return CliRunner().invoke(group, ["run", "sales", *files, *store, *options])

    return call


def test_without_any_time_nothing_happens_in_1970(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run([{"id": "e1"}], [rep("m1"), rep("r1", "m1")], "--until", "2026-04-01T00:00:00+08:00")
    assert [json.loads(line)["kind"] for line in result.stdout.splitlines()] == ["reject"]
    question = ["explain", "--why-not", "visit_discipline", "r1", "--store", f"sqlite:///{tmp_path / 'run.db'}"]
    said = CliRunner().invoke(group, question).output
    assert "as of 2026-04-01T00:00:00+08:00?" in said
    assert "known from the beginning" in said
    assert "1970" not in result.stdout + said


def test_time_begins_with_the_first_entity_that_has_a_time(run: Callable[..., Result]) -> None:
    people = [rep("m1"), rep("r1", "m1", at="2026-03-02T00:00:00+08:00")]
    result = run([{"id": "e1"}], people, "--until", "2026-03-10T00:00:00+08:00")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["kind"], one["at"]) for one in found] == [("reject", None), ("alert", "2026-03-09T00:00:00+08:00")]


def test_before_time_began_no_instant_is_made_up(engine: Engine) -> None:
    engine.put("rep", rep("m1")["data"])
    question, *_ = engine.why_not("visit_discipline", "m1").lines()
    assert question == "why not visit_discipline for rep m1, before time began?"


def test_a_test_of_a_pack_may_give_people_in_any_order(open_pack: Callable[..., Engine]) -> None:
    program = open_pack("""
    entities:
      rep: {data: {id: string, boss: ref(rep)?}}
    events:
      seen: {keys: {rep: data.rep}, data: {rep: ref(rep)}}
    tests:
      the boss comes last:
        from: 2026-03-02T00:00:00+08:00
        given: {rep: [{id: r1, boss: m1}, {id: m1}]}
        events: [{type: seen, time: 2026-03-02T10:00:00+08:00, data: {rep: r1}}]
        expect: {rejects: []}
    """).program
    assert [result.failures for result in played(program)] == [()]
