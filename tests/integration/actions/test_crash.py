"""A worker that is killed: what it had claimed is never lost, and never sent twice but where the channel says so."""

import subprocess
import sys
import threading
import time

import pytest

from engine.actions import Dispatcher
from engine.store import open_store

CHILD = """
import sys, threading
from connectors.protocol import Receipt
from engine.actions import Dispatcher
from engine.core.program import Channel
from engine.store import open_store

class Caller:
    name, resends_safely = "caller", False
    def perform(self, request):
        print("calling", flush=True)
        threading.Event().wait()
    def close(self):
        pass

class Dawdler(dict):
    def __getitem__(self, name):
        print("claimed", flush=True)
        threading.Event().wait()
    def __contains__(self, name):
        return True

path, where = sys.argv[1:]
channels = {"webhook": Channel("webhook", "webhook", {}, "hold", 3, 2.0, 10.0, None)}
connectors = {"webhook": Caller()} if where == "calling" else Dawdler(webhook=None)
Dispatcher(open_store(f"sqlite:///{path}"), channels, connectors).start()
threading.Event().wait()
"""


@pytest.fixture
def killed(path, put, request):
    """Kill, without warning, a process that has come as far as a word says with the action `a1`."""

    def kill_at(word):
        store = open_store(f"sqlite:///{path}")
        put(store, "a1")
        command = [sys.executable, "-c", CHILD, str(path), word]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=request.config.rootpath) as child:
            impatience = threading.Timer(60, child.kill)
            impatience.start()
            said = child.stdout.readline().strip()
            impatience.cancel()
            child.kill()
        assert said == word
        assert store.action("a1").status == "claimed"
        return store

    return kill_at


def restart(store, recorder, channel, later):
    channels = {"webhook": channel}
    with Dispatcher(store, channels, {"webhook": recorder}, clock=lambda: time.time() + later, poll=0.05) as running:
        assert running.drain(30, soon=5)


def test_a_call_cut_off_by_a_kill_is_unknown_and_not_repeated(killed, recorder, channel):
    store = killed("calling")
    restart(store, recorder, channel(on_unknown="hold"), later=60)

    assert recorder.requests == []
    row = store.action("a1")
    assert (row.status, row.code) == ("unknown", "outcome_unknown")
    assert [attempt.status for attempt in store.attempts("a1")] == ["unknown"]
    assert [row.action.id for row in store.unreceipted()] == ["a1"]
    store.close()


def test_a_call_cut_off_by_a_kill_is_repeated_where_the_channel_says_so(killed, recorder, channel):
    store = killed("calling")
    restart(store, recorder, channel(on_unknown="resend", backoff=0.01), later=60)

    assert [request.dedupe_key for request in recorder.requests] == ["k/a1"]
    assert store.action("a1").status == "sent"
    assert [attempt.status for attempt in store.attempts("a1")] == ["unknown", "sent"]
    store.close()


def test_a_kill_before_the_call_costs_nothing(killed, recorder, channel):
    store = killed("claimed")
    restart(store, recorder, channel(on_unknown="hold"), later=60)

    assert len(recorder.requests) == 1
    row = store.action("a1")
    assert (row.status, row.tries, row.attempt) == ("sent", 1, 1)
    store.close()


def test_a_claim_that_still_runs_is_left_alone(killed, recorder, channel):
    store = killed("calling")
    channels = {"webhook": channel(on_unknown="resend")}
    with Dispatcher(store, channels, {"webhook": recorder}, poll=0.05) as running:
        assert not running.drain(0.3)
    assert (recorder.requests, store.action("a1").status) == ([], "claimed")
    store.close()
