from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from connectors import ConnectorError, ErrorClass, Picture, Recipient, Request, build
from connectors.outbound import Outbound
from connectors.sandbox.dingtalk import DingTalkSandbox

BATCH = "/v1.0/robot/oToMessages/batchSend"
USERS = {
    "u-rep": {"name": "李雷", "manager_userid": "u-boss", "dept_id_list": [2]},
    "u-boss": {"name": "韩梅梅"},
    "u-head": {"name": "王总"},
    "u-lone": {"name": "无主管", "dept_id_list": [3]},
    "u-own": {"name": "自己的主管", "manager_userid": "u-own", "dept_id_list": [4]},
    "u-none": {"name": "没有部门"},
}
DEPARTMENTS = {
    1: {"name": "公司", "dept_manager_userid_list": ["u-head"]},
    2: {"name": "华东", "parent_id": 1},
    3: {"name": "杭州", "parent_id": 2, "dept_manager_userid_list": ["u-lone"]},
    4: {"name": "苏州", "parent_id": 2, "dept_manager_userid_list": ["u-own", "u-boss"]},
}
BOSS = Recipient("m1", "韩梅梅", fields={"dingtalk_userid": "u-boss"})


@pytest.fixture
def sandbox(clock):
    with DingTalkSandbox(users=USERS, departments=DEPARTMENTS, clock=clock) as server:
        yield server


@pytest.fixture
def connector(sandbox, clock):
    made = build("dingtalk.message", sandbox.settings(), clock=clock)
    yield made
    made.close()


def request(to=BOSS, subject=None, picture=None, timeout=5.0, **content):
    words = content or {"title": "李雷 需要关注", "text": "连续2周高价值客户拜访不足2次"}
    return Request("a1", "k1", "dingtalk.message", to, subject, words, picture, timeout)


def about(userid):
    return Recipient("r1", "李雷", fields={"dingtalk_userid": userid})


def test_the_manager_receives_the_text_and_then_the_picture(sandbox, connector, picture, clock):
    receipt = connector.perform(request(picture=picture))

    text, image = sandbox.messages
    assert (text.user, text.kind, text.title) == ("u-boss", "sampleMarkdown", "李雷 需要关注")
    assert "连续2周" in text.text
    assert (image.user, image.kind, image.png) == ("u-boss", "sampleImageMsg", picture.png)
    assert text.at == image.at == clock()
    assert receipt.status == "accepted"
    assert receipt.provider_id == "pqk-1"
    assert receipt.result["picture"] == "sent"
    json.dumps(dict(receipt.result))


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("u-rep", "u-boss"),  # his manager_userid
        ("u-lone", "u-head"),  # no manager_userid, and his department's manager is himself: up to the company
        ("u-own", "u-boss"),  # named as his own manager: the other manager of his department
    ],
)
def test_a_manager_without_a_userid_is_found_in_the_directory(sandbox, connector, subject, expected):
    receipt = connector.perform(request(to=Recipient("m1", "韩梅梅"), subject=about(subject)))
    assert [message.user for message in sandbox.messages] == [expected]
    assert receipt.result["userid"] == expected


def test_an_address_in_the_pack_is_a_userid(sandbox, connector):
    connector.perform(request(to=Recipient("u-head", "u-head", address="u-head"), subject=about("u-rep")))
    assert [message.user for message in sandbox.messages] == ["u-head"]


def test_whoever_has_no_manager_goes_to_the_default(sandbox, clock):
    connector = build("dingtalk.message", sandbox.settings() | {"default_userid": "u-head"}, clock=clock)
    connector.perform(request(to=Recipient("m1", "韩梅梅"), subject=about("u-none")))
    connector.close()
    assert [message.user for message in sandbox.messages] == ["u-head"]


@pytest.mark.parametrize(
    ("to", "subject"),
    [
        (Recipient("m1", "韩梅梅"), about("u-none")),
        (Recipient("m1", "韩梅梅"), None),
        (Recipient("r1", "李雷"), Recipient("r1", "李雷")),
    ],
)
def test_nobody_to_send_to_is_permanent(sandbox, connector, to, subject):
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(to=to, subject=subject))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "no_recipient")
    assert sandbox.messages == []


