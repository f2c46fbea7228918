from __future__ import annotations

import pytest

from connectors import ConnectorError, ErrorClass
from connectors.dingtalk.codes import oapi_body, v1_body
from connectors.dingtalk.media import image_format
from connectors.dingtalk.quota import Quota
from connectors.dingtalk.sign import sign
from connectors.dingtalk.words import markdown, words
from connectors.outbound import Reply


def test_the_signature_matches_the_published_vector():
    secret = "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68"
    assert sign(secret, 1582163555000) == "BQKsG%2BQOCl%2BbYJOLc6pxDHxjVquzlZPWgvRzeN2J5zY%3D"


@pytest.mark.parametrize(
    ("errcode", "expected", "wait"),
    [
        (-1, ErrorClass.TRANSIENT, None),
        (130101, ErrorClass.RATE_LIMITED, 600.0),
        (90030, ErrorClass.RATE_LIMITED, 600.0),
        (90002, ErrorClass.RATE_LIMITED, 60.0),
        (310000, ErrorClass.PERMANENT, None),
        (40035, ErrorClass.PERMANENT, None),
        (90020, ErrorClass.PERMANENT, None),
        (60003, ErrorClass.PERMANENT, None),
        (123456, ErrorClass.PERMANENT, None),
    ],
)
def test_an_errcode_under_http_200_is_an_error_of_its_class(errcode, expected, wait):
    reply = Reply(200, {}, b'{"errcode": %d, "errmsg": "no"}' % errcode)
    with pytest.raises(ConnectorError) as caught:
        oapi_body(reply, 0.0, lost=ErrorClass.UNKNOWN)
    assert (caught.value.error_class, caught.value.retry_after) == (expected, wait)
    assert str(errcode) in caught.value.message


@pytest.mark.parametrize("body", [b"<html>status 1111</html>", b'{"status": 1111}'])
def test_the_page_of_a_blocked_address_means_to_wait_five_minutes(body):
    with pytest.raises(ConnectorError) as caught:
        oapi_body(Reply(200, {}, body), 0.0, lost=ErrorClass.UNKNOWN)
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMITED, 300.0)


def test_an_answer_that_says_nothing_has_the_class_of_a_lost_one():
    with pytest.raises(ConnectorError) as caught:
        oapi_body(Reply(200, {}, b"<html>hello</html>"), 0.0, lost=ErrorClass.UNKNOWN)
    assert caught.value.error_class is ErrorClass.UNKNOWN


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "Forbidden.AccessDenied.ApiCountLimitForOrg", ErrorClass.PERMANENT),
        (403, "Forbidden.AccessDenied.QpsLimitForApi", ErrorClass.RATE_LIMITED),
        (400, "invalidClientIdOrSecret", ErrorClass.CONFIGURATION),
        (400, "param.error", ErrorClass.PERMANENT),
    ],
)
def test_a_named_refusal_has_its_class(status, code, expected):
    with pytest.raises(ConnectorError) as caught:
        v1_body(Reply(status, {}, b'{"code": "%s", "message": "no"}' % code.encode()), 0.0, lost=ErrorClass.UNKNOWN)
    assert (caught.value.error_class, caught.value.code) == (expected, code)


def test_a_server_error_of_the_new_interface_is_transient():
    with pytest.raises(ConnectorError) as caught:
        v1_body(Reply(503, {}, b'{"code": "ServiceUnavailable"}'), 0.0, lost=ErrorClass.UNKNOWN)
    assert caught.value.error_class is ErrorClass.TRANSIENT


def test_a_quota_never_lets_more_than_its_limit_through_in_any_period(clock):
    quota = Quota(clock, 3)
    quota.take()
    clock.advance(50)
    quota.take()
    quota.take()
    with pytest.raises(ConnectorError) as caught:
        quota.take()
    assert (caught.value.error_class, caught.value.retry_after) == (ErrorClass.RATE_LIMITED, 10.0)
    clock.advance(10)
    quota.take()
    with pytest.raises(ConnectorError) as again:
        quota.take()
    assert again.value.retry_after == 50.0


def test_a_ban_outlasts_the_period(clock):
    quota = Quota(clock, 3)
    quota.ban(600)
    clock.advance(599)
    with pytest.raises(ConnectorError):
        quota.take()
    clock.advance(1)
    quota.take()


def test_the_title_is_the_first_line_where_there_is_none():
    assert words({"text": "第一行\n第二行"}) == ("第一行", "第一行\n第二行")


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": 5}, {"title": ["a"]}])
def test_nothing_to_say_is_a_permanent_error(content):
    with pytest.raises(ConnectorError) as caught:
        words(content)
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.PERMANENT, "bad_content")


def test_line_breaks_survive_the_dialect_of_markdown():
    assert markdown("标题", "一\n二") == "#### 标题\n\n一  \n二"
    assert markdown("一句话", "一句话") == "#### 一句话"


def test_formats_are_told_by_their_first_bytes(picture):
    assert image_format(picture.png) == "png"
    assert image_format(b"\xff\xd8\xff\xe0") == "jpg"
    assert image_format(b"<svg/>") is None
