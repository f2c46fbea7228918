"""Explanations: refused lines, pending deadlines, deliveries that were given up, and entities as they were then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import Engine
from engine.cli import group
from engine.core.step import Stepper
from engine.runtime.fold import fold
from engine.runtime.replay import live, replayed, state_hash

Open = Callable[..., Engine]
Make = Callable[..., dict[str, Any]]

PACK = """
pack: {name: mini, version: "1", title: {en: Mini}, calendar: shanghai}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
entities:
  rep: {key: id, data: {id: string, grade: string}}
events:
  quote.sent: {lateness: 7d, keys: {quote: data.quote, rep: data.rep}, data: {quote: string, rep: ref(rep)}}
  quote.won: {lateness: 7d, keys: {quote: data.quote, rep: data.rep}, data: {quote: string, rep: ref(rep)}}
workflows:
  quote:
    by: quote
    initial: draft
    states:
      draft: {on: {quote.sent: sent}}
      sent: {after: [{for: 72h, to: stalled}], on: {quote.won: won}}
      stalled: {on: {quote.won: won}}
      won: {final: true}
metrics:
  waiting: {by: rep, open: {from: quote.sent, until: quote.won, per: data.quote}}
  today: {of: quote.sent, by: rep, window: {calendar: day}}
  seniors: {of: quote.sent, by: rep, where: rep.grade == 'senior', window: lifetime}
alerts:
  slow: {by: rep, red: "metrics.waiting.oldest > hours(48) || metrics.today.now > 9"}
  proven: {by: rep, yellow: metrics.seniors.now >= 2}
rules:
  silent:
    by: rep
    match: [{event: quote.sent, within: 1h, as: q}]
    then: [{assert: {fact: recent, quote: q.data.quote}}]
