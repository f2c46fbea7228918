from __future__ import annotations

import base64

import pytest

from connectors import ConnectorError, ErrorClass, Recipient, Request, build
from connectors.sandbox.webhook import PATH, WebhookSandbox
from connectors.webhook.signature import signature, verifies

REP = Recipient("r1", "李雷", fields={"mobile": "13800000000"})


@pytest.fixture
def sandbox(clock):
    with WebhookSandbox(secret="shared", clock=clock) as server:
        yield server


@pytest.fixture
def hook(sandbox, clock):
    made = build("webhook", sandbox.settings(), clock=clock)
    yield made
    made.close()


def request(key="alert/visit_discipline/r1/1/red", picture=None, timeout=5.0, **content):
    return Request("a1", key, "webhook", REP, REP, content or {"level": "red"}, picture, timeout)


def test_an_action_is_delivered_as_json_with_its_key_and_signature(sandbox, hook, picture):
    receipt = hook.perform(request(picture=picture, note="两周不足"))
    [delivery] = sandbox.deliveries
    assert receipt.status == "delivered"
    assert receipt.result == {"status": 200, "answer": {"taken": True, "repeated": False}}
    assert delivery.key == "alert/visit_discipline/r1/1/red"
    document = delivery.document
    assert document["content"] == {"note": "两周不足"}
    assert document["to"] == {"id": "r1", "name": "李雷"}, "the rest of an entity's data stays at home"
    assert base64.b64decode(document["picture"]["png_base64"]) == picture.png


def test_a_repeated_attempt_carries_the_same_key(sandbox, hook):
    hook.perform(request())
    assert hook.perform(request()).result["answer"]["repeated"] is True
    assert [d.repeated for d in sandbox.deliveries] == [False, True]


def test_a_key_in_chinese_fits_into_a_header(sandbox, hook):
    hook.perform(request(key="提醒/客户 100%"))
    assert sandbox.deliveries[0].key == "%E6%8F%90%E9%86%92/%E5%AE%A2%E6%88%B7%20100%25"


def test_a_wrong_secret_is_refused_by_the_receiver(sandbox, clock):
    connector = build("webhook", sandbox.settings() | {"secret": "other"}, clock=clock)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request())
    connector.close()
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "http_401")
    assert sandbox.deliveries == []


def test_a_signature_is_bound_to_its_body_and_its_time():
    header = signature("s", 1000, b"{}")
    assert verifies(header, "s", b"{}", 1200.0)
    assert not verifies(header, "s", b"{} ", 1200.0)
    assert not verifies(header, "s", b"{}", 1301.0)
    assert not verifies(header.replace("t=1000", "t=1001"), "s", b"{}", 1200.0)
    assert not verifies("", "s", b"{}", 1200.0)


@pytest.mark.parametrize(
    ("status", "headers", "expected", "wait"),
    [
        (500, {}, ErrorClass.TRANSIENT, None),
        (408, {}, ErrorClass.TRANSIENT, None),
        (429, {"Retry-After": "17"}, ErrorClass.RATE_LIMITED, 17.0),
        (503, {"Retry-After": "Sun, 08 Mar 2026 20:01:30 GMT"}, ErrorClass.RATE_LIMITED, 90.0),
        (410, {}, ErrorClass.PERMANENT, None),
        (307, {"Location": PATH}, ErrorClass.PERMANENT, None),
    ],
)
def test_answers_have_their_classes(sandbox, hook, status, headers, expected, wait):
    sandbox.answer_next(status, headers)
    with pytest.raises(ConnectorError) as caught:
        hook.perform(request())
    assert (caught.value.error_class, caught.value.retry_after) == (expected, wait)
    assert hook.perform(request()).status == "delivered"


@pytest.mark.parametrize(("resends", "expected"), [(False, ErrorClass.UNKNOWN), (True, ErrorClass.TRANSIENT)])
def test_a_timeout_is_unknown_unless_the_receiver_honours_the_key(sandbox, clock, resends, expected):
    connector = build("webhook", sandbox.settings() | {"resends_safely": resends}, clock=clock)
    sandbox.fail_next(PATH, 1, "drop_after")
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(timeout=0.5))
    connector.close()
    assert connector.resends_safely is resends
    assert caught.value.error_class is expected
    assert len(sandbox.deliveries) == 1


def test_content_that_is_no_json_is_permanent(hook):
    with pytest.raises(ConnectorError) as caught:
        hook.perform(request(value=float("nan")))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "bad_content")


def test_a_hook_inside_the_network_is_refused_unless_allowed(sandbox, clock):
    connector = build("webhook", {"url": sandbox.url + PATH}, clock=clock)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request())
    assert caught.value.code == "address_refused"
    assert sandbox.deliveries == []
