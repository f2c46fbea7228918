"""One-to-one messages of the enterprise robot."""

from __future__ import annotations

import json
from typing import Any

from connectors.sandbox.dingtalk.tenant import Tenant, object_of, refusal
from connectors.sandbox.server import Answer, Call

_KEYS = {
    "sampleText": ("content",),
    "sampleMarkdown": ("title", "text"),
    "sampleImageMsg": ("photoURL",),
    "sampleLink": ("title", "text", "messageUrl"),
}
_USER_LIMIT = 20
_PARAM_LIMIT = 15_000


def batch_send(tenant: Tenant, call: Call) -> Answer:
    """`POST /v1.0/robot/oToMessages/batchSend`. Success with HTTP 200 may still leave users out: see the
    lists.
    """
    if not tenant.token_is_valid(call.headers.get("x-acs-dingtalk-access-token", "")):
        return refusal("InvalidAuthentication", "不合法的access_token")
    body = object_of(call.json())
    if body.get("robotCode") != tenant.robot_code:
        return refusal("invalidParameter.robotCode", "robotCode不存在")
    users = body.get("userIds")
    if not isinstance(users, list) or not 0 < len(users) <= _USER_LIMIT:
        return refusal("invalidParameter.userIds", f"userIds: 1..{_USER_LIMIT}")
    param = _param(body)
    if param is None:
        return refusal("invalidParameter.msgParam", "msgParam must be a JSON string with the fields of msgKey")
    return _send(tenant, str(body["msgKey"]), param, [str(userid) for userid in users])


def _param(body: Any) -> dict[str, str] | None:
    """The fields of the message; None when `msgParam` is not a *string* of JSON that holds what `msgKey`
    needs.
    """
    text = body.get("msgParam")
    fields = _KEYS.get(str(body.get("msgKey")))
    if not isinstance(text, str) or fields is None or len(text.encode()) > _PARAM_LIMIT:
        return None
    try:
        param = json.loads(text)
    except ValueError:
        return None
    if not isinstance(param, dict) or not all(isinstance(param.get(name), str) for name in fields):
        return None
    return param


def _send(tenant: Tenant, key: str, param: dict[str, str], users: list[str]) -> Answer:
    photo = param.get("photoURL")
    if photo is not None and photo.startswith("@") and photo not in tenant.media:
        return refusal("invalidParameter.mediaId", "media_id不存在")
    invalid = [u for u in users if u not in tenant.users or u in tenant.invalid_staff]
    flow = [u for u in users if u in tenant.flow_controlled and u not in invalid]
    for userid in users:
        if userid not in invalid and userid not in flow:
            text = param.get("text") or param.get("content") or ""
            tenant.deliver(userid, key, param.get("title", ""), text, photo)
    return Answer.json(
        {
            "processQueryKey": f"pqk-{len(tenant.messages)}",
            "invalidStaffIdList": invalid,
            "flowControlledStaffIdList": flow,
        }
    )
