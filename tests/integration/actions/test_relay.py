"""The relay beside other processes, and beside a queue that comes and goes."""

import threading
import time
from itertools import pairwise

import pytest
from dramatiq.errors import ConnectionClosed

from engine.actions import policy
from engine.actions.attempt import Attempts, Connectors
from engine.actions.relay import REST, Relay
from engine.errors import StoreError

ENOUGH = 30  # seconds: no test comes near


@pytest.fixture
def sent():
    return []


@pytest.fixture
def relay(store, clock, channel, sent):
    def settle(row):
        return policy.lost(row, channel(), round(clock() * 1_000_000))

    return Relay(store, lambda action, _: sent.append(action), settle, clock, poll=0.01)


def test_what_a_lost_worker_had_taken_is_queued_again_as_soon_as_its_claim_ran_out(store, clock, relay, put, sent):
    put(store, "a1")
    relay.turn()
    assert store.claim("a1", round(clock() * 1_000_000), 10.0, "lost")
    clock.now += 9
    relay.turn()
    assert sent == ["a1"]
    clock.now += 2
    relay.turn()
    assert sent == ["a1", "a1"]


def test_what_another_process_has_taken_is_forgotten(store, clock, relay, put, monkeypatch):
    limits = []
    asked = store.due_actions
    monkeypatch.setattr(store, "due_actions", lambda now, limit: limits.append(limit) or asked(now, limit))
    put(store, *[f"a{n}" for n in range(50)])
    relay.turn()
    for n in range(30):
        assert store.claim(f"a{n}", round(clock() * 1_000_000), 10.0, "other")
    relay.turn()
    relay.turn()
    assert limits == [100, 150, 120]


def test_what_nobody_takes_is_queued_again_and_more_and_more_seldom(store, clock, relay, put, sent):
    put(store, "a1")
    times = []
    for second in range(60):
        if relay.turn():
            times.append(second)
        clock.now += 1
    assert times == [0, 5, 15, 35]
    assert sent == ["a1"] * 4


def test_a_relay_outlives_a_queue_that_cannot_be_reached(store, clock, channel, put):
    answers, sent, both = [ConnectionClosed("gone")], [], threading.Event()

    def send(action, _):
        if answers:
            raise answers.pop()
        sent.append(action)
        if len(sent) == 2:
            both.set()

    relay = Relay(store, send, lambda row: policy.lost(row, channel(), 0), clock, poll=0.01)
    put(store, "a1", "a2")
    relay.start()
    assert both.wait(ENOUGH)
    relay.stop()
    assert sorted(sent) == ["a1", "a2"]
    assert not answers


def test_how_a_call_ended_is_kept_while_the_database_is_away(store, clock, recorder, channel, put, monkeypatch):
    pauses, finish = [], store.finish_attempt

    def finished(*ending):
        if len(pauses) < 20:
            raise StoreError("store_unavailable", "the database cannot be reached")
        finish(*ending)

    channels = {"webhook": channel()}
    connectors = Connectors(channels, {"webhook": recorder}, clock)
    attempts = Attempts(store, connectors, lambda *_: None, lambda _: (), clock, pauses.append)
    monkeypatch.setattr(store, "finish_attempt", finished)
    put(store, "a1")
    assert attempts.perform("a1")
    assert [row.status for row in store.actions()] == ["sent"]
    assert pauses == [1.0] * 20
    assert len(recorder.requests) == 1


def test_a_database_that_stays_away_leaves_the_outcome_unknown(store, clock, recorder, channel, put, monkeypatch):
    pauses = []

    def finished(*_):
        raise StoreError("store_unavailable", "the database cannot be reached")

    channels = {"webhook": channel()}
    connectors = Connectors(channels, {"webhook": recorder}, clock)
    attempts = Attempts(store, connectors, lambda *_: None, lambda _: (), clock, pauses.append)
    monkeypatch.setattr(store, "finish_attempt", finished)
    put(store, "a1")
    with pytest.raises(StoreError, match="store_unavailable"):
        attempts.perform("a1")
    assert sum(pauses) < policy.lease(channels["webhook"])
    assert [row.status for row in store.actions()] == ["claimed"]


def test_a_message_that_comes_twice_costs_no_claim(store, clock, recorder, channel, put, monkeypatch):
    claims, claim = [], store.claim
    monkeypatch.setattr(store, "claim", lambda *asked: claims.append(asked[0]) or claim(*asked))
    connectors = Connectors({"webhook": channel()}, {"webhook": recorder}, clock)
    attempts = Attempts(store, connectors, lambda *_: None, lambda _: (), clock)
    put(store, "a1")
    assert [attempts.perform("a1") for _ in range(3)] == [True, False, False]
    assert claims == ["a1"]
    assert len(recorder.requests) == 1


def test_actions_that_end_at_once_are_looked_at_together(store, clock, channel, monkeypatch):
    looks, due, enough = [], store.due_actions, threading.Event()
    relay = Relay(store, lambda *_: None, lambda row: policy.lost(row, channel(), 0), clock, poll=3600)

    def looked(*asked):
        looks.append(time.monotonic())
        relay.done("a1")
        if len(looks) == 5:
            enough.set()
        return due(*asked)

    monkeypatch.setattr(store, "due_actions", looked)
    relay.start()
    assert enough.wait(ENOUGH)
    relay.stop()
    assert min(later - earlier for earlier, later in pairwise(looks)) >= REST
