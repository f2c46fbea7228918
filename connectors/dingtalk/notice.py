"""Work notifications: success says nothing, only the send result tells whether somebody received one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.dingtalk.way import Sent
from connectors.protocol import ConnectorError, ErrorClass

_PATH = "topapi/message/corpconversation"
_PER_MINUTE = frozenset({143103, 143104})
_REASONS = {
    143105: "he has had his 500 notifications of today",
    143106: "the same content reaches the same person once a day",
    1430002: "it holds forbidden words",
    1430004: "he is protected from notifications",
}


class Notice:
    """Speaks as the application `agent_id`."""

    def __init__(self, api: Api, agent_id: int) -> None:
        self._api = api
        self._agent_id = agent_id

    def say(self, userid: str, title: str, text: str, deadline: Deadline) -> Sent:
        """Send markdown."""
        message = {"msgtype": "markdown", "markdown": {"title": title, "text": text}}
        return self._send(userid, message, deadline)

    def show(self, userid: str, media_id: str, deadline: Deadline) -> Sent:
        """Send an uploaded picture."""
        return self._send(userid, {"msgtype": "image", "image": {"media_id": media_id}}, deadline)

    def _send(self, userid: str, message: Mapping[str, Any], deadline: Deadline) -> Sent:
        """`delivered` when the result names the person, `accepted` while it does not yet.

        Raises ConnectorError PERMANENT `unknown_user`, `dropped_CODE`; RATE_LIMITED `dropped_CODE`.
        """
        body = {"agent_id": self._agent_id, "userid_list": userid, "msg": message}
        task_id = self._api.oapi(f"{_PATH}/asyncsend_v2", deadline, safe=False, json=body).get("task_id")
        result = self._result(task_id, deadline)
        if userid in (result.get("invalid_user_id_list") or ()):
            raise ConnectorError(ErrorClass.PERMANENT, "unknown_user", f"DingTalk has no user {userid!r}")
        for entry in result.get("forbidden_list") or ():
            if entry.get("userid") == userid:
                raise _dropped(userid, entry.get("code"))
        reached = (*(result.get("read_user_id_list") or ()), *(result.get("unread_user_id_list") or ()))
        return Sent("delivered" if userid in reached else "accepted", str(task_id))

    def _result(self, task_id: Any, deadline: Deadline) -> Mapping[str, Any]:
        """Empty when it cannot be had: the notification went out, and not knowing more is no failure."""
        body = {"agent_id": self._agent_id, "task_id": task_id}
        try:
            data = self._api.oapi(f"{_PATH}/getsendresult", deadline, safe=True, json=body)
        except ConnectorError:
            return {}
        result = data.get("send_result")
        return result if isinstance(result, dict) else {}


def _dropped(userid: str, code: Any) -> ConnectorError:
    if code in _PER_MINUTE:
        return ConnectorError(
            ErrorClass.RATE_LIMITED, f"dropped_{code}", "DingTalk limits notifications a minute", 60.0
        )
    reason = _REASONS.get(code, "no reason given")
    return ConnectorError(
        ErrorClass.PERMANENT, f"dropped_{code}", f"DingTalk dropped the notification to {userid!r}: {reason}"
    )