def test_a_message_to_the_rep_himself_never_goes_to_his_manager_instead(sandbox, connector):
    rep = Recipient("r1", "李雷", fields={"dingtalk_userid": "u-rep"})
    connector.perform(request(to=rep, subject=rep))
    assert [message.user for message in sandbox.messages] == ["u-rep"]


def test_one_token_serves_until_shortly_before_it_expires(sandbox, connector, clock):
    connector.perform(request())
    clock.advance(6_999)
    connector.perform(request())
    assert sandbox.tenant.issued == 1
    clock.advance(2)
    connector.perform(request())
    assert sandbox.tenant.issued == 2


def test_a_token_that_the_service_refuses_is_renewed_once(sandbox, connector, picture):
    connector.perform(request())
    sandbox.revoke_tokens()
    connector.perform(request(picture=picture))
    assert sandbox.tenant.issued == 2
    assert len(sandbox.messages) == 3


def test_many_threads_share_one_token(sandbox, connector):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: connector.perform(request(text=f"第{n}条")), range(16)))
    assert sandbox.tenant.issued == 1
    assert len(sandbox.messages) == 16


def test_a_wrong_secret_names_the_settings(sandbox, clock):
    connector = build("dingtalk.message", sandbox.settings() | {"app_secret": "wrong"}, clock=clock)
    with pytest.raises(ConnectorError, match="app_secret") as caught:
        connector.perform(request())
    connector.close()
    assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_a_flow_controlled_user_is_not_counted_as_reached(sandbox, connector):
    sandbox.flow_control("u-boss")
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request())
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.RATE_LIMITED, "flow_controlled")
    assert caught.value.retry_after == 60.0
    sandbox.flow_control()
    connector.perform(request())
    assert len(sandbox.messages) == 1


@pytest.mark.parametrize("userid", ["u-boss", "u-stranger"])
def test_an_invalid_user_is_permanent(sandbox, connector, userid):
    sandbox.invalidate("u-boss")
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(to=Recipient("m1", "韩梅梅", fields={"dingtalk_userid": userid})))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "unknown_user")


def test_a_picture_that_cannot_be_shown_does_not_repeat_the_text(sandbox, connector, picture):
    connector.perform(request())
    sandbox.fail_next("/media/upload", 1, "busy")
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(picture=picture))
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert len(sandbox.messages) == 1, "the upload comes first: nothing of this attempt went out"


@pytest.mark.parametrize(("how", "word"), [("busy", "failed: "), ("drop_after", "unknown: ")])
def test_a_picture_lost_after_the_text_is_told_in_the_receipt(sandbox, connector, picture, how, word):
    deliver = sandbox.routes[BATCH]

    def then_fail(call):
        sandbox.routes[BATCH] = deliver
        sandbox.fail_next(BATCH, 1, how)
        return deliver(call)

    sandbox.routes[BATCH] = then_fail
    receipt = connector.perform(request(picture=picture))
    assert receipt.result["picture"].startswith(word)
    assert [m.kind for m in sandbox.messages].count("sampleMarkdown") == 1


def test_a_picture_of_the_wrong_kind_does_not_hold_the_text_back(sandbox, connector):
    svg = Picture(b"<svg/>", "图", "a.svg")
    receipt = connector.perform(request(picture=svg))
    assert receipt.result["picture"].startswith("failed: picture_format")
    assert [m.kind for m in sandbox.messages] == ["sampleMarkdown"]


def test_a_picture_above_the_limit_is_not_uploaded(sandbox, clock, picture):
    connector = build("dingtalk.message", sandbox.settings() | {"media_limit": 10}, clock=clock)
    receipt = connector.perform(request(picture=picture))
    connector.close()
    assert receipt.result["picture"].startswith("failed: picture_too_large")
    assert sandbox.tenant.media == {}


