"""What DingTalk's error codes mean for the next attempt."""

from __future__ import annotations

from typing import Any

from connectors.outbound import Reply
from connectors.protocol import ConnectorError, ErrorClass
from connectors.statuses import failure

INVALID_TOKEN = "invalid_token"
"""Code of an error that a fresh access token may cure."""

_INVALID_TOKEN_ERRCODES = frozenset({40001, 40014, 42001})
_TRANSIENT = frozenset({-1})
_PAUSES = {
    130101: 600.0,  # a robot that sends too fast is mute for ten minutes
    90030: 600.0,
    90002: 60.0,  # global limit; the next ones are limits of an application and of a corporation
    90018: 60.0,
    90019: 60.0,
}
_BLOCKED_PAUSE = 300.0
"""Seconds for which an address is blocked that made 10,000 calls in 20 s."""


def oapi_body(reply: Reply, now: float, *, lost: ErrorClass) -> dict[str, Any]:
    """The JSON of an `oapi` answer whose errcode is 0; every other answer raises ConnectorError.

    `lost` is the class of an answer that tells nothing about the outcome.
    """
    error = failure(reply, now, "DingTalk")
    if error is not None:
        raise error
    data = _object(reply, lost)
    errcode = data.get("errcode", 0)
    if errcode != 0:
        raise _errcode(errcode, str(data.get("errmsg", "")))
    return data


def v1_body(reply: Reply, now: float, *, lost: ErrorClass) -> dict[str, Any]:
    """The JSON of a `v1.0` answer with a 2xx status; every other answer raises ConnectorError."""
    if reply.status in (400, 401, 403, 429):
        data = reply.json()
        if isinstance(data, dict) and isinstance(data.get("code"), str):
            raise _named(data["code"], str(data.get("message", "")))
    error = failure(reply, now, "DingTalk")
    if error is not None:
        raise error
    return _object(reply, lost)


def _object(reply: Reply, lost: ErrorClass) -> dict[str, Any]:
    data = reply.json()
    if isinstance(data, dict) and data.get("status") != 1111:
        return data
    if b"1111" in reply.body:
        raise ConnectorError(
            ErrorClass.RATE_LIMITED, "blocked", "DingTalk blocks this address: too many calls", _BLOCKED_PAUSE
        )
    raise ConnectorError(lost, "bad_answer", "DingTalk's answer is not a JSON object")


def _errcode(errcode: Any, errmsg: str) -> ConnectorError:
    message = f"DingTalk: {errcode} {errmsg}".rstrip()
    if errcode in _INVALID_TOKEN_ERRCODES:
        return ConnectorError(ErrorClass.PERMANENT, INVALID_TOKEN, message)
    if errcode in _TRANSIENT:
        return ConnectorError(ErrorClass.TRANSIENT, str(errcode), message)
    if errcode in _PAUSES:
        return ConnectorError(ErrorClass.RATE_LIMITED, str(errcode), message, _PAUSES[errcode])
    return ConnectorError(ErrorClass.PERMANENT, str(errcode), message)


def _named(code: str, text: str) -> ConnectorError:
    message = f"DingTalk: {code} {text}".rstrip()
    if code == "InvalidAuthentication":
        return ConnectorError(ErrorClass.PERMANENT, INVALID_TOKEN, message)
    if code.startswith("invalidClient"):
        return ConnectorError(
            ErrorClass.CONFIGURATION, code, f"{message}; check the settings 'app_key' and 'app_secret'"
        )
    if "Throttling" in code or code.startswith("Forbidden.AccessDenied.Qps"):
        return ConnectorError(ErrorClass.RATE_LIMITED, code, message, 60.0)
    return ConnectorError(ErrorClass.PERMANENT, code, message)
