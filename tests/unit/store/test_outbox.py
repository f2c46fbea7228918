import pytest

from engine.core.event import Publication
from engine.errors import StoreError
from engine.store import Batch, Outcome, Verdict

SECOND = 1_000_000
SENT = Outcome("sent", 9, result={"provider_id": "p1"})
FAILED = Outcome("failed", 9, "transient", "busy", "come back later")
UNKNOWN = Outcome("unknown", 9, "unknown", "read_timeout", "no answer")


def attempt(store, name, outcome, verdict, n=1, token="w1"):
    assert store.claim(name, 0, 30, token) is not None
    store.begin_attempt(name, n, token, 5, "hash")
    store.finish_attempt(name, n, token, outcome, verdict)


def send(store, name):
    attempt(store, name, SENT, Verdict("sent", 0, 1))


def status(store, name):
    return store.action(name).status


def resend(row):
    return Verdict("pending", 0, row.tries)


def hold(row):
    return Verdict("unknown", 0, row.tries)


def test_an_action_waits_with_everything_that_was_decided(store, queue, action):
    asked = action(attach={"heatmap": "visit.arrived", "from": 1, "to": 2, "points": []})
    queue(asked)
    row = store.action("a1")
    assert row.action.content == {"title": "王芳 需要关注"}
    assert row.action.attach == {"heatmap": "visit.arrived", "from": 1, "to": 2, "points": []}
    assert (row.status, row.tries, row.attempt, row.receipted) == ("pending", 0, 0, False)
    assert store.due_actions(0) == ["a1"]
    assert store.action("nobody") is None


def test_one_dedupe_key_is_one_message(store, queue, action):
    queue(action("a1", dedupe_key="k"), action("a2", dedupe_key="k"))
    queue(action("a3", dedupe_key="k"))
    assert [row.action.id for row in store.actions()] == ["a1"]
    send(store, "a1")
    queue(action("a4", dedupe_key="k"))
    assert store.due_actions(0) == []


def test_a_sent_action_remembers_its_attempt_and_its_result(store, queue, action):
    queue(action())
    send(store, "a1")
    row = store.action("a1")
    assert (row.status, row.result, row.attempt, row.token) == ("sent", {"provider_id": "p1"}, 1, None)
    [made] = store.attempts("a1")
    assert (made.n, made.status, made.started, made.finished, made.token) == (1, "sent", 5, 9, "w1")
    assert made.result == {"provider_id": "p1"}


def test_only_one_worker_gets_an_action(store, queue, action):
    queue(action())
    assert store.claim("a1", 0, 30, "w1").token == "w1"
    assert store.claim("a1", 0, 30, "w2") is None
    assert store.due_actions(0) == []


def test_an_action_is_not_tried_before_its_time(store, queue, action):
    queue(action())
    attempt(store, "a1", FAILED, Verdict("pending", 60 * SECOND, 1))
    assert store.due_actions(60 * SECOND - 1) == []
    assert store.claim("a1", 60 * SECOND - 1, 30, "w1") is None
    assert store.next_due() == 60 * SECOND
    assert store.due_actions(60 * SECOND) == ["a1"]
    assert store.action("a1").code == "busy"


def test_what_is_under_way_is_what_is_claimed_or_due(store, queue, action):
    queue(*[action(f"a{n}") for n in range(4)])
    send(store, "a0")
    attempt(store, "a1", FAILED, Verdict("pending", 60, 1))
    store.claim("a2", 0, 30, "w1")
    assert store.under_way(0) == 2
    assert store.under_way(60) == 3


def test_due_actions_come_oldest_first(store, queue, action):
    queue(*[action(f"a{n}") for n in range(5)])
    attempt(store, "a0", FAILED, Verdict("pending", 4, 1))
    assert store.due_actions(9) == ["a1", "a2", "a3", "a4", "a0"]
    assert store.due_actions(9, limit=2) == ["a1", "a2"]


def test_a_worker_without_its_lease_may_not_write(store, queue, action):
    queue(action())
    store.claim("a1", 0, 30, "w1")
    store.begin_attempt("a1", 1, "w1", 5, "hash")
    for move in (
        lambda: store.begin_attempt("a1", 2, "w2", 5, "hash"),
        lambda: store.finish_attempt("a1", 1, "w2", SENT, Verdict("sent", 0, 1)),
    ):
        with pytest.raises(StoreError) as caught:
            move()
        assert caught.value.code == "lease_lost"

    store.expire_leases(30 * SECOND, hold)
    with pytest.raises(StoreError, match="not claimed by this worker"):
        store.finish_attempt("a1", 1, "w1", SENT, Verdict("sent", 0, 1))
    assert status(store, "a1") == "unknown"


