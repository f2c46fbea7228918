"""Workers that do one thing only: deliveries, messages, OCR, speech."""

from __future__ import annotations

import queue

import pytest

from conformance.servers import Redis
from engine.actions.redis import queued
from engine.actions.worker import MESSAGES, OCR, SPEECH, Workers, embedded, queue_of
from engine.core.program import Program
from engine.runtime.appender import Appender
from engine.runtime.crew import Crew
from engine.store import DatabaseStore
from tests.integration.shared.test_crew import NOON, line


@pytest.mark.parametrize(
    ("do", "kind"), [("ocr.read", OCR), ("speech.transcribe", SPEECH), ("dingtalk.message", MESSAGES)]
)
def test_what_takes_a_processor_has_a_queue_of_its_own(do: str, kind: str) -> None:
    assert queue_of(do) == kind


def test_a_process_carries_out_its_own_kinds_and_hands_on_the_others() -> None:
    taken: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    with Redis() as server:
        team = [
            Workers(lambda action, kind=kind: taken.put((kind, action)), lambda _: None, 1, queued(server.url), [kind])  # type: ignore[misc]
            for kind in (MESSAGES, OCR)
        ]
        for one in team:
            one.start()
        team[0].send("a1", "ocr.read")
        team[1].send("a2", "dingtalk.message")
        assert {taken.get(timeout=20), taken.get(timeout=20)} == {(OCR, "a1"), (MESSAGES, "a2")}
        for one in team:
            one.stop()


def test_alone_in_its_process_it_leaves_other_kinds_in_the_outbox() -> None:
    taken: queue.SimpleQueue[str] = queue.SimpleQueue()
    workers = Workers(taken.put, lambda _: None, 1, embedded, [MESSAGES])
    workers.start()
    workers.send("a1", "ocr.read")
    workers.send("a2", "dingtalk.message")
    assert taken.get(timeout=20) == "a2"
    workers.stop()
    assert taken.empty()


def test_whoever_does_not_step_leaves_deliveries_to_others(program: Program, store: DatabaseStore) -> None:
    Appender(program, store).take([line("task.opened", "t1", NOON)])
    acts, steps = (
        Crew(program, store, clock=lambda: NOON / 1_000_000, kinds=kinds) for kinds in ([MESSAGES], ["deliveries"])
    )
    acts.sweep()
    assert sum(store.backlog().values()) == 1
    steps.sweep()
    assert store.backlog() == {}
