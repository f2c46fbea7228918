"""Work notifications: accepted always, delivered not always, and only the send result tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.dingtalk.tenant import Tenant, errcode, object_of
from connectors.sandbox.server import Answer, Call

_DAY = 86_400.0
_SHANGHAI = 28_800.0
_PER_DAY = 500
_DUPLICATE = 143106
_DAILY_LIMIT = 143105


class Notices:
    """`asyncsend_v2` and `getsendresult`. The same content reaches the same person once a day, 500 a day in
    all.
    """

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._seen: set[tuple[int, str, str]] = set()
        self._count: dict[tuple[int, str], int] = {}
        self._results: dict[int, dict[str, Any]] = {}

    def send(self, tenant: Tenant, call: Call) -> Answer:
        """Success even for what is dropped."""
        body = object_of(call.json())
        if str(body.get("agent_id")) != str(tenant.agent_id):
            return errcode(400002, "无效的参数: agent_id")
        message = object_of(body.get("msg"))
        content = object_of(message.get(str(message.get("msgtype"))))
        users = [userid for userid in str(body.get("userid_list", "")).split(",") if userid]
        if not content or not users:
            return errcode(400002, "无效的参数: msg, userid_list")
        if "media_id" in content and content["media_id"] not in tenant.media:
            return errcode(40007, "不合法的媒体文件id")
        task_id = len(self._results) + 1
        self._results[task_id] = self._outcome(message, content, users)
        return errcode(0, "ok", task_id=task_id, request_id=f"sandbox-{task_id}")

    def result(self, tenant: Tenant, call: Call) -> Answer:
        """What became of a task."""
        body = object_of(call.json())
        found = self._results.get(int(body.get("task_id") or 0))
        if found is None or str(body.get("agent_id")) != str(tenant.agent_id):
            return errcode(400002, "无效的参数: task_id")
        return errcode(0, "ok", send_result=found)

    def _outcome(self, message: Mapping[str, Any], content: Mapping[str, Any], users: list[str]) -> dict[str, Any]:
        invalid, unread, forbidden = [], [], []
        for userid in users:
            code = self._dropped(userid, message)
            if userid not in self._tenant.users:
                invalid.append(userid)
            elif code is not None:
                forbidden.append({"code": code, "count": 1, "userid": userid})
            else:
                unread.append(userid)
                self._tenant.deliver(
                    userid,
                    str(message["msgtype"]),
                    str(content.get("title", "")),
                    str(content.get("text") or content.get("content") or content.get("markdown") or ""),
                    content.get("media_id"),
                )
        return {
            "invalid_user_id_list": invalid,
            "forbidden_user_id_list": [entry["userid"] for entry in forbidden],
            "forbidden_list": forbidden,
            "failed_user_id_list": [],
            "read_user_id_list": [],
            "unread_user_id_list": unread,
            "invalid_dept_id_list": [],
        }

    def _dropped(self, userid: str, message: Mapping[str, Any]) -> int | None:
        day = int((self._tenant.clock() + _SHANGHAI) // _DAY)
        key = (day, userid, json.dumps(message, sort_keys=True))
        if key in self._seen:
            return _DUPLICATE
        if self._count.get((day, userid), 0) >= _PER_DAY:
            return _DAILY_LIMIT
        self._seen.add(key)
        self._count[day, userid] = self._count.get((day, userid), 0) + 1
        return None