def test_an_attempt_has_its_number_once(store, queue, action):
    queue(action())
    store.claim("a1", 0, 30, "w1")
    store.begin_attempt("a1", 1, "w1", 5, "hash")
    with pytest.raises(StoreError) as caught:
        store.begin_attempt("a1", 1, "w1", 5, "hash")
    assert caught.value.code == "duplicate_attempt"
    assert store.action("a1").tries == 1


def test_a_lease_that_runs_out_before_the_call_costs_nothing(store, queue, action):
    queue(action())
    store.claim("a1", 0, 30, "w1")
    assert store.expire_leases(30 * SECOND - 1, hold) == []
    assert store.next_due() == 30 * SECOND
    assert store.expire_leases(30 * SECOND, hold) == ["a1"]
    assert (status(store, "a1"), store.action("a1").tries) == ("pending", 0)


@pytest.mark.parametrize(("settle", "expected"), [(hold, "unknown"), (resend, "pending")])
def test_a_lease_that_runs_out_during_the_call_leaves_the_attempt_unknown(store, queue, action, settle, expected):
    queue(action())
    store.claim("a1", 0, 30, "w1")
    store.begin_attempt("a1", 1, "w1", 5, "hash")
    assert store.expire_leases(40 * SECOND, settle) == ["a1"]

    [made] = store.attempts("a1")
    assert (made.status, made.finished, made.code) == ("unknown", 40 * SECOND, "outcome_unknown")
    row = store.action("a1")
    assert (row.status, row.doubtful, row.tries) == (expected, True, 1)


def test_a_lease_that_runs_out_before_the_second_call_does_not_doubt_the_first(store, queue, action):
    queue(action())
    attempt(store, "a1", FAILED, Verdict("pending", 0, 1))
    store.claim("a1", 0, 30, "w2")
    store.expire_leases(30 * SECOND, hold)
    assert (status(store, "a1"), store.action("a1").doubtful) == ("pending", False)
    assert [made.status for made in store.attempts("a1")] == ["failed"]


def test_finished_actions_wait_for_their_receipt_in_the_log(store, queue, action):
    queue(*[action(name) for name in ("a1", "a2", "a3", "a4")])
    send(store, "a1")
    attempt(store, "a2", FAILED, Verdict("dead", 0, 1))
    attempt(store, "a3", UNKNOWN, Verdict("unknown", 0, 1))
    assert [row.action.id for row in store.unreceipted()] == ["a1", "a2", "a3"]
    assert [row.action.id for row in store.unreceipted(limit=1)] == ["a1"]

    store.commit(Batch(receipted=["a1", "a3", "no such action"]))
    assert [row.action.id for row in store.unreceipted()] == ["a2"]
    assert [row.action.id for row in store.actions("sent")] == ["a1"]


def test_a_dead_letter_can_be_replayed_and_gets_a_new_receipt(store, queue, action):
    queue(action())
    attempt(store, "a1", FAILED, Verdict("dead", 0, 1))
    store.commit(Batch(receipted=["a1"]))

    assert store.replay_dead("a1")
    assert not store.replay_dead("a1")
    row = store.action("a1")
    assert (row.status, row.tries, row.attempt) == ("pending", 0, 1)
    attempt(store, "a1", SENT, Verdict("sent", 0, 1), n=2)
    assert [made.status for made in store.attempts("a1")] == ["failed", "sent"]
    assert [row.action.id for row in store.unreceipted()] == ["a1"]


