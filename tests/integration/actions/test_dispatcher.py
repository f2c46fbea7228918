import threading

import pytest

from connectors.protocol import ErrorClass, Receipt
from connectors.sandbox.webhook import WebhookSandbox
from engine.actions import Dispatcher, receipt
from engine.store import Batch, open_store

ENOUGH = 30  # seconds: no test comes near


@pytest.fixture
def dispatcher(store, clock, recorder, channel):
    channels = {"webhook": channel()}
    with Dispatcher(store, channels, {"webhook": recorder}, clock=clock, poll=0.05) as running:
        yield running


def statuses(store):
    return {row.action.id: row.status for row in store.actions()}


def test_a_committed_action_is_sent_once_and_its_receipt_is_offered(store, dispatcher, recorder, put):
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)

    [request] = recorder.requests
    assert (request.action_id, request.dedupe_key, request.content) == ("a1", "k/a1", {"title": "t"})
    assert statuses(store) == {"a1": "sent"}
    [attempt] = store.attempts("a1")
    assert (attempt.status, len(attempt.request_hash)) == ("sent", 32)
    [row] = store.unreceipted()
    assert receipt(row)["data"]["result"] == {"status": "sent", "provider_id": "p1", "seen": True}

    store.commit(Batch(receipted=["a1"]))
    assert store.unreceipted() == []


def test_a_notified_dispatcher_does_not_wait_for_its_poll(store, clock, recorder, channel, put):
    with Dispatcher(store, {"webhook": channel()}, {"webhook": recorder}, clock=clock, poll=3600) as running:
        assert running.drain(ENOUGH)
        put(store, "a1")
        running.notify()
        assert running.drain(ENOUGH)
    assert len(recorder.requests) == 1


def test_what_was_committed_before_the_start_is_sent(store, clock, recorder, channel, put):
    put(store, *[f"a{n}" for n in range(250)])
    with Dispatcher(store, {"webhook": channel()}, {"webhook": recorder}, clock=clock, poll=0.05) as running:
        assert running.drain(ENOUGH)
    assert sorted(request.action_id for request in recorder.requests) == sorted(f"a{n}" for n in range(250))


def test_a_passing_failure_is_repeated_after_its_backoff_and_not_before(store, dispatcher, recorder, clock, put):
    recorder.fail(ErrorClass.TRANSIENT, "busy")
    recorder.fail(ErrorClass.TRANSIENT, "busy")
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    assert (len(recorder.requests), statuses(store)) == (1, {"a1": "pending"})

    clock.now += 0.99
    assert dispatcher.drain(ENOUGH)
    assert len(recorder.requests) == 1

    for made in (2, 3):
        clock.now += 4
        assert dispatcher.drain(ENOUGH)
        assert len(recorder.requests) == made
    assert statuses(store) == {"a1": "sent"}
    assert [attempt.status for attempt in store.attempts("a1")] == ["failed", "failed", "sent"]


def test_drain_can_wait_for_what_is_due_soon(store, dispatcher, recorder, put):
    recorder.fail(ErrorClass.TRANSIENT)
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    assert not dispatcher.drain(0.1, soon=60)


def test_too_many_failures_leave_a_dead_letter_that_can_be_replayed(store, dispatcher, recorder, clock, put):
    for _ in range(3):
        recorder.fail(ErrorClass.TRANSIENT, "busy")
    put(store, "a1")
    for _ in range(3):
        assert dispatcher.drain(ENOUGH)
        clock.now += 300
    assert statuses(store) == {"a1": "dead"}
    [dead] = store.unreceipted()
    assert receipt(dead)["data"]["code"] == "busy"

    assert store.replay_dead("a1")
    assert dispatcher.drain(ENOUGH)
    assert statuses(store) == {"a1": "sent"}
    assert [attempt.n for attempt in store.attempts("a1")] == [1, 2, 3, 4]


