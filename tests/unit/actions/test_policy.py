import pytest

from connectors.protocol import ConnectorError, ErrorClass
from engine.actions import policy
from engine.core.event import Action
from engine.core.program import Channel
from engine.store import OutboxRow

NOW = 1_772_380_800_000_000
SECOND = 1_000_000


def channel(**changes):
    values = {"do": "webhook", "connector": "webhook", "settings": {}, "on_unknown": "hold", "max_attempts": 5}
    return Channel(**(values | {"backoff": 2.0, "timeout": 10.0, "place": None} | changes))


def row(tries=0, attempt=None, name="a1"):
    action = Action(name, "webhook", None, None, "rep", "r1", "n", {}, None, "k", False, None, NOW)
    return OutboxRow(action, "claimed", tries=tries, attempt=tries if attempt is None else attempt)


def failed(kind, claimed=None, retry_after=None, **changes):
    error = ConnectorError(kind, "code", "message", retry_after)
    return policy.failure(error, claimed or row(), channel(**changes), NOW)


def seconds(verdict):
    return (verdict.not_before - NOW) / SECOND


def test_success_is_sent():
    assert policy.success(row(), NOW).status == "sent"


@pytest.mark.parametrize(("tries", "backoff"), [(0, 2), (1, 4), (2, 8), (3, 16)])
def test_a_passing_failure_is_tried_again_after_a_doubled_pause(tries, backoff):
    verdict = failed(ErrorClass.TRANSIENT, row(tries))
    assert (verdict.status, verdict.tries) == ("pending", tries + 1)
    assert backoff / 2 <= seconds(verdict) <= backoff


def test_no_backoff_is_longer_than_five_minutes():
    assert 150 <= seconds(failed(ErrorClass.TRANSIENT, row(40), max_attempts=100)) <= 300


def test_the_last_try_that_fails_leaves_a_dead_letter():
    assert failed(ErrorClass.TRANSIENT, row(4)).status == "dead"
    assert failed(ErrorClass.TRANSIENT, row(3)).status == "pending"


def test_the_same_attempt_waits_equally_long_and_others_do_not():
    pauses = {seconds(failed(ErrorClass.TRANSIENT, row(name=f"a{n}"))) for n in range(50)}
    assert len(pauses) == 50
    assert failed(ErrorClass.TRANSIENT) == failed(ErrorClass.TRANSIENT)


def test_a_server_that_says_when_is_not_asked_earlier():
    verdict = failed(ErrorClass.RATE_LIMITED, retry_after=600)
    assert 600 <= seconds(verdict) <= 660
    assert 900 <= seconds(failed(ErrorClass.TRANSIENT, retry_after=900)) <= 990


def test_a_rate_limit_burns_no_try_until_patience_ends():
    assert failed(ErrorClass.RATE_LIMITED, row(tries=4, attempt=4), retry_after=1).tries == 4
    assert failed(ErrorClass.RATE_LIMITED, row(tries=0, attempt=19), retry_after=1).tries == 0
    assert failed(ErrorClass.RATE_LIMITED, row(tries=0, attempt=20), retry_after=1).tries == 1
    assert failed(ErrorClass.RATE_LIMITED, row(tries=4, attempt=24), retry_after=1).status == "dead"


@pytest.mark.parametrize("kind", [ErrorClass.PERMANENT, ErrorClass.CONFIGURATION])
def test_what_cannot_work_is_dead_at_once(kind):
    assert failed(kind).status == "dead"


def test_an_unknown_outcome_is_held_or_repeated_as_the_channel_says():
    assert failed(ErrorClass.UNKNOWN, on_unknown="hold").status == "unknown"
    assert failed(ErrorClass.UNKNOWN, on_unknown="resend").status == "pending"


def test_an_unknown_outcome_is_not_repeated_for_ever():
    assert failed(ErrorClass.UNKNOWN, row(4), on_unknown="resend").status == "unknown"


def test_a_lost_worker_is_an_unknown_outcome_whose_try_is_counted_already():
    assert policy.lost(row(1), channel(on_unknown="resend"), NOW).status == "pending"
    assert policy.lost(row(5), channel(on_unknown="resend"), NOW).status == "unknown"
    assert policy.lost(row(1), channel(), NOW).status == "unknown"
    assert policy.lost(row(1), None, NOW).status == "unknown"


def test_a_claim_outlasts_its_call():
    assert policy.lease(channel(timeout=60.0)) > 60
    assert policy.lease(None) > 0
