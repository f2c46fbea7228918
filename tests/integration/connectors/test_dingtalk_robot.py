from __future__ import annotations

import pytest

from connectors import ConnectorError, ErrorClass, Request, build
from connectors.dingtalk.sign import sign
from connectors.outbound import Outbound
from connectors.sandbox.dingtalk import DingTalkSandbox, Robot

ROBOTS = {
    "signed": Robot("华东销售群", secret="SEC-1"),
    "worded": Robot("华南销售群", keywords=("预警",)),
    "plain": Robot("大区群"),
}


@pytest.fixture
def sandbox(clock):
    with DingTalkSandbox(robots=ROBOTS, clock=clock) as server:
        yield server


@pytest.fixture
def connect(sandbox, clock):
    made = []

    def build_robot(token, **settings):
        made.append(build("dingtalk.robot", sandbox.robot_settings(token) | settings, clock=clock))
        return made[-1]

    yield build_robot
    for connector in made:
        connector.close()


def say(text="两周拜访不足", **more):
    return Request("a1", "k1", "dingtalk.robot", content={"text": text, **more}, timeout=2.0)


def test_a_signed_message_reaches_the_group(sandbox, connect):
    receipt = connect("signed").perform(say(title="预警"))
    [message] = sandbox.messages
    assert receipt.status == "sent"
    assert (message.user, message.kind, message.title) == ("group:华东销售群", "markdown", "预警")


def test_a_signature_that_is_encoded_twice_is_refused_under_http_200(sandbox, clock):
    stamp = int(clock() * 1000)
    url = f"{sandbox.url}/robot/send?access_token=signed&timestamp={stamp}&sign="
    once = sign("SEC-1", stamp)
    body = {"msgtype": "text", "text": {"content": "a"}}
    door = Outbound([sandbox.host])
    twice = door.send("POST", url + once.replace("%", "%25"), json=body, timeout=5)
    right = door.send("POST", url + once, json=body, timeout=5)
    door.close()
    assert (twice.status, twice.json()["errcode"]) == (200, 310000)
    assert right.json()["errcode"] == 0


def test_signatures_with_every_character_of_base64_survive_the_url(sandbox, connect, clock):
    robot = connect("signed", per_minute=1000)
    for _ in range(19):
        robot.perform(say())
        clock.advance(3.001)
    assert len(sandbox.messages) == 19


@pytest.mark.parametrize("skew", [3_601, -3_601])
def test_a_clock_that_is_an_hour_off_is_a_permanent_error(sandbox, clock, skew):
    connector = build("dingtalk.robot", sandbox.robot_settings("signed"), clock=lambda: clock() + skew)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(say())
    connector.close()
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "310000")


def test_a_wrong_secret_and_a_missing_keyword_are_permanent(sandbox, connect):
    for connector in (connect("signed", secret="SEC-2"), connect("worded")):
        with pytest.raises(ConnectorError) as caught:
            connector.perform(say())
        assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "310000")
    connect("worded").perform(say("预警:两周拜访不足"))
    assert len(sandbox.messages) == 1


def test_the_twenty_first_message_of_a_minute_is_held_here(sandbox, connect, clock):
    robot = connect("plain")
    for _ in range(20):
        robot.perform(say())
        clock.advance(1)
    with pytest.raises(ConnectorError) as caught:
        robot.perform(say())
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.RATE_LIMITED, "local_limit")
    assert caught.value.retry_after == 40.0
    assert len(sandbox.messages) == 20
    clock.advance(40)
    robot.perform(say())
    assert len(sandbox.messages) == 21


def test_the_service_bans_for_ten_minutes_and_the_connector_keeps_quiet(sandbox, connect, clock):
    robot = connect("plain", per_minute=1000)
    for _ in range(20):
        robot.perform(say())
    with pytest.raises(ConnectorError) as banned:
        robot.perform(say())
    assert (banned.value.code, banned.value.retry_after) == ("130101", 600.0)
    clock.advance(300)
    with pytest.raises(ConnectorError) as waiting:
        robot.perform(say())
    assert (waiting.value.code, waiting.value.retry_after) == ("local_limit", 300.0)
    clock.advance(300)
    robot.perform(say())
    assert len(sandbox.messages) == 21


def test_somebody_is_notified_because_the_text_names_him(sandbox, connect):
    connect("plain").perform(say(at_mobiles=["13800000000"], at_userids=["u1"]))
    connect("plain").perform(say(at_all=True))
    assert [message.mentions for message in sandbox.messages] == [("13800000000", "u1"), ("all",)]


def test_a_body_above_twenty_thousand_bytes_is_not_sent(sandbox, connect):
    with pytest.raises(ConnectorError) as caught:
        connect("plain").perform(say("长" * 7_000))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "too_long")
    assert sandbox.messages == []


def test_a_picture_can_only_be_a_public_url(sandbox, connect, picture):
    request = Request(
        "a", "k", "dingtalk.robot", content={"text": "图", "picture_url": "https://e.cn/a.png"}, picture=picture
    )
    receipt = connect("plain").perform(request)
    assert receipt.result["picture"].startswith("failed: ")
    assert "![](https://e.cn/a.png)" in sandbox.messages[0].text


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("busy", ErrorClass.TRANSIENT),
        ("http500", ErrorClass.TRANSIENT),
        ("timeout", ErrorClass.UNKNOWN),
        ("drop_after", ErrorClass.UNKNOWN),
    ],
)
def test_faults_have_their_classes(sandbox, connect, how, expected):
    sandbox.fail_next("/robot/send", 1, how)
    request = Request("a", "k", "dingtalk.robot", content={"text": "a"}, timeout=0.3)
    with pytest.raises(ConnectorError) as caught:
        connect("plain").perform(request)
    assert caught.value.error_class is expected


def test_an_unknown_robot_is_permanent(sandbox, clock):
    settings = {"access_token": "nobody", "oapi_base": sandbox.url, "allow_hosts": [sandbox.host]}
    connector = build("dingtalk.robot", settings, clock=clock)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(say())
    connector.close()
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "300005")
