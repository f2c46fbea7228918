"""Who somebody is in DingTalk: the field of the entity, else the manager of whom the message is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.deadline import Deadline
from connectors.dingtalk.api import Api
from connectors.protocol import ConnectorError, ErrorClass, Recipient

FIELD = "dingtalk_userid"
"""The entity field that holds a DingTalk user id."""


class Directory:
    """Finds user ids. `default_userid` receives what has no other recipient."""

    def __init__(self, api: Api, default_userid: str | None, language: str) -> None:
        self._api = api
        self._default = default_userid
        self._language = language

    def find(self, to: Recipient | None, subject: Recipient | None, deadline: Deadline) -> str:
        """The user id to send to.

        The recipient's own id, or the address that was given for him; else, unless the recipient is the subject,
        the subject's manager, then the manager of a department of his or of one above it, never he himself; else
        the default. Raises ConnectorError PERMANENT `no_recipient`.
        """
        own = _userid(to) or (to.address if to else None)
        if own:
            return own
        about = _userid(subject)
        found = None
        if about is not None and not (to and subject and to.id == subject.id):
            found = self._manager(about, deadline)
        found = found or self._default
        if found is None:
            who = to.name or to.id if to else "nobody"
            raise ConnectorError(
                ErrorClass.PERMANENT,
                "no_recipient",
                f"no DingTalk user for {who}: no {FIELD!r}, no manager in the directory, no 'default_userid'",
            )
        return found

    def _manager(self, userid: str, deadline: Deadline) -> str | None:
        user = self._result("topapi/v2/user/get", {"userid": userid, "language": self._language}, deadline)
        direct = user.get("manager_userid")
        if isinstance(direct, str) and direct and direct != userid:
            return direct
        seen: set[int] = set()
        for dept_id in self._departments(userid, user, deadline):
            if dept_id in seen:
                continue
            seen.add(dept_id)
            department = self._result("topapi/v2/department/get", {"dept_id": dept_id}, deadline)
            for manager in department.get("dept_manager_userid_list") or ():
                if manager != userid:
                    return str(manager)
        return None

    def _departments(self, userid: str, user: Mapping[str, Any], deadline: Deadline) -> Iterator[int]:
        """His own departments first, then what is above them, nearest first."""
        yield from user.get("dept_id_list") or ()
        parents = self._result("topapi/v2/department/listparentbyuser", {"userid": userid}, deadline)
        for chain in parents.get("parent_list") or ():
            yield from chain.get("parent_dept_id_list") or ()

    def _result(self, path: str, body: Mapping[str, Any], deadline: Deadline) -> Mapping[str, Any]:
        result = self._api.oapi(path, deadline, safe=True, json=body).get("result")
        return result if isinstance(result, dict) else {}


def _userid(who: Recipient | None) -> str | None:
    value = who.fields.get(FIELD) if who else None
    return str(value) if value else None
