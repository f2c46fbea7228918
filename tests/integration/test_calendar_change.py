"""Running deadlines in working time follow the calendar when a later pack changes it; what has elapsed is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.runtime.replay import live, replayed, state_hash

Open = Callable[..., Engine]
Make = Callable[..., dict[str, Any]]

PACK = """
pack: {name: due, version: "1"}
calendars:
  shanghai: {tz: Asia/Shanghai, workdays: mon-fri, hours: 09:00-18:00}
  tokyo: {tz: Asia/Tokyo, workdays: mon-fri, hours: 09:00-18:00}
events:
  asked: {lateness: 7d, keys: {job: data.job}, data: {job: string}}
workflows:
  job:
    by: job
    initial: open
    states:
      open: {on: {asked: waiting}}
      waiting: {after: [{working: 4h, in: shanghai, to: late}, {working: 18h, in: tokyo, to: lost}, {for: 90h, to: lost}]}
      late: {final: true}
      lost: {final: true}
"""
HOURS = "shanghai: {tz: Asia/Shanghai, workdays: mon-fri, hours: 09:00-18:00"
MONDAY_NOON = "2026-03-02T12:00:00+08:00"


@pytest.fixture
def change(open_pack: Open, event: Make, tmp_path: Path) -> Callable[[str], Engine]:
    """Ask at ten on a Monday, and open the store with another calendar at noon."""

    def run(calendar: str) -> Engine:
        store = f"sqlite:///{tmp_path / 'log.db'}"
        first = open_pack(PACK, store=store)
        first.handle(event("asked", "2026-03-02T10:00", job="j1"))
        first.advance(MONDAY_NOON)
        first.close()
        return open_pack(PACK.replace(HOURS, calendar), store=store)

    return run


@pytest.mark.parametrize(
    ("calendar", "due"),
    [
        (HOURS, "2026-03-02T14:00:00+08:00"),
        (f"{HOURS}, week_starts: sunday", "2026-03-02T14:00:00+08:00"),
        (f"{HOURS}, days_off: [2026-03-02]", "2026-03-03T11:00:00+08:00"),
        (HOURS.replace("18:00", "13:00"), "2026-03-03T10:00:00+08:00"),
        (HOURS.replace("09:00-18:00", "22:00-06:00"), "2026-03-03T00:00:00+08:00"),
        (HOURS.replace("Asia/Shanghai", "Europe/Berlin"), "2026-03-02T18:00:00+08:00"),
    ],
    ids=["the same", "another week", "a day off", "shorter days", "nights", "another zone"],
)
def test_the_rest_is_counted_by_the_new_calendar(change: Callable[[str], Engine], calendar: str, due: str) -> None:
    engine = change(calendar)
    assert engine.next_due() == datetime.fromisoformat(due)
    assert [one["to"] for one in engine.advance(due)] == ["late"]


def test_the_log_has_it_so_that_replay_and_explanations_agree(change: Callable[[str], Engine]) -> None:
    engine = change(f"{HOURS}, days_off: [2026-03-02]")
    names = [(one.at, one.name) for one in engine.why_not("job", "j1").deadlines]
    assert ("2026-03-03T11:00:00+08:00", "workflow/job/waiting/0") in names
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))


def test_what_has_moved_moves_once(change: Callable[[str], Engine], open_pack: Open, tmp_path: Path) -> None:
    off = f"{HOURS}, days_off: [2026-03-02]"
    change(off).close()
    again = open_pack(PACK.replace(HOURS, off), store=f"sqlite:///{tmp_path / 'log.db'}")
    assert again.next_due() == datetime.fromisoformat("2026-03-03T11:00:00+08:00")


def test_deadlines_of_other_calendars_stay(change: Callable[[str], Engine]) -> None:
    engine = change(f"{HOURS}, days_off: [2026-03-02]")
    dues = {one.name: one.at for one in engine.why_not("job", "j1").deadlines}
    assert dues["workflow/job/waiting/1"] == "2026-03-04T10:00:00+08:00"
    assert dues["workflow/job/waiting/2"] == "2026-03-06T04:00:00+08:00"
