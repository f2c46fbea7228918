"""Problems: what goes wrong, as RFC 9457 tells it: with a stable code, in the caller's language, and with its place where that is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from engine.errors import RulewrightError

MEDIA = "application/problem+json"

TITLES: Mapping[str, tuple[int, str, str]] = {
    "unauthenticated": (401, "A valid API key is needed", "需要有效的 API 密钥"),
    "forbidden": (403, "The key does not have this scope", "该密钥没有此权限"),
    "foreign_source": (403, "The event's source is not the key's", "事件来源与密钥不符"),
    "reserved_type": (403, "Only the engine writes this event type", "该事件类型仅由引擎写入"),
    "reserved_source": (403, "Only the engine writes with this source", "该来源仅由引擎使用"),
    "not_found": (404, "There is no such thing", "未找到"),
    "method_not_allowed": (405, "The method is not allowed here", "不允许该请求方法"),
    "id_conflict": (409, "The id was used with other content", "该编号已用于不同内容"),
    "not_replayable": (409, "It cannot be replayed as it is", "无法按原样重放"),
    "too_large": (413, "The request is too large", "请求过大"),
    "unsupported_media_type": (415, "The content type is not understood", "不支持的内容类型"),
    "bad_request": (422, "A parameter does not fit", "参数不正确"),
    "no_popup": (422, "No pop-up listens to this event type", "没有弹窗监听该事件类型"),
    "broken_pack": (422, "The pack has mistakes", "规则包有错误"),
    "tests_failed": (422, "The pack's own tests fail", "规则包自带的测试未通过"),
    "not_activated": (409, "Another revision goes on deciding", "未启用,原版本继续生效"),
    "bad_bundle": (422, "The pack cannot be read", "规则包无法读取"),
    "bad_json": (422, "It is not readable JSON", "JSON 无法读取"),
    "bad_text": (422, "A text cannot be kept", "文本无法保存"),
    "missing_field": (422, "A field is missing", "缺少字段"),
    "wrong_type": (422, "A field has another type", "字段类型不正确"),
    "unknown_type": (422, "The event type is not declared", "事件类型未声明"),
    "unknown_entity": (422, "The entity is not declared", "实体未声明"),
    "unknown_reference": (422, "It refers to what is not known", "引用的对象不存在"),
    "unknown_name": (422, "Nothing has this name", "没有该名称"),
    "late": (422, "The event comes too late", "事件过迟"),
    "future": (422, "The event lies in the future", "事件时间在未来"),
    "too_long": (422, "An identity is too long", "标识过长"),
    "refused": (422, "It was refused", "已被拒绝"),
    "rate_limited": (429, "Too many requests", "请求过于频繁"),
    "internal": (500, "The server made a mistake", "服务器内部错误"),
    "unavailable": (503, "The store cannot be used at the moment", "存储暂不可用"),
    "overloaded": (503, "Too much waits to be committed", "待处理过多"),
    "stopping": (503, "The server is being stopped", "服务正在停止"),
}
"""By code: the status, and the title in English and in Chinese."""


class Problem(Exception):  # noqa: N818 - what callers read is a problem, not an error of ours
    """A request is answered with a problem. `pointer` is a JSON pointer into the body; `retry_after` is seconds."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        pointer: str | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail
        self.pointer = pointer
        self.hint = hint
        self.retry_after = retry_after
        self.more = more

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TITLES.get(self.code, TITLES["refused"])[0]

    def response(self, language: str, instance: str) -> Response:
        """The answer; `language` is `zh` or `en`, `instance` the request's id."""
        status, english, chinese = TITLES.get(self.code, TITLES["refused"])
        body = {
            "type": f"urn:rulewright:problem:{self.code}",
            "title": chinese if language == "zh" else english,
            "status": status,
            "code": self.code,
            "detail": self.detail,
            "instance": f"urn:rulewright:request:{instance}",
        }
        named = {"pointer": self.pointer, "hint": self.hint, **self.more}
        headers = {"Content-Language": language}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if status == 413:
            headers["Connection"] = "close"  # or the rest of the body would be read all the same
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        given = body | {name: value for name, value in named.items() if value is not None}
        return Response(msgspec.json.encode(given), status, headers, MEDIA)


_STORE = frozenset(("store_unavailable", "store_busy", "store_full", "shard_lost", "revision_unreadable"))
_KNOWN = {"unknown_decision": "not_found", "bad_time": "bad_request", "unknown_name": "unknown_name"}


def problem_of(failure: Exception) -> Problem:
    """What a failure below means to a caller. What is not foreseen is `internal`, and says nothing of how we work."""
    if isinstance(failure, Problem):
        return failure
    if isinstance(failure, RulewrightError):
        if failure.code in _STORE:
            return Problem("unavailable", failure.message, hint=failure.hint, retry_after=RETRY)
        if failure.code in _KNOWN:
            return Problem(_KNOWN[failure.code], failure.message, hint=failure.hint)
    return Problem("internal", "it is in the log under this request's id")


RETRY = 2
"""Seconds after which a caller may try again what the store could not take."""


def language_of(accepted: str) -> str:
    """`zh` or `en`: which of them an `Accept-Language` header would rather have."""
    ranked = [(_weight(part), -place, part.strip()[:2].lower()) for place, part in enumerate(accepted.split(",")[:20])]
    return max((one for one in ranked if one[2] in ("zh", "en") and one[0] > 0), default=(0.0, 0, "en"))[2]


def _weight(part: str) -> float:
    _, _, weight = part.partition(";q=")
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