class TestCorrections:
    @pytest.fixture
    def correction(self, action):
        return action("c1", correction=True, corrects="alert/a1", dedupe_key="alert/a1/correction")

    def test_nobody_is_told_of_a_mistake_that_was_never_sent(self, store, queue, action, correction):
        queue(action())
        queue(correction)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "cancelled"]
        assert store.due_actions(0) == []
        assert store.unreceipted() == []

    def test_a_mistake_and_its_correction_in_one_batch_stay_silent(self, store, queue, action, correction):
        queue(action(), correction)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "cancelled"]

    def test_what_was_sent_is_corrected_once(self, store, queue, action, correction):
        queue(action())
        send(store, "a1")
        queue(correction, action("c2", correction=True, corrects="alert/a1", dedupe_key="alert/a1/correction"))
        assert store.due_actions(0) == ["c1"]
        assert store.action("c1").action.corrects == "alert/a1"
        assert store.action("c2") is None

    def test_what_may_have_been_sent_is_corrected(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", UNKNOWN, Verdict("unknown", 0, 1))
        queue(correction)
        assert store.due_actions(0) == ["c1"]

    def test_what_may_have_been_sent_is_not_sent_again_but_corrected(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", UNKNOWN, Verdict("pending", 0, 1))
        queue(correction)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "pending"]

    def test_what_failed_for_good_needs_no_correction(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", FAILED, Verdict("dead", 0, 1))
        queue(correction)
        assert [status(store, name) for name in ("a1", "c1")] == ["dead", "cancelled"]

    def test_a_withdrawn_dead_letter_does_not_come_back(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", FAILED, Verdict("dead", 0, 1))
        queue(correction)
        assert not store.replay_dead("a1")
        assert status(store, "a1") == "dead"
        assert store.due_actions(0) == []

    def test_a_letter_that_dies_under_its_correction_does_not_come_back(self, store, queue, action, correction):
        queue(action())
        store.claim("a1", 0, 30, "w1")
        store.begin_attempt("a1", 1, "w1", 5, "hash")
        queue(correction)
        store.finish_attempt("a1", 1, "w1", FAILED, Verdict("dead", 0, 1))
        assert not store.replay_dead("a1")
        assert [status(store, name) for name in ("a1", "c1")] == ["dead", "cancelled"]

    def test_a_correction_that_died_can_be_replayed(self, store, queue, action, correction):
        queue(action())
        send(store, "a1")
        queue(correction)
        attempt(store, "c1", FAILED, Verdict("dead", 0, 1))
        assert store.replay_dead("c1")
        assert store.due_actions(0) == ["c1"]

    def test_a_retry_that_is_waiting_is_cancelled(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", FAILED, Verdict("pending", 99, 1))
        queue(correction)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "cancelled"]

    def test_a_correction_waits_for_the_call_that_is_under_way(self, store, queue, action, correction):
        queue(action())
        store.claim("a1", 0, 30, "w1")
        store.begin_attempt("a1", 1, "w1", 5, "hash")
        queue(correction)
        assert store.due_actions(0) == []
        assert store.claim("c1", 0, 30, "w2") is None

        store.finish_attempt("a1", 1, "w1", SENT, Verdict("sent", 0, 1))
        assert store.due_actions(0) == ["c1"]

    def test_a_call_that_fails_under_its_correction_is_not_repeated(self, store, queue, action, correction):
        queue(action())
        store.claim("a1", 0, 30, "w1")
        store.begin_attempt("a1", 1, "w1", 5, "hash")
        queue(correction)
        store.finish_attempt("a1", 1, "w1", FAILED, Verdict("pending", 60, 1))
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "cancelled"]

    def test_a_lost_call_is_corrected_instead_of_repeated(self, store, queue, action, correction):
        queue(action())
        store.claim("a1", 0, 30, "w1")
        store.begin_attempt("a1", 1, "w1", 5, "hash")
        queue(correction)
        store.expire_leases(30 * SECOND, resend)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "pending"]

    def test_a_claim_that_runs_out_before_its_call_is_dropped_with_its_correction(
        self, store, queue, action, correction
    ):
        queue(action())
        store.claim("a1", 0, 30, "w1")
        queue(correction)
        assert store.expire_leases(30 * SECOND, resend) == ["a1"]
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "cancelled"]
        assert (store.due_actions(99 * SECOND), store.next_due()) == ([], None)

    def test_a_claim_that_runs_out_after_a_doubtful_call_is_corrected(self, store, queue, action, correction):
        queue(action())
        attempt(store, "a1", UNKNOWN, Verdict("pending", 0, 1))
        store.claim("a1", 0, 30, "w2")
        queue(correction)
        store.expire_leases(30 * SECOND, resend)
        assert [status(store, name) for name in ("a1", "c1")] == ["cancelled", "pending"]

    def test_a_correction_of_something_unknown_to_the_store_goes_out(self, store, queue, correction):
        queue(correction)
        assert store.due_actions(0) == ["c1"]


def test_actions_commit_with_the_state_that_decided_them(store, action):
    store.commit(Batch(actions=[action()], published=[Publication("script", "s1", "learn", 0.5)]))
    assert status(store, "a1") == "pending"
    assert len(list(store.published())) == 1
