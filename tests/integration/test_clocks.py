"""One clock for everybody who works on a store: it never goes back, and what fires at an instant fires after a restart as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.core.calendar import to_micros
from engine.runtime.instants import moment
from engine.runtime.session import Session

PACK = """
pack: {name: clocks, version: "1", title: {en: Clocks}}
calendars: {shanghai: {tz: Asia/Shanghai}}
events:
  call.planned: {lateness: 1h, keys: {call: data.call}, data: {call: string, due: timestamp}}
workflows:
  call:
    by: call
    context: {due: timestamp?}
    initial: idle
    states:
      idle: {on: {call.planned: {to: waiting, set: {due: data.due}}}}
      waiting: {after: [{until: "has(context.due) ? context.due : now", to: idle}]}
"""
TEN, ELEVEN, NOON = (f"2026-03-02T{hour}:00:00+08:00" for hour in (10, 11, 12))

Plan = Callable[..., dict[str, Any]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.db'}"


@pytest.fixture
def plan(event: Callable[..., Any]) -> Plan:
    def make(time: str, due: str, call: str = "c1") -> dict[str, Any]:
        line: dict[str, Any] = event("call.planned", time, call=call, due=due)
        return line

    return make


def reached(outcome: Any) -> list[tuple[str, str]]:
    return [(one["at"], one["to"]) for one in outcome.of("transition") if one["from"] is not None]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_deadline_may_come_again_at_the_instant_at_which_it_fired(
    open_pack: Callable[..., Engine], plan: Plan, url: str, restarts: bool
) -> None:
    engine = open_pack(PACK, store=url)
    engine.handle(plan(TEN, ELEVEN))
    assert reached(engine.advance(ELEVEN)) == [(ELEVEN, "idle")]
    for _ in range(3):
        if restarts:
            engine.close()
            engine = open_pack(PACK, store=url)
        assert reached(engine.handle(plan(ELEVEN, ELEVEN))) == [(ELEVEN, "waiting")]
        assert reached(engine.advance(ELEVEN)) == [(ELEVEN, "idle")]
    fired = [one for one in engine.store.events() if one.type == "timer.fired"]
    assert len({one.id for one in fired}) == len(fired) == 4


def test_what_time_another_engine_let_pass_is_seen_at_once(
    open_pack: Callable[..., Engine], plan: Plan, url: str
) -> None:
    one, other = open_pack(PACK, store=url), open_pack(PACK, store=url)
    other.handle(plan(TEN, "2026-03-03T00:00:00+08:00"))
    one.advance(NOON)
    assert one.store.sequence() == 1
    (reject,) = other.handle(b"{").rejects
    assert (reject["code"], reject["at"]) == ("bad_json", NOON)
    assert [reject["code"] for reject in other.handle(plan(TEN, ELEVEN, "c2")).rejects] == ["late"]


def test_who_was_overtaken_by_the_clock_does_the_work_again(
    open_pack: Callable[..., Engine], plan: Plan, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = open_pack(PACK, store=url), open_pack(PACK, store=url)
    one.handle(plan(TEN, NOON))
    commit, overtakers = Session.commit, [one]

    def overtaken(session: Session, **options: bool) -> None:
        if overtakers and session is other._session:
            overtakers.pop().advance("2026-03-02T11:30:00+08:00")
        commit(session, **options)

    monkeypatch.setattr(Session, "commit", overtaken)
    outcome = other.handle(plan(ELEVEN, "2026-03-02T11:15:00+08:00", "c2"))
    assert overtakers == []
    assert reached(outcome) == [("2026-03-02T11:30:00+08:00", "waiting")]
    assert other.store.clock() == to_micros(moment("2026-03-02T11:30:00+08:00"))
    assert reached(other.advance(NOON)) == [("2026-03-02T11:30:00+08:00", "idle"), (NOON, "idle")]