"""


@pytest.fixture(params=["memory:", "file"])
def engine(request: pytest.FixtureRequest, open_pack: Open, tmp_path: Path) -> Engine:
    opened = open_pack(PACK, store="memory:" if request.param == "memory:" else f"sqlite:///{tmp_path / 'log.db'}")
    opened.put("rep", {"id": "r1", "grade": "junior"}, "2026-03-01T00:00:00+08:00")
    return opened


def text(explanation: Any) -> str:
    return "\n".join(explanation.lines())


class TestRefusedAtTheDoor:
    def test_a_refused_event_is_explained_by_what_came_in(self, engine: Engine, event: Make) -> None:
        line = event("quote.sent", "2026-03-02T10:00", id="e1", quote="q1", rep="nobody")
        (reject,) = engine.handle(line).rejects
        explanation = engine.explain(reject["id"])
        assert explanation.record == reject
        said = text(explanation)
        assert "refused, unknown_reference: data.rep: there is no rep `nobody`" in said
        assert "source      test" in said
        assert "event       e1" in said
        assert '"rep":"nobody"' in said

    def test_a_line_that_does_not_read_is_shown_shortened(self, engine: Engine) -> None:
        (reject,) = engine.handle("{" + "é" * 1000).rejects
        explanation = engine.explain(reject["id"])
        assert explanation.arrived is not None
        assert explanation.arrived.line == "{" + "é" * 399 + "…"
        assert "source      not known" in text(explanation)
        assert json.loads(json.dumps(explanation.mapping()))["arrived"]["source"] is None

    @pytest.mark.parametrize("kind", ["memory:", "file"])
    def test_a_line_of_a_file_is_told_with_its_place(self, open_pack: Open, tmp_path: Path, kind: str) -> None:
        engine = open_pack(PACK, store=kind if kind == "memory:" else f"sqlite:///{tmp_path / 'other.db'}")
        refused = [*engine.handle_many([b"{"], ["events.jsonl:7"]), *engine.load_entities([(b"[", "team.jsonl:2")], 0)]
        found = [engine.explain(reject["id"]) for reject in refused]
        assert [explanation.record for explanation in found] == refused
        assert ["  from        events.jsonl:7" in text(one) for one in found] == [True, False]
        assert [one.mapping()["arrived"]["place"] for one in found] == ["events.jsonl:7", "team.jsonl:2"]

    def test_the_command_knows_it_as_well(self, open_pack: Open, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'other.db'}"
        engine = open_pack(PACK, store=url)
        (reject,) = engine.handle(b"\xff").rejects
        engine.close()
        shown = CliRunner().invoke(group, ["explain", reject["id"], "--store", url])
        assert shown.exit_code == 0
        assert "bad_json" in shown.output


class TestPendingDeadlines:
    @pytest.fixture(autouse=True)
    def sent(self, engine: Engine, event: Make) -> None:
        engine.handle(event("quote.sent", "2026-03-02T10:00", quote="q1", rep="r1"))

    def test_a_workflow_names_the_deadline_of_its_state(self, engine: Engine) -> None:
        explanation = engine.why_not("quote", "q1")
        assert [(one.at, one.name) for one in explanation.deadlines] == [
            ("2026-03-05T10:00:00+08:00", "workflow/quote/sent/0")
        ]
        assert "  deadline    2026-03-05T10:00:00+08:00  workflow/quote/sent/0" in text(explanation).split("\n")
        assert explanation.mapping()["deadlines"] == [
            {"at": "2026-03-05T10:00:00+08:00", "name": "workflow/quote/sent/0"}
        ]

    def test_a_deadline_that_has_fired_or_was_cancelled_is_not_pending(self, engine: Engine, event: Make) -> None:
        engine.handle(event("quote.sent", "2026-03-02T11:00", quote="q2", rep="r1"))
        engine.handle(event("quote.won", "2026-03-03T10:00", quote="q2", rep="r1"))
        engine.advance("2026-03-06T00:00:00+08:00")
        assert engine.why_not("quote", "q1").deadlines == ()
        assert engine.why_not("quote", "q2").deadlines == ()

    def test_an_earlier_instant_has_the_deadlines_of_then(self, engine: Engine) -> None:
        engine.advance("2026-03-06T00:00:00+08:00")
        earlier = engine.why_not("quote", "q1", "2026-03-04T00:00:00+08:00")
        assert [one.name for one in earlier.deadlines] == ["workflow/quote/sent/0"]

    def test_an_alert_names_its_own_and_those_of_the_windows_it_reads(self, engine: Engine) -> None:
        assert [(one.at, one.name) for one in engine.why_not("slow", "r1").deadlines] == [
            ("2026-03-03T00:00:00+08:00", "window/today"),
            ("2026-03-04T10:00:01+08:00", "alert/slow"),
        ]

    def test_a_rule_names_when_time_may_change_its_matches(self, engine: Engine) -> None:
        assert [one.name for one in engine.why_not("silent", "r1").deadlines] == ["rules"]


def test_an_explanation_sees_the_entities_that_each_step_saw(engine: Engine, event: Make) -> None:
    """A version that holds from before, but was put afterwards, counts for what comes after it only."""
    engine.handle(event("quote.sent", "2026-03-02T10:00", quote="q1", rep="r1"))
    engine.put("rep", {"id": "r1", "grade": "senior"}, "2026-03-02T09:00:00+08:00")
    engine.handle(event("quote.sent", "2026-03-02T11:00", quote="q2", rep="r1"))
    assert engine.metrics("rep", "r1")["seniors"].now == 1
    assert "metrics.seniors.now  =  1" in text(engine.why_not("proven", "r1"))
    (alert,) = engine.handle(event("quote.sent", "2026-03-02T12:00", quote="q3", rep="r1")).alerts
    assert "metrics.seniors.now  =  2" in text(engine.explain(alert["id"]))


def test_why_not_at_an_instant_does_not_see_what_was_put_later(engine: Engine, event: Make) -> None:
    engine.handle(event("quote.sent", "2026-03-02T10:00", quote="q1", rep="r1"))
    engine.handle(event("quote.sent", "2026-03-02T12:00", quote="q1", rep="r1"))
    engine.put("rep", {"id": "r1", "grade": "senior"}, "2026-03-02T09:00:00+08:00")
    store, program = engine.store, engine.program
    at = {name: fold(program, store, "rep", "r1", until=until).entities for name, until in WHEN.items()}
    grades = {name: (entities.get("rep", "r1", WHEN["noon"]) or {})["grade"] for name, entities in at.items()}
    assert grades == {"eleven": "junior", "noon": "senior"}


NOON = 1_772_424_000_000_000  # 2026-03-02T12:00:00+08:00
WHEN = {"eleven": NOON - 3_600_000_000, "noon": NOON}


def test_what_was_given_up_is_left_out_of_explanations_and_replays(
    open_pack: Open, event: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_pack(PACK, store=f"sqlite:///{tmp_path / 'log.db'}")
    engine.put("rep", {"id": "r1", "grade": "senior"}, "2026-03-01T00:00:00+08:00")
    step = Stepper.step

    def crashing(self: Stepper, partition: Any, shared: Any, delivery: Any, tracer: Any = None) -> Any:
        if partition.scope == "rep" and delivery.id == "bad":
            raise ZeroDivisionError("a mistake of ours")
        return step(self, partition, shared, delivery, tracer)

    monkeypatch.setattr(Stepper, "step", crashing)
    engine.handle(event("quote.sent", "2026-03-02T10:00", quote="q1", rep="r1"))
    (reject,) = engine.handle(event("quote.sent", "2026-03-02T11:00", id="bad", quote="q2", rep="r1")).rejects
    (alert,) = engine.handle(event("quote.sent", "2026-03-02T12:00", quote="q3", rep="r1")).alerts
    assert "step_crashed" in text(engine.explain(reject["id"]))
    assert "metrics.seniors.now  =  2" in text(engine.explain(alert["id"]))
    assert "metrics.seniors.now  =  2" in text(engine.why_not("proven", "r1"))
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))
    monkeypatch.setattr(Stepper, "step", step)
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))