@pytest.mark.parametrize(
    ("path", "how", "expected"),
    [
        ("/v1.0/oauth2/accessToken", "timeout", ErrorClass.TRANSIENT),
        ("/v1.0/oauth2/accessToken", "http500", ErrorClass.TRANSIENT),
        (BATCH, "busy", ErrorClass.TRANSIENT),
        (BATCH, "http500", ErrorClass.TRANSIENT),
        (BATCH, "timeout", ErrorClass.UNKNOWN),
        (BATCH, "drop_after", ErrorClass.UNKNOWN),
    ],
)
def test_only_a_sent_message_without_an_answer_is_unknown(sandbox, connector, path, how, expected):
    sandbox.fail_next(path, 1, how)
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(timeout=0.4))
    assert caught.value.error_class is expected
    assert len(sandbox.messages) == (1 if how == "drop_after" else 0)


def test_a_message_above_the_limit_is_refused_before_any_send(sandbox, connector):
    with pytest.raises(ConnectorError) as caught:
        connector.perform(request(text="长" * 6_000))
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "too_long")
    assert sandbox.messages == []


def test_the_sandbox_refuses_what_the_service_refuses(sandbox, connector):
    connector.perform(request())
    token = next(iter(sandbox.tenant.tokens))
    good = {"robotCode": "sandbox-robot", "userIds": ["u-boss"], "msgKey": "sampleText"}
    good["msgParam"] = json.dumps({"content": "a"})
    door = Outbound([sandbox.host])

    def status(change, header=token):
        headers = {"x-acs-dingtalk-access-token": header}
        return door.send("POST", sandbox.url + BATCH, headers=headers, json=good | change, timeout=5).status

    assert status({}) == 200
    assert status({}, header="stale") == 400
    assert status({"msgParam": {"content": "a"}}) == 400
    assert status({"msgKey": "sampleImageMsg", "msgParam": json.dumps({"photoURL": "@unknown"})}) == 400
    assert status({"userIds": [f"u{n}" for n in range(21)]}) == 400
    assert status({"robotCode": "other"}) == 400
    door.close()


def test_the_sandbox_refuses_a_picture_of_the_wrong_format_or_size(sandbox, connector, picture):
    sandbox.tenant.media_limit = 10
    receipt = connector.perform(request(picture=picture))
    assert receipt.result["picture"].startswith("failed: 40006")


def test_jpeg_is_taken_too(connector):
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    receipt = connector.perform(request(picture=Picture(out.getvalue(), "照片", "a.jpg")))
    assert receipt.result["picture"] == "sent"


def test_no_thread_is_left_when_connector_and_sandbox_are_closed(clock, picture):
    before = set(threading.enumerate())
    with DingTalkSandbox(users=USERS, clock=clock) as server:
        connector = build("dingtalk.message", server.settings(), clock=clock)
        connector.perform(request(picture=picture))
        server.fail_next(BATCH, 1, "timeout")
        with pytest.raises(ConnectorError):
            connector.perform(request(timeout=0.1))
        connector.close()
    assert set(threading.enumerate()) == before


class TestWorkNotifications:
    @pytest.fixture
    def notifier(self, sandbox, clock):
        made = build("dingtalk.message", sandbox.notice_settings(), clock=clock)
        yield made
        made.close()

    def test_the_send_result_makes_it_delivered(self, sandbox, notifier, picture):
        receipt = notifier.perform(request(picture=picture))
        assert receipt.status == "delivered"
        assert [(m.user, m.kind) for m in sandbox.messages] == [("u-boss", "markdown"), ("u-boss", "image")]
        assert sandbox.messages[1].png == picture.png

    def test_the_same_content_on_the_same_day_is_dropped_and_that_is_noticed(self, sandbox, notifier, clock):
        notifier.perform(request())
        with pytest.raises(ConnectorError, match="once a day") as caught:
            notifier.perform(request())
        assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "dropped_143106")
        assert len(sandbox.messages) == 1
        clock.advance(86_400)
        notifier.perform(request())
        assert len(sandbox.messages) == 2

    def test_an_unknown_user_is_permanent_though_the_call_succeeded(self, notifier):
        with pytest.raises(ConnectorError) as caught:
            notifier.perform(request(to=Recipient("x", "x", fields={"dingtalk_userid": "u-stranger"})))
        assert caught.value.code == "unknown_user"

    def test_a_result_that_cannot_be_had_leaves_it_accepted(self, sandbox, notifier):
        sandbox.fail_next("/topapi/message/corpconversation/getsendresult", 1, "http500")
        assert notifier.perform(request()).status == "accepted"
        assert len(sandbox.messages) == 1
