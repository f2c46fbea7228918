from __future__ import annotations

import pytest

from connectors import ErrorClass
from connectors.outbound import Reply
from connectors.statuses import failure, retry_after

NOW = 1_773_000_000.0  # 2026-03-08 20:00:00 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Sun, 08 Mar 2026 20:01:30 GMT", 90.0),
        ("Sun, 08 Mar 2026 19:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text, seconds):
    assert retry_after({"retry-after": text}, NOW) == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_two_hundreds_are_no_failure(status):
    assert failure(Reply(status, {}, b""), NOW, "it") is None


@pytest.mark.parametrize(
    ("status", "headers", "expected", "wait"),
    [
        (500, {}, ErrorClass.TRANSIENT, None),
        (503, {"retry-after": "7"}, ErrorClass.RATE_LIMITED, 7.0),
        (408, {}, ErrorClass.TRANSIENT, None),
        (429, {}, ErrorClass.RATE_LIMITED, 60.0),
        (429, {"retry-after": "3"}, ErrorClass.RATE_LIMITED, 3.0),
        (404, {}, ErrorClass.PERMANENT, None),
        (401, {}, ErrorClass.PERMANENT, None),
        (302, {}, ErrorClass.PERMANENT, None),
    ],
)
def test_every_other_status_has_its_class(status, headers, expected, wait):
    error = failure(Reply(status, headers, b""), NOW, "it")
    assert error is not None
    assert (error.error_class, error.code, error.retry_after) == (expected, f"http_{status}", wait)
