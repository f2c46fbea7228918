"""One-to-one messages of an enterprise robot."""

from __future__ import annotations

import json
from collections.abc import Mapping

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.protocol import ConnectorError, ErrorClass

PARAM_LIMIT = 15_000
"""Bytes of `msgParam` that the service takes."""

_FLOW_PAUSE = 60.0


def send(
    api: Api, robot_code: str, userid: str, key: str, param: Mapping[str, str], deadline: Deadline
) -> str | None:
    """Send one message of the kind `key` (`sampleMarkdown`, `sampleImageMsg`) to one user; the process
    query key.

    The call succeeds with HTTP 200 even for a user who was not reached: the lists of the answer tell.
    Raises ConnectorError: `too_long` and `unknown_user` (PERMANENT), `flow_controlled` (RATE_LIMITED).
    """
    text = json.dumps(param, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > PARAM_LIMIT:
        raise ConnectorError(
            ErrorClass.PERMANENT, "too_long", f"the message has {size} bytes, DingTalk takes {PARAM_LIMIT}"
        )
    body = {"robotCode": robot_code, "userIds": [userid], "msgKey": key, "msgParam": text}
    data = api.v1("robot/oToMessages/batchSend", body, deadline, safe=False)
    if userid in (data.get("invalidStaffIdList") or ()):
        raise ConnectorError(
            ErrorClass.PERMANENT, "unknown_user", f"DingTalk has no user {userid!r} for this robot"
        )
    if userid in (data.get("flowControlledStaffIdList") or ()):
        raise ConnectorError(
            ErrorClass.RATE_LIMITED, "flow_controlled", f"DingTalk limits messages to {userid!r}", _FLOW_PAUSE
        )
    found = data.get("processQueryKey")
    return found if isinstance(found, str) else None