def test_a_rate_limit_is_respected_and_costs_no_try(store, dispatcher, recorder, clock, put):
    for _ in range(5):
        recorder.fail(ErrorClass.RATE_LIMITED, "too_fast", 600)
    put(store, "a1")
    for made in range(1, 7):
        assert dispatcher.drain(ENOUGH)
        assert len(recorder.requests) == made
        clock.now += 599
        assert dispatcher.drain(ENOUGH)
        assert len(recorder.requests) == made
        clock.now += 62
    assert (statuses(store), store.action("a1").tries) == ({"a1": "sent"}, 1)


@pytest.mark.parametrize("kind", [ErrorClass.PERMANENT, ErrorClass.CONFIGURATION])
def test_what_cannot_work_is_not_repeated(store, dispatcher, recorder, put, kind):
    recorder.fail(kind, "no_recipient")
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    row = store.action("a1")
    assert (row.status, row.code, row.reason) == ("dead", "no_recipient", "message")


def test_an_unknown_outcome_is_shown_and_not_repeated(store, dispatcher, recorder, clock, put):
    recorder.fail(ErrorClass.UNKNOWN, "read_timeout")
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    clock.now += 10_000
    assert dispatcher.drain(ENOUGH)
    assert (len(recorder.requests), statuses(store)) == (1, {"a1": "unknown"})
    assert receipt(store.unreceipted()[0])["type"] == "action.failed"


def test_a_defect_of_a_connector_leaves_an_attempt_of_which_nobody_knows_the_outcome(
    store, dispatcher, recorder, clock, put
):
    recorder.answers.insert(0, ZeroDivisionError("a defect"))
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    [attempt] = store.attempts("a1")
    assert (attempt.status, attempt.error_class, attempt.code) == ("unknown", "unknown", "unexpected")
    clock.now += 10_000
    assert dispatcher.drain(ENOUGH)
    assert (len(recorder.requests), statuses(store)) == (1, {"a1": "unknown"})


def test_a_defect_of_a_connector_is_repeated_where_the_channel_says_so(store, clock, recorder, channel, put):
    recorder.answers.insert(0, ZeroDivisionError("a defect"))
    channels = {"webhook": channel(on_unknown="resend")}
    put(store, "a1")
    with Dispatcher(store, channels, {"webhook": recorder}, clock=clock, poll=0.05) as running:
        assert running.drain(ENOUGH)
        clock.now += 2
        assert running.drain(ENOUGH)
    assert statuses(store) == {"a1": "sent"}
    assert [attempt.status for attempt in store.attempts("a1")] == ["unknown", "sent"]


def test_a_defect_before_the_call_is_repeated_because_nothing_was_sent(store, clock, recorder, channel, put):
    answers = iter([ZeroDivisionError("a defect")])

    def entities(_kind, key):
        if failure := next(answers, None):
            raise failure
        return {"id": key}

    put(store, "a1")
    channels = {"webhook": channel()}
    with Dispatcher(store, channels, {"webhook": recorder}, entities=entities, clock=clock, poll=0.05) as running:
        assert running.drain(ENOUGH)
        assert recorder.requests == []
        clock.now += 2
        assert running.drain(ENOUGH)
    assert statuses(store) == {"a1": "sent"}
    assert [attempt.error_class for attempt in store.attempts("a1")] == ["transient", None]


def test_an_odd_answer_is_still_an_answer(store, dispatcher, recorder, put):
    recorder.answers = [Receipt("done", None, {"odd": threading, 5: {1.5}})]
    put(store, "a1")
    assert dispatcher.drain(ENOUGH)
    assert statuses(store) == {"a1": "sent"}
    assert store.action("a1").result["5"] == [1.5]


def test_an_action_without_a_channel_is_a_dead_letter_that_says_so(store, dispatcher, put):
    put(store, "a1", do="fax")
    assert dispatcher.drain(ENOUGH)
    row = store.action("a1")
    assert (row.status, row.code, "fax" in row.reason) == ("dead", "no_channel", True)


