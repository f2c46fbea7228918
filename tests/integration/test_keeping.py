"""What cannot be kept, or lies at the ends of time, is refused at the door and takes nobody along."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import RulewrightError

PACK = """
pack: {name: mini, version: "1", title: {en: Mini}}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
entities:
  rep: {key: id, data: {id: string}}
events:
  seen: {lateness: 7d, keys: {rep: data.rep}, data: {rep: string}}
metrics:
  count: {of: seen, by: rep, value: count(), window: {calendar: week, in: shanghai}}
"""


@pytest.fixture(params=["memory", "sqlite"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    return Engine.open(folder, "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'store.db'}")


def line(number: str, time: str = "2026-03-02T10:00:00+08:00", extra: str = '"x": 1') -> bytes:
    return (
        f'{{"specversion": "1.0", "id": "{number}", "source": "app", "type": "seen", "time": "{time}",'
        f' "data": {{"rep": "r1", {extra}}}}}'
    ).encode()


@pytest.mark.parametrize(
    "extra",
    [
        '"big": 18446744073709551616',
        '"low": -9223372036854775809',
        f'"deep": {"[" * 70}{"]" * 70}',
        f'"deep": {"[" * 900}{"]" * 900}',
    ],
    ids=["too great", "too low", "deep", "very deep"],
)
def test_data_that_cannot_be_kept_are_refused_and_take_no_line_along(engine: Engine, extra: str) -> None:
    outcome = engine.handle_many([line("e1"), line("e2", extra=extra), line("e3")])

    assert [(one["code"], one["event"]) for one in outcome.rejects] == [("wrong_type", "e2")]
    assert engine.metrics("rep", "r1")["count"].now == 2


def test_what_is_just_allowed_is_kept(engine: Engine) -> None:
    nested = (
        f'"deep": {"[" * 60}{"]" * 60}, "big": 18446744073709551615, "flat": {json.dumps([[] for _ in range(500)])}'
    )

    assert engine.handle(line("e1", extra=nested)).rejects == []
    event = engine.store.event(engine.store.sequence())
    assert event is not None
    assert event.data["big"] == 2**64 - 1


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1969-12-31T23:00:00+08:00"]
)
def test_an_event_at_the_ends_of_time_is_refused(engine: Engine, time: str) -> None:
    outcome = engine.handle_many([line("e1"), line("e2", time), line("e3")])

    assert [(one["code"], one["event"]) for one in outcome.rejects] == [("wrong_type", "e2")]
    assert engine.metrics("rep", "r1")["count"].now == 2


def test_an_entity_at_the_ends_of_time_or_that_cannot_be_kept_is_refused(engine: Engine) -> None:
    lines = [
        (b'{"entity": "rep", "data": {"id": "r1"}, "at": "9999-01-01T00:00:00+08:00"}', "team:1"),
        (b'{"entity": "rep", "data": {"id": "r2", "n": 18446744073709551616}}', "team:2"),
        (b'{"entity": "rep", "data": {"id": "r3"}}', "team:3"),
    ]
    outcome = engine.load_entities(lines, None)

    assert [(one["code"], one["place"]) for one in outcome.rejects] == [
        ("wrong_type", "team:1"),
        ("wrong_type", "team:2"),
    ]
    assert [key for key, _ in engine.entities("rep")] == ["r3"]
    assert engine.put("rep", {"id": "r4", "odd": object()}).rejects[0]["code"] == "wrong_type"


@pytest.mark.parametrize("ask", [lambda e, t: e.advance(t), lambda e, t: e.begin(t)], ids=["advance", "begin"])
def test_time_cannot_be_let_pass_to_its_ends(engine: Engine, ask: Callable[[Engine, str], Any]) -> None:
    with pytest.raises(RulewrightError, match="2999"):
        ask(engine, "9999-12-31T00:00:00+08:00")
