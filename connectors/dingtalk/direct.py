"""One-to-one messages of an enterprise robot."""

from __future__ import annotations

import json
from collections.abc import Mapping

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.dingtalk.way import Sent
from connectors.protocol import ConnectorError, ErrorClass

PARAM_LIMIT = 15_000
"""Bytes of `msgParam` that the service takes."""

_FLOW_PAUSE = 60.0


class Direct:
    """Speaks as the robot `robot_code`."""

    def __init__(self, api: Api, robot_code: str) -> None:
        self._api = api
        self._robot_code = robot_code

    def say(self, userid: str, title: str, text: str, deadline: Deadline) -> Sent:
        """Send markdown; `sent` is not `read`, so the status is `accepted`."""
        return self._send(userid, "sampleMarkdown", {"title": title, "text": text}, deadline)

    def show(self, userid: str, media_id: str, deadline: Deadline) -> Sent:
        """Send an uploaded picture."""
        return self._send(userid, "sampleImageMsg", {"photoURL": media_id}, deadline)

    def _send(self, userid: str, key: str, param: Mapping[str, str], deadline: Deadline) -> Sent:
        """The call succeeds with HTTP 200 even for a user who was not reached: the lists of the answer tell.

        Raises ConnectorError: `too_long` and `unknown_user` (PERMANENT), `flow_controlled` (RATE_LIMITED).
        """
        text = json.dumps(param, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
        if size > PARAM_LIMIT:
            raise ConnectorError(
                ErrorClass.PERMANENT,
                "too_long",
                f"the message has {size} bytes, DingTalk takes {PARAM_LIMIT}",
            )
        body = {"robotCode": self._robot_code, "userIds": [userid], "msgKey": key, "msgParam": text}
        data = self._api.v1("robot/oToMessages/batchSend", body, deadline, safe=False)
        if userid in (data.get("invalidStaffIdList") or ()):
            raise ConnectorError(
                ErrorClass.PERMANENT, "unknown_user", f"DingTalk has no user {userid!r} for this robot"
            )
        if userid in (data.get("flowControlledStaffIdList") or ()):
            raise ConnectorError(
                ErrorClass.RATE_LIMITED,
                "flow_controlled",
                f"DingTalk limits messages to {userid!r}",
                _FLOW_PAUSE,
            )
        found = data.get("processQueryKey")
        return Sent("accepted", found if isinstance(found, str) else None)
