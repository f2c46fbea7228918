"""A step that raises costs one delivery: not its partition, not the batch, not the store, and nobody's memory of what was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.core.partition import SECTIONS, Partition
from engine.core.step import Stepper
from engine.runtime.replay import live, replayed, state_hash
from engine.runtime.session import Session
from engine.store import Outcome, Verdict

PACK = """
pack: {name: fragile, version: "1", title: {en: Fragile}}
entities:
  rep: {key: id, data: {id: string, name: string, active: bool}}
events:
  quote.sent: {lateness: 7d, keys: {quote: data.quote, rep: data.rep}, data: {quote: string, rep: ref(rep), amount: double}}
workflows:
  quote:
    by: quote
    initial: draft
    states:
      draft: {on: {quote.sent: {to: sent, then: [{do: webhook, to: rep, with: {text: "{{ key }}"}}]}}}
      sent: {after: [{for: 1h, to: stalled}], on: {action.succeeded: told}}
      told: {}
      stalled: {}
metrics:
  sent: {of: quote.sent, by: rep, value: sum(data.amount), window: {sliding: 7d}}
alerts:
  idle: {by: rep, yellow: "!rep.active"}
channels:
  webhook: {connector: webhook, settings: {url: {env: RULEWRIGHT_WEBHOOK_URL}}}
