"""Rosters that heed absences, and windows of working days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine
from engine.pack import diagnose
from engine.runtime.fold import fold

PACK = """
pack: {name: away, version: "1"}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00, holidays: CN}
entities:
  rep: {key: id, data: {id: string, active: bool}}
  leave: {key: id, data: {id: string, who: ref(rep), from: timestamp, until: timestamp?}}
events:
  visit: {lateness: 7d, keys: {rep: data.rep}, data: {rep: ref(rep)}}
metrics:
  visits: {of: visit, by: rep, window: {calendar: UNIT, in: shanghai}, roster: rep where rep.active, skip: leave}
alerts:
  idle: {title: {en: Idle}, by: rep, red: "metrics.visits.streak(n, n < 2) >= 2"}
"""

WEEK_10, WEEK_11, WEEK_12 = "2026-03-02", "2026-03-09", "2026-03-16"


@pytest.fixture
def team(open_pack: Callable[..., Engine]) -> Engine:
    return begun(open_pack(PACK.replace("UNIT", "week")))


def begun(engine: Engine) -> Engine:
    for name in ("r1", "r2"):
        engine.put("rep", {"id": name, "active": True}, "2026-01-01T00:00:00+08:00")
    engine.begin(f"{WEEK_10}T00:00:00+08:00")
    return engine


def visit(engine: Engine, time: str, rep: str = "r1") -> None:
    line = {"id": f"{rep}{time}", "source": "t", "type": "visit", "time": f"{time}+08:00", "data": {"rep": rep}}
    assert not engine.handle(line).rejects


def leave(engine: Engine, since: str, until: str | None, *, rep: str = "r1", at: str | None = None) -> Any:
    data = {"id": "l/1", "who": rep, "from": f"{since}+08:00", **({"until": f"{until}+08:00"} if until else {})}
    return engine.put("leave", data, f"{at}+08:00" if at else None)


def level(engine: Engine, rep: str = "r1") -> str:
    return str(engine.state("rep", rep)["alerts"].get("idle", "green"))


def weeks(engine: Engine, rep: str = "r1") -> list[int]:
    found: list[int] = engine.metrics("rep", rep)["visits"].last(9)
    return found


def test_a_week_on_leave_is_not_judged_and_does_not_break_a_row(team: Engine) -> None:
    visit(team, f"{WEEK_10}T10:00:00")
    leave(team, "2026-03-09T09:00:00", "2026-03-13T18:00:00")
    team.advance(f"{WEEK_12}T00:00:00+08:00")
    assert (level(team), weeks(team)) == ("green", [1])
    assert (level(team, "r2"), weeks(team, "r2")) == ("red", [0, 0])
    team.advance("2026-03-23T00:00:00+08:00")
    assert (level(team), weeks(team)) == ("red", [0, 1])


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-03-09T09:00:01", "2026-03-13T18:00:00"), ("2026-03-09T09:00:00", "2026-03-13T17:59:59"),
     ("2026-03-13T18:00:00", "2026-03-09T09:00:00")],
)  # fmt: skip
def test_a_week_with_any_working_time_is_judged(team: Engine, since: str, until: str) -> None:
    leave(team, since, until)
    team.advance(f"{WEEK_12}T00:00:00+08:00")
    assert (level(team), weeks(team)) == ("red", [0, 0])


def test_a_holiday_needs_no_leave_and_a_worked_weekend_does(open_pack: Callable[..., Engine]) -> None:
    engine = open_pack(PACK.replace("UNIT", "week"))
    engine.put("rep", {"id": "r1", "active": True}, "2026-01-01T00:00:00+08:00")
    engine.begin("2026-09-14T00:00:00+08:00")
    leave(engine, "2026-09-14T09:00:00", "2026-09-18T18:00:00")  # Sunday the 20th is worked for the National Day
    engine.advance("2026-10-12T00:00:00+08:00")
    assert weeks(engine) == [0, 0, 0, 0]
    leave(engine, "2026-09-28T09:00:00", "2026-09-30T18:00:00")  # from the 1st to the 7th of October nobody works
    assert weeks(engine) == [0, 0, 0]


def test_an_absence_that_becomes_known_afterwards_withdraws_the_level(team: Engine) -> None:
    team.advance(f"{WEEK_12}T00:00:00+08:00")
    team.advance(f"{WEEK_12}T10:00:00+08:00")
    assert level(team) == "red"
    found = leave(team, "2026-03-09T09:00:00", "2026-03-13T18:00:00", at=f"{WEEK_11}T09:00:00")
    assert [(one["level"], one["status"]) for one in found.alerts] == [("green", "retracted")]
    assert weeks(team) == [0]


def test_an_absence_that_was_shorter_than_it_was_said_is_counted_again(team: Engine) -> None:
    leave(team, "2026-03-09T09:00:00", None)
    team.advance(f"{WEEK_12}T00:00:00+08:00")
    assert (level(team), weeks(team)) == ("green", [0])
    leave(team, "2026-03-09T09:00:00", "2026-03-10T18:00:00")
    assert (level(team), weeks(team)) == ("red", [0, 0])


def test_an_absence_that_turns_out_to_be_another_ones_changes_both(team: Engine) -> None:
    leave(team, "2026-03-09T09:00:00", "2026-03-13T18:00:00")
    team.advance(f"{WEEK_12}T00:00:00+08:00")
    leave(team, "2026-03-09T09:00:00", "2026-03-13T18:00:00", rep="r2")
    assert [weeks(team, rep) for rep in ("r1", "r2")] == [[0, 0], [0]]


def test_what_is_known_before_time_begins_or_from_a_later_instant_on_counts_too(
    open_pack: Callable[..., Engine],
) -> None:
    engine = open_pack(PACK.replace("UNIT", "week"))
    for name in ("r1", "r2"):
        engine.put("rep", {"id": name, "active": True}, "2026-01-01T00:00:00+08:00")
    leave(engine, "2026-03-02T09:00:00", "2026-03-06T18:00:00", at="2026-02-01T00:00:00")
    leave(engine, "2026-03-09T09:00:00", "2026-03-13T18:00:00", at="2026-03-17T12:00:00")
    engine.begin(f"{WEEK_10}T00:00:00+08:00")
    leave(engine, "2026-03-09T09:00:00", "2026-03-13T18:00:00", rep="r2", at="2026-03-17T13:00:00")
    seen = []
    for until in (WEEK_11, WEEK_12, "2026-03-17T12:30", "2026-03-17T14:00"):
        engine.advance(f"{until}{'T00:00' if len(until) == 10 else ''}:00+08:00")
        seen.append((weeks(engine), weeks(engine, "r2")))
    assert seen == [([], [0]), ([0], [0, 0]), ([0], [0, 0]), ([0, 0], [0])]


def test_absences_survive_a_restart(open_pack: Callable[..., Engine], tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    engine = begun(open_pack(PACK.replace("UNIT", "week"), store=store))
    leave(engine, "2026-03-09T09:00:00", "2026-03-13T18:00:00")
    leave(engine, "2026-03-16T09:00:00", "2026-03-20T18:00:00", at="2026-03-18T00:00:00")
    engine.close()
    engine = open_pack(PACK.replace("UNIT", "week"), store=store)
    engine.advance("2026-03-23T00:00:00+08:00")
    assert weeks(engine) == [0, 0]
    live, again = engine._session.partition("rep", "r1"), fold(engine.program, engine.store, "rep", "r1").partition
    assert again.save(("metrics",)) == live.save(("metrics",))


def test_windows_of_working_days_pass_over_weekends_and_holidays(open_pack: Callable[..., Engine]) -> None:
    engine = open_pack(PACK.replace("UNIT", "workday").replace("n < 2) >= 2", "n == 0) >= 3"))
    engine.put("rep", {"id": "r1", "active": True}, "2026-01-01T00:00:00+08:00")
    engine.begin("2026-09-21T00:00:00+08:00")
    visit(engine, "2026-09-22T10:00:00")
    visit(engine, "2026-09-24T10:00:00")
    visit(engine, "2026-09-26T10:00:00")  # a Saturday: it counts for Monday the 28th
    fired = [one for one in engine.advance("2026-10-12T00:00:00+08:00").alerts if one["level"] == "red"]
    # No visit on the 29th, the 30th and, after the holidays, the 8th of October: red when that day has passed.
    assert [one["at"] for one in fired] == ["2026-10-09T00:00:00+08:00"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("skip: leave", "skip: lve", "unknown_entity"), ("skip: leave", "skip: rep", "bad_metric"),
     ("who: ref(rep)", "who: string", "bad_metric"), ("from: timestamp", "from: string", "bad_metric"),
     ("roster: rep where rep.active, ", "", "bad_metric")],
)  # fmt: skip
def test_a_skip_that_says_nothing_of_whom_and_when_is_refused(tmp_path: Any, old: str, new: str, code: str) -> None:
    (tmp_path / "pack.yaml").write_text(PACK.replace("UNIT", "week").replace(old, new), encoding="utf-8")
    assert [one.code for one in diagnose([tmp_path])] == [code]
