"""Who may cause a transition, and what stands in the way of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import Engine
from engine.cli import group
from engine.pack import load
from engine.runtime.feed import acting
from engine.runtime.packtests import run
from engine.runtime.replay import live, replayed, state_hash

Open = Callable[..., Engine]
Make = Callable[..., dict[str, Any]]

PACK = """
pack: {name: discounts, version: "1", language: en, params: {most: 20.0}}
events:
  quote.asked: {lateness: 7d, keys: {quote: data.quote}, data: {quote: string, percent: double}}
  quote.approved: {lateness: 7d, keys: {quote: data.quote}, data: {quote: string, note: string?}}
  quote.noted: {lateness: 7d, keys: {quote: data.quote}, data: {quote: string}}
workflows:
  discount:
    by: quote
    context: {percent: double = 0.0, notes: int = 0}
    initial: open
    states:
      open: {on: {quote.asked: {to: asked, set: {percent: data.percent}}}}
      asked:
        on:
          quote.noted: {set: {notes: context.notes + 1}}
          quote.approved:
            - to: given
              when: context.percent <= params.most
              roles: [manager, director]
              require:
                - {when: context.notes > 0, code: no_note, reason: {en: "a note is missing: {{ context.notes }}"}}
                - {when: "has(data.note) && data.note != ''", code: no_reason, reason: {en: say why}}
            - {to: given, when: context.percent > params.most, roles: director}
      given: {final: true}
tests:
  a manager may, a rep may not:
    from: 2026-03-02T00:00:00+08:00
    until: 2026-03-03T00:00:00+08:00
    events:
      - {type: quote.asked, time: 2026-03-02T10:00:00+08:00, data: {quote: q1, percent: 10.0}}
      - {type: quote.noted, time: 2026-03-02T10:01:00+08:00, data: {quote: q1}}
      - {type: quote.approved, time: 2026-03-02T10:02:00+08:00, role: rep, data: {quote: q1, note: ok}}
      - {type: quote.approved, time: 2026-03-02T10:03:00+08:00, role: [rep, manager], data: {quote: q1, note: ok}}
    expect:
      rejects: [{code: forbidden}]
      transitions: {discount: {q1: given}}