"""

Delivery = tuple[str, str]
Crash = Callable[[Callable[[Partition, Any], bool]], None]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.db'}"


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Crash:
    """`crash(when)`: steps of which `when(partition, event)` holds raise, and only after they have changed the partition."""
    step = Stepper.step

    def install(when: Callable[[Partition, Any], bool]) -> None:
        def crashing(self: Stepper, partition: Partition, shared: Any, event: Any, tracer: Any = None) -> Any:
            found = step(self, partition, shared, event, tracer)
            if when(partition, event):
                raise ZeroDivisionError("a mistake of ours")
            return found

        monkeypatch.setattr(Stepper, "step", crashing)

    return install


@pytest.fixture
def sent(event: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    def make(quote: str, time: str = "2026-03-02T10:00", amount: float = 60.0) -> dict[str, Any]:
        line: dict[str, Any] = event("quote.sent", time, id=f"sent-{quote}", quote=quote, rep="r1", amount=amount)
        return line

    return make


def known(engine: Engine) -> Engine:
    engine.put("rep", {"id": "r1", "name": "韩梅梅", "active": True}, "2026-01-01T00:00:00+08:00")
    return engine


def given_up(records: Any) -> list[tuple[str, str, str]]:
    assert {one["code"] for one in records.rejects} <= {"step_crashed"}
    return [(one["event"], one["scope"], one["key"]) for one in records.rejects]


def parked(engine: Engine) -> list[tuple[Delivery, int, bool]]:
    return [(one.delivery[1:], one.claims, one.given_up) for one in engine.store.parked()]


def held(engine: Engine) -> dict[Delivery, Partition]:
    """What the engine has in memory, without the keys of which it knows nothing."""
    found = {(one.scope, one.key): one for one in engine._session.partitions()}
    return {where: one for where, one in found.items() if one.save(SECTIONS) != Partition(*where).save(SECTIONS)}


def test_an_event_that_crashes_in_two_partitions_is_given_up_in_both(
    open_pack: Callable[..., Engine], url: str, crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    crash(lambda _, event: event.id == "sent-bad")
    outcome = engine.handle_many([sent("q1"), sent("bad"), sent("q2")])
    assert given_up(outcome) == [("sent-bad", "quote", "bad"), ("sent-bad", "rep", "r1")]
    assert parked(engine) == [(("quote", "bad"), 3, True), (("rep", "r1"), 3, True)]
    assert {one["key"] for one in outcome.of("transition")} == {"q1", "q2"}
    assert engine.metrics("rep", "r1")["sent"].now == 120.0
    assert engine.handle(sent("bad")).duplicate
    again = replayed(engine.program, engine.store)
    assert state_hash(again) == state_hash(live(engine.store, list(again)))


def test_a_deadline_that_crashes_is_given_up_and_the_others_fire(
    open_pack: Callable[..., Engine], url: str, crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    engine.handle_many([sent("bad"), sent("q1"), sent("q2")])
    crash(lambda partition, event: event.type == "timer.fired" and partition.key == "bad")
    outcome = engine.advance("2026-03-02T11:00:00+08:00")
    assert [(scope, key) for _, scope, key in given_up(outcome)] == [("quote", "bad")]
    assert [one["key"] for one in outcome.of("transition")] == ["q1", "q2"]
    assert parked(engine) == [(("quote", "bad"), 3, True)]
    assert len(engine.advance("2026-03-02T12:00:00+08:00")) == 0
    assert engine.state("quote", "bad")["workflows"] == {"quote": "sent"}


def test_an_entity_whose_step_crashes_is_known_all_the_same(
    open_pack: Callable[..., Engine], url: str, crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    engine.handle(sent("q1"))
    crash(lambda _, event: event.type == "entity.put")
    outcome = engine.put("rep", {"id": "r1", "name": "李雷", "active": False})
    assert [(scope, key) for _, scope, key in given_up(outcome)] == [("rep", "r1")]
    assert parked(engine) == [(("rep", "r1"), 3, True)]
    assert engine.entity("rep", "r1") == {"id": "r1", "name": "李雷", "active": False}
    assert engine.handle(sent("q2")).of("transition")[-1]["to"] == "sent"


def test_a_receipt_whose_step_crashes_is_taken_once_and_the_others_arrive(
    open_pack: Callable[..., Engine], url: str, crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    engine.handle_many([sent("bad"), sent("q1")])
    for row in engine.store.actions():
        engine.store.claim(row.action.id, 0, 30, "w")
        engine.store.begin_attempt(row.action.id, 1, "w", 0, "hash")
        engine.store.finish_attempt(row.action.id, 1, "w", Outcome("sent", 1), Verdict("sent", 0, 1))
    crash(lambda partition, event: event.type == "action.succeeded" and partition.key == "bad")
    outcome = engine.receive()
    assert [(scope, key) for _, scope, key in given_up(outcome)] == [("quote", "bad")]
    assert [(one["key"], one["to"]) for one in outcome.of("transition")] == [("q1", "told")]
    assert parked(engine) == [(("quote", "bad"), 3, True)]
    assert len(engine.receive()) == 0
    assert engine.store.unreceipted() == []


def test_crashes_are_counted_for_the_event_and_not_for_its_place_in_the_log(
    open_pack: Callable[..., Engine], url: str, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    for seq in (engine.store.sequence() + ahead for ahead in (1, 2)):
        for _ in range(3):
            engine.store.park((seq, "quote", "q1"), "one that never came", "crashed, and then the process died")
    engine.close()
    engine = open_pack(PACK, store=url)
    outcome = engine.handle(sent("q1"))
    assert given_up(outcome) == []
    assert engine.state("quote", "q1")["workflows"] == {"quote": "sent"}


def test_in_memory_a_crash_leaves_the_partition_as_it_was_and_the_run_goes_on(
    open_pack: Callable[..., Engine], crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK))
    engine.handle(sent("q1", amount=1.0))
    crash(lambda partition, event: event.id == "sent-bad" or (event.id == "sent-worse" and partition.scope == "rep"))
    outcome = engine.handle_many(
        [sent("q2", amount=2.0), sent("bad", amount=4.0), sent("q3", amount=8.0), sent("worse")]
    )
    lost = [("sent-bad", "quote", "bad"), ("sent-bad", "rep", "r1"), ("sent-worse", "rep", "r1")]
    assert given_up(outcome) == lost
    assert parked(engine) == [((scope, key), 1, True) for _, scope, key in lost]
    assert engine.state("quote", "bad")["workflows"] == {}
    assert engine.metrics("rep", "r1")["sent"].now == 11.0
    assert engine.handle(sent("bad", amount=4.0)).duplicate
    assert state_hash(replayed(engine.program, engine.store)) == state_hash(held(engine))


def test_in_memory_a_partition_is_made_again_with_the_entities_of_each_moment(
    open_pack: Callable[..., Engine], crash: Crash, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK))
    engine.handle(sent("q1"))
    engine.put("rep", {"id": "r1", "name": "韩梅梅", "active": False})
    assert engine.state("rep", "r1")["alerts"] == {"idle": "yellow"}
    before = held(engine)["rep", "r1"].save(SECTIONS)
    crash(lambda partition, event: event.id == "sent-bad" and partition.scope == "rep")
    assert given_up(engine.handle(sent("bad"))) == [("sent-bad", "rep", "r1")]
    assert held(engine)["rep", "r1"].save(SECTIONS) == before
    (resolved,) = engine.put("rep", {"id": "r1", "name": "韩梅梅", "active": True}).alerts
    assert (resolved["was"], resolved["level"]) == ("yellow", "green")
    assert state_hash(replayed(engine.program, engine.store)) == state_hash(held(engine))


def test_what_nobody_expected_leaves_the_engine_as_the_store_has_it(
    open_pack: Callable[..., Engine], url: str, monkeypatch: pytest.MonkeyPatch, sent: Callable[..., Any]
) -> None:
    engine = known(open_pack(PACK, store=url))
    head = engine.store.head()

    def interrupted(_: Session, **_options: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Session, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.handle_many([b"{", sent("q1")])
        with pytest.raises(KeyboardInterrupt):
            engine.handle(b"{")
    assert engine.store.head() == head
    assert (engine.now, engine.state("quote", "q1")["workflows"]) == (None, {})
    outcome = engine.handle(sent("q1"))
    assert [one["kind"] for one in outcome] == ["transition", "transition", "action"]
    assert not outcome.duplicate
