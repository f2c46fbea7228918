"""Custom robots of groups: signature, keywords, size, and the limit that mutes them."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Mapping
from typing import Any

from connectors.dingtalk.sign import digest
from connectors.sandbox.dingtalk.tenant import Robot, Tenant, errcode, object_of
from connectors.sandbox.server import Answer, Call

_SKEW = 3600.0
_BODY_LIMIT = 20_000
_PER_MINUTE = 20
_BAN = 600.0
_SIGN_REFUSED = (
    "description:机器人发送签名不匹配;solution:请确认签名和生成签名的时间戳必须都放在调用的网址中,"
    "请确认机器人的密钥加密和填写正确;"
)
_KINDS = ("text", "link", "markdown", "actionCard", "feedCard")


class RobotGate:
    """`POST /robot/send`. Remembers for each robot when it spoke and until when it is mute."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._spoke: dict[str, deque[float]] = {}
        self._mute_until: dict[str, float] = {}

    def send(self, call: Call) -> Answer:
        """HTTP 200 whatever happens; the errcode tells."""
        token = call.query.get("access_token", "")
        robot = self._tenant.robots.get(token)
        if robot is None:
            return errcode(300005, "token is not exist")
        if robot.secret is not None and not self._signed(call, robot.secret):
            return errcode(310000, _SIGN_REFUSED)
        if len(call.body) > _BODY_LIMIT:
            return errcode(460101, "message too long, exceed 20000 bytes")
        if self._too_fast(token):
            return errcode(130101, "send too fast, exceed 20 times per minute")
        return self._deliver(robot, object_of(call.json()))

    def _signed(self, call: Call, secret: str) -> bool:
        """The signature is compared after exactly one URL-decoding, which parsing the query was."""
        stamp = call.query.get("timestamp", "")
        if not stamp.isdigit() or abs(self._tenant.clock() - int(stamp) / 1000) > _SKEW:
            return False
        return hmac.compare_digest(call.query.get("sign", "").encode(), digest(secret, int(stamp)).encode())

    def _too_fast(self, token: str) -> bool:
        now = self._tenant.clock()
        if now < self._mute_until.get(token, float("-inf")):
            return True
        spoke = self._spoke.setdefault(token, deque())
        while spoke and spoke[0] <= now - 60.0:
            spoke.popleft()
        if len(spoke) >= _PER_MINUTE:
            self._mute_until[token] = now + _BAN
            return True
        spoke.append(now)
        return False

    def _deliver(self, robot: Robot, body: Mapping[str, Any]) -> Answer:
        kind = body.get("msgtype")
        content = object_of(body.get(str(kind)))
        if kind not in _KINDS or not content:
            return errcode(40035, "缺少参数 msgtype")
        title, text = str(content.get("title", "")), str(content.get("text") or content.get("content") or "")
        if robot.keywords and not any(word in title + text for word in robot.keywords):
            return errcode(
                310000,
                "description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词,并在发送的信息中包含此关键词;",
            )
        self._tenant.deliver(f"group:{robot.name}", kind, title, text, mentions=_mentions(body, text))
        return errcode(0, "ok")


def _mentions(body: Mapping[str, Any], text: str) -> tuple[str, ...]:
    at = object_of(body.get("at"))
    if at.get("isAtAll") is True:
        return ("all",)
    named = [*(at.get("atMobiles") or ()), *(at.get("atUserIds") or ())]
    return tuple(str(name) for name in named if f"@{name}" in text)
