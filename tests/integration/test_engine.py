"""The engine over a real SQLite file: restarts, crashes of a step, two processes, explanations."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine import Engine
from engine.cli import group
from engine.core.step import Stepper
from engine.errors import PackError, RulewrightError, StoreError

PACK = """
pack: {name: mini, version: "1", title: {en: Mini}, params: {patience: 72h}}
calendars:
  shanghai: {tz: Asia/Shanghai, week_starts: monday, workdays: mon-fri, hours: 09:00-18:00}
entities:
  rep: {key: id, data: {id: string, name: string, boss: ref(rep)?}}
events:
  quote.sent: {lateness: 7d, keys: {quote: data.quote, rep: data.rep}, data: {quote: string, rep: ref(rep), amount: double}}
  quote.won: {lateness: 7d, keys: {quote: data.quote, rep: data.rep}, data: {quote: string, rep: ref(rep)}}
workflows:
  quote:
    title: {en: Quote}
    by: quote
    context: {amount: double = 0.0}
    initial: draft
    states:
      draft:
        on:
          quote.sent:
            to: sent
            require: [{when: data.amount > 0.0, code: amount, reason: {en: "{{ data.amount }} is not an amount"}}]
            set: {amount: data.amount}
      sent:
        after: [{for: params.patience, to: stalled}]
        on: {quote.won: won}
      stalled: {on: {quote.won: won}}
      won: {final: true}
metrics:
  sent: {title: {en: Sent}, of: quote.sent, by: rep, value: sum(data.amount), window: {sliding: 7d}}
alerts:
  busy: {title: {en: Busy}, by: rep, yellow: metrics.sent.now > 100.0}
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'engine.db'}"


def sent(
    event: Callable[..., Any], number: str, time: str = "2026-03-02T10:00", amount: float = 60.0
) -> dict[str, Any]:
    line: dict[str, Any] = event("quote.sent", time, id=f"sent-{number}", quote=number, rep="r1", amount=amount)
    return line


def kinds(records: Any) -> list[str]:
    return [record["kind"] for record in records]


