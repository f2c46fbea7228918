"""`dingtalk.robot`: a custom robot's webhook, which speaks to a group."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from connectors.dingtalk.codes import oapi_body
from connectors.dingtalk.quota import Quota
from connectors.dingtalk.sign import sign
from connectors.dingtalk.words import markdown, words
from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass, Receipt, Request
from connectors.settings import Settings

BODY_LIMIT = 20_000
"""Bytes of a body that the service takes."""


class DingTalkRobot:
    """Posts markdown to a group, signed when the robot has a secret."""

    name = "dingtalk.robot"
    resends_safely = False

    def __init__(
        self,
        outbound: Outbound,
        base: str,
        access_token: str,
        secret: str | None,
        quota: Quota,
        clock: Callable[[], float],
    ) -> None:
        self._outbound = outbound
        self._url = f"{base}/robot/send?access_token={quote(access_token, safe='')}"
        self._secret = secret
        self._quota = quota
        self._clock = clock

    def perform(self, request: Request) -> Receipt:
        """Send `content.title`, `content.text`; optional `at_mobiles`, `at_userids` (lists), `at_all`,
        `picture_url`.

        A group robot cannot upload: a `request.picture` is told as failed in `result.picture`.
        """
        body = _body(request.content)
        self._quota.take()
        reply = self._outbound.send(
            "POST",
            self._signed_url(),
            content=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=request.timeout,
        )
        try:
            oapi_body(reply, self._clock(), lost=ErrorClass.UNKNOWN)
        except ConnectorError as error:
            if error.error_class is ErrorClass.RATE_LIMITED and error.retry_after is not None:
                self._quota.ban(error.retry_after)
            raise
        result: dict[str, Any] = {}
        if request.picture is not None:
            result["picture"] = "failed: a group robot shows pictures by public URL only (`picture_url`)"
        return Receipt("sent", None, result)

    def close(self) -> None:
        """Close the connections."""
        self._outbound.close()

    def _signed_url(self) -> str:
        if self._secret is None:
            return self._url
        timestamp = int(self._clock() * 1000)
        return f"{self._url}&timestamp={timestamp}&sign={sign(self._secret, timestamp)}"


def connect(values: Mapping[str, Any], clock: Callable[[], float]) -> DingTalkRobot:
    """Settings: `access_token`; optional `secret`, `per_minute` (20), `oapi_base`, `allow_hosts`."""
    settings = Settings("dingtalk.robot", values)
    access_token, secret = settings.text("access_token"), settings.optional("secret")
    base = settings.text("oapi_base", "https://oapi.dingtalk.com").rstrip("/")
    quota = Quota(clock, settings.whole("per_minute", 20))
    outbound = Outbound(settings.texts("allow_hosts"))
    settings.done()
    return DingTalkRobot(outbound, base, access_token, secret, quota, clock)


def _body(content: Mapping[str, Any]) -> bytes:
    title, text = words(content)
    mobiles, userids = _names(content, "at_mobiles"), _names(content, "at_userids")
    parts = [markdown(title, text)]
    if content.get("picture_url"):
        parts.append(f"![]({content['picture_url']})")
    if mobiles or userids:
        # Somebody is notified only when the text itself holds the @.
        parts.append(" ".join(f"@{name}" for name in (*mobiles, *userids)))
    document = {
        "msgtype": "markdown",
        "markdown": {"title": title, "text": "\n\n".join(parts)},
        "at": {"atMobiles": mobiles, "atUserIds": userids, "isAtAll": content.get("at_all") is True},
    }
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > BODY_LIMIT:
        raise ConnectorError(
            ErrorClass.PERMANENT,
            "too_long",
            f"the message has {len(body)} bytes, DingTalk takes {BODY_LIMIT}",
        )
    return body


def _names(content: Mapping[str, Any], key: str) -> list[str]:
    value = content.get(key) or []
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