"""


@pytest.fixture
def send(event: Make) -> Callable[..., list[Any]]:
    def handle(engine: Engine, kind: str, minute: int, *, role: Any = (), **data: Any) -> list[Any]:
        outcome = engine.handle(event(kind, f"2026-03-02T10:{minute:02}", quote="q1", **data), role=role)
        return [one.get("code") or one.get("to") or one["kind"] for one in outcome]

    return handle


def asked(engine: Engine, send: Callable[..., list[Any]], percent: float = 10.0) -> None:
    assert send(engine, "quote.asked", 0, percent=percent) == ["open", "asked"]


@pytest.mark.parametrize(
    ("percent", "role", "result"),
    [
        (10.0, (), ["forbidden"]),
        (10.0, "rep", ["forbidden"]),
        (10.0, ["rep", "manager"], ["given"]),
        (30.0, "manager", ["forbidden"]),
        (30.0, "director", ["given"]),
    ],
)
def test_a_transition_is_for_its_roles_alone(
    open_pack: Open, send: Callable[..., list[Any]], percent: float, role: Any, result: list[str]
) -> None:
    engine = open_pack(PACK)
    asked(engine, send, percent)
    send(engine, "quote.noted", 1)
    assert send(engine, "quote.approved", 2, role=role, note="good") == result


def test_who_is_not_allowed_is_told_for_whom_it_is(open_pack: Open, event: Make) -> None:
    engine = open_pack(PACK)
    engine.handle(event("quote.asked", "2026-03-02T10:00", quote="q1", percent=1.0))
    (reject,) = engine.handle(event("quote.approved", "2026-03-02T10:01", quote="q1")).rejects
    assert reject["reason"] == "only for manager, director"
    assert "pack.yaml" in reject["place"]


def test_what_an_event_says_of_itself_is_not_believed(open_pack: Open, event: Make) -> None:
    engine = open_pack(PACK)
    engine.handle(event("quote.asked", "2026-03-02T10:00", quote="q1", percent=30.0))
    forged = {**event("quote.approved", "2026-03-02T10:01", quote="q1"), "role": "director"}
    assert [one["code"] for one in engine.handle(forged)] == ["forbidden"]


def test_the_log_keeps_who_acted(open_pack: Open, send: Callable[..., list[Any]], tmp_path: Path) -> None:
    engine = open_pack(PACK, store=f"sqlite:///{tmp_path / 'log.db'}")
    asked(engine, send, 30.0)
    assert send(engine, "quote.approved", 1, role="director") == ["given"]
    again = replayed(engine.program, engine.store)
    assert again["quote", "q1"].workflows.instances["discount"].active == ("given",)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))


def test_a_file_of_events_may_say_who_acts(tmp_path: Path, event: Make) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.yaml").write_text(PACK)
    lines = [
        event("quote.asked", "2026-03-02T10:00", quote="q1", percent=30.0),
        {**event("quote.approved", "2026-03-02T10:01", quote="q1"), "role": "director"},
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, lines)))
    shown = CliRunner().invoke(group, ["run", str(tmp_path / "pack"), "--events", str(tmp_path / "events.jsonl")])
    assert [json.loads(line)["to"] for line in shown.stdout.splitlines()] == ["open", "asked", "given"]


@pytest.mark.parametrize(
    ("line", "roles"),
    [
        (b'{"role": "a"}', ("a",)),
        (b'{"role": ["a", "b"]}', ("a", "b")),
        (b'{"data": {"role": "a"}}', ()),
        (b'{"role": 5}', ()),
        (b'{"role": ', ()),
        (b"{}", ()),
    ],
)
def test_roles_are_read_from_the_envelope(line: bytes, roles: tuple[str, ...]) -> None:
    assert acting(line) == roles


def test_a_test_of_a_pack_says_who_acts(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(PACK)
    assert [result.failures for result in run(load([tmp_path]))] == [()]


class TestBlockers:
    """Why can this discount not be given?"""

    def told(self, engine: Engine, name: str = "discount/given") -> list[str]:
        explanation = engine.why_not(name, "q1")
        return [
            f"{note.role}: {note.detail}" for note in explanation.notes if note.role in ("blocked", "free", "takes")
        ]

    def test_everything_that_stands_in_the_way_is_told_at_once(
        self, open_pack: Open, send: Callable[..., list[Any]]
    ) -> None:
        engine = open_pack(PACK)
        asked(engine, send, 10.0)
        assert self.told(engine) == [
            "takes: quote.approved → given",
            "blocked: only for manager, director; no_note: a note is missing: 0",
            "takes: quote.approved → given",
            "blocked: only for director; `context.percent > params.most` does not hold",
        ]

    def test_what_an_event_must_say_is_asked_when_it_comes(
        self, open_pack: Open, send: Callable[..., list[Any]]
    ) -> None:
        engine = open_pack(PACK)
        asked(engine, send, 10.0)
        details = [note.detail for note in engine.why_not("discount/given", "q1").notes if note.role == "require"]
        assert "asked of the event when it comes: has(data.note) && data.note != ''" in details

    def test_conditions_over_the_last_event_are_asked_of_it(
        self, open_pack: Open, send: Callable[..., list[Any]]
    ) -> None:
        engine = open_pack(PACK)
        asked(engine, send, 10.0)
        send(engine, "quote.noted", 1)
        assert send(engine, "quote.approved", 2, role="manager") == ["no_reason"]
        assert self.told(engine)[1] == "blocked: only for manager, director; no_reason: say why"

    def test_an_aim_that_nothing_leads_to_is_told(self, open_pack: Open, send: Callable[..., list[Any]]) -> None:
        engine = open_pack(PACK)
        asked(engine, send)
        assert self.told(engine, "discount/open") == ["takes: in asked nothing leads to `open`, and nothing takes it"]
        assert self.told(engine, "discount/quote.noted") == [
            "takes: quote.noted → stays",
            "free: nothing that is known stands in the way",
        ]