def test_a_setting_that_is_missing_is_named_in_the_dead_letter(store, clock, channel, put):
    channels = {"webhook": channel(settings={"url": {"env": "RULEWRIGHT_SECRET_NOWHERE"}})}
    put(store, "a1")
    with Dispatcher(store, channels, clock=clock, poll=0.05) as running:
        assert running.drain(ENOUGH)
    row = store.action("a1")
    assert (row.status, row.code, "RULEWRIGHT_SECRET_NOWHERE" in row.reason) == ("dead", "missing_setting", True)


def test_pictures_that_are_read_do_not_hold_up_messages(store, clock, recorder, channel, put):
    release, reading = threading.Event(), threading.Event()

    class SlowReader:
        name, resends_safely = "ocr.read", True

        def perform(self, _request):
            reading.set()
            assert release.wait(ENOUGH)
            return Receipt("done")

        def close(self):
            raise AssertionError

    channels = {"webhook": channel(), "ocr.read": channel("ocr.read")}
    put(store, *[f"o{n}" for n in range(8)], do="ocr.read", to=None)
    connectors = {"webhook": recorder, "ocr.read": SlowReader()}
    with Dispatcher(store, channels, connectors, clock=clock, poll=0.05) as running:
        assert reading.wait(ENOUGH)
        put(store, "a1")
        running.notify()
        assert running._relay.wait(lambda: statuses(store)["a1"] == "sent", ENOUGH)
        release.set()
        assert running.drain(ENOUGH)
    assert set(statuses(store).values()) == {"sent"}


def test_nothing_is_left_running(store, clock, recorder, channel, put):
    before = set(threading.enumerate())
    put(store, "a1", "a2")
    with Dispatcher(store, {"webhook": channel()}, {"webhook": recorder}, clock=clock) as running:
        assert running.drain(ENOUGH)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


def test_two_dispatchers_on_one_file_send_each_action_once(path, clock, recorder, channel, put):
    stores = [open_store(f"sqlite:///{path}") for _ in range(2)]
    names = [f"a{n}" for n in range(60)]
    channels, connectors = {"webhook": channel()}, {"webhook": recorder}
    put(stores[0], *names)
    with (
        Dispatcher(stores[0], channels, connectors, clock=clock, poll=0.05) as first,
        Dispatcher(stores[1], channels, connectors, clock=clock, poll=0.05) as second,
    ):
        assert first.drain(ENOUGH)
        assert second.drain(ENOUGH)
    assert sorted(request.action_id for request in recorder.requests) == sorted(names)
    assert {len(stores[0].attempts(name)) for name in names} == {1}
    for store in stores:
        store.close()


def test_a_worker_that_outlives_its_lease_cannot_overwrite_what_was_decided(store, clock, channel, put):
    calling, answer = threading.Event(), threading.Event()

    class Stuck:
        name, resends_safely = "stuck", False

        def perform(self, _request):
            calling.set()
            assert answer.wait(ENOUGH)
            return Receipt("sent")

        def close(self):
            raise AssertionError

    put(store, "a1")
    with Dispatcher(store, {"webhook": channel()}, {"webhook": Stuck()}, clock=clock, poll=0.05) as running:
        assert calling.wait(ENOUGH)
        clock.now += 31
        assert running._relay.wait(lambda: statuses(store) == {"a1": "unknown"}, ENOUGH)
        answer.set()
        assert running.drain(ENOUGH)
    assert statuses(store) == {"a1": "unknown"}
    assert [attempt.status for attempt in store.attempts("a1")] == ["unknown"]


def test_the_real_webhook_gets_one_post_with_the_dedupe_key(store, channel, put, monkeypatch):
    with WebhookSandbox() as sandbox:
        settings = dict(sandbox.settings())
        monkeypatch.setenv("RULEWRIGHT_ALLOW_HOSTS", ",".join(settings.pop("allow_hosts")))
        put(store, "a1", "a2", to=None, to_entity=None)
        with Dispatcher(store, {"webhook": channel(settings=settings)}, poll=0.05) as running:
            assert running.drain(ENOUGH)
        assert statuses(store) == {"a1": "sent", "a2": "sent"}
        keys = sorted(delivery.key for delivery in sandbox.deliveries)
    assert keys == ["k/a1", "k/a2"]