def test_a_restart_goes_on_where_the_last_commit_was(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    first = open_pack(PACK, store=url)
    first.put("rep", {"id": "r1", "name": "韩梅梅"})
    first.handle(sent(event, "q1"))
    first.close()
    second = open_pack(PACK, store=url)
    assert second.handle(sent(event, "q1")).duplicate
    assert kinds(second.handle(sent(event, "q2", "2026-03-02T11:00"))) == ["transition", "transition", "alert"]
    assert [one["key"] for one in second.advance("2026-03-05T10:00:00+08:00").of("transition")] == ["q1"]
    assert second.state("quote", "q1")["workflows"] == {"quote": "stalled"}
    assert second.state("quote", "q2")["workflows"] == {"quote": "sent"}


def test_a_sliding_window_lets_go_by_itself_when_its_time_has_come(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url)
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    engine.handle(sent(event, "q1"))
    engine.handle(sent(event, "q2", "2026-03-03T10:00"))
    found = engine.advance("2026-03-09T10:00:00+08:00").alerts
    assert [(one["at"], one["level"]) for one in found] == [("2026-03-09T10:00:00+08:00", "green")]


def test_a_delivery_that_crashes_its_step_is_given_up_and_takes_nobody_along(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_pack(PACK, store=url)
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    step = Stepper.step

    def crashing(self: Stepper, partition: Any, shared: Any, delivery: Any, tracer: Any = None) -> Any:
        if partition.scope == "quote" and delivery.id == "sent-bad":
            raise ZeroDivisionError("a mistake of ours")
        return step(self, partition, shared, delivery, tracer)

    monkeypatch.setattr(Stepper, "step", crashing)
    outcome = engine.handle_many([sent(event, "q1"), sent(event, "bad"), sent(event, "q2")])
    assert [(one["code"], one["key"]) for one in outcome.rejects] == [("step_crashed", "bad")]
    assert {one["key"] for one in outcome.of("transition")} == {"q1", "q2"}
    assert engine.metrics("rep", "r1")["sent"].now == 180.0
    assert [(one.delivery[1:], one.claims, one.given_up) for one in engine.store.parked()] == [
        (("quote", "bad"), 3, True)
    ]
    assert engine.handle(sent(event, "bad")).duplicate


def test_two_engines_on_one_file_lose_nothing(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    one, other = open_pack(PACK, store=url), open_pack(PACK, store=url)
    one.put("rep", {"id": "r1", "name": "韩梅梅"})
    other.handle(sent(event, "q1"))
    one.handle(sent(event, "q2"))
    other.handle(sent(event, "q3"))
    assert one.store.sequence() == other.store.sequence()
    last = open_pack(PACK, store=url)
    assert last.metrics("rep", "r1")["sent"].now == 180.0


def test_an_explanation_gives_the_place_and_every_value(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url)
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    engine.handle(sent(event, "q1"))
    (alert,) = engine.handle(sent(event, "q2")).alerts
    engine.handle(sent(event, "q3"))
    explanation = engine.explain(alert["id"])
    assert explanation.place is not None
    assert explanation.place.line == 31
    assert explanation.event is not None
    assert explanation.event["id"] == "sent-q2"
    (note,) = explanation.notes
    assert note.tree is not None
    assert (note.role, note.tree.value, note.tree.children[0].text, note.tree.children[0].value) == (
        "yellow",
        True,
        "metrics.sent.now",
        120.0,
    )
    assert "metrics.sent.now  =  120" in "\n".join(explanation.lines())


def test_a_decision_is_explained_with_the_pack_that_the_store_was_written_with(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url, patience="1h")
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    engine.handle(sent(event, "q1"))
    (stalled,) = engine.advance("2026-03-02T11:00:00+08:00").of("transition")
    engine.close()
    result = CliRunner().invoke(group, ["explain", stalled["id"], "--store", url, "--json"])
    explanation = json.loads(result.output)
    assert explanation["revision"] == stalled["revision"] == engine.program.revision
    assert explanation["place"] == "pack/pack.yaml:11:3"
    assert (explanation["record"]["from"], explanation["record"]["to"]) == ("sent", "stalled")


def test_a_refusal_is_explained_by_the_requirement_that_failed(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url)
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    (reject,) = engine.handle(sent(event, "q1", amount=-5.0)).rejects
    assert (reject["code"], reject["reason"]) == ("amount", "-5 is not an amount")
    notes = [note for note in engine.explain(reject["id"]).notes if note.role == "require"]
    assert [(note.text, note.tree.value if note.tree else None) for note in notes] == [("data.amount > 0.0", False)]


def test_why_not_says_what_stands_in_the_way_now_and_at_an_earlier_instant(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url)
    engine.put("rep", {"id": "r1", "name": "韩梅梅"})
    engine.handle(sent(event, "q1"))
    engine.handle(sent(event, "q2", "2026-03-03T10:00"))
    assert engine.why_not("busy", "r1").notes[0].tree.value is True  # type: ignore[union-attr]
    earlier = engine.why_not("busy", "r1", "2026-03-02T12:00:00+08:00")
    assert earlier.notes[0].tree.value is False  # type: ignore[union-attr]
    assert "quote.won → won" in "\n".join(engine.why_not("quote", "q1").lines())


def test_what_is_not_there_cannot_be_explained(open_pack: Callable[..., Engine], url: str) -> None:
    engine = open_pack(PACK, store=url)
    with pytest.raises(RulewrightError, match="unknown_decision"):
        engine.explain("nothing")
    with pytest.raises(RulewrightError, match="unknown_name"):
        engine.why_not("nothing", "r1")


def test_an_entity_that_does_not_fit_is_refused_and_known_ones_may_change(
    open_pack: Callable[..., Engine], event: Callable[..., Any], url: str
) -> None:
    engine = open_pack(PACK, store=url)
    assert [one["code"] for one in engine.put("shop", {"id": "s1"}).rejects] == ["unknown_entity"]
    assert [one["code"] for one in engine.put("rep", {"id": "r1"}).rejects] == ["missing_field"]
    assert len(engine.put("rep", {"id": "r1", "name": "韩梅梅"})) == 0
    engine.handle(sent(event, "q1"))
    engine.put("rep", {"id": "r1", "name": "李雷"})
    assert engine.entity("rep", "r1") == {"id": "r1", "name": "李雷"}


def test_a_store_that_cannot_be_opened_and_a_pack_that_does_not_check_say_why(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="store_url"):
        Engine.open("sales", "mysql://somewhere")
    (tmp_path / "pack.yaml").write_text("pack: {name: x}\nworkflow: {}\n", encoding="utf-8")
    with pytest.raises(PackError, match="workflow"):
        Engine.open(tmp_path)
