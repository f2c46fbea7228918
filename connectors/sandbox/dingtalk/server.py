"""The sandbox server: one tenant behind the paths of both interfaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox.dingtalk import direct, directory, media, notice
from connectors.sandbox.dingtalk.robot import RobotGate
from connectors.sandbox.dingtalk.tenant import Message, Robot, Tenant, errcode, refusal
from connectors.sandbox.server import Answer, Call, LocalServer, Route


class DingTalkSandbox(LocalServer):
    """DingTalk for one organisation.

    `users`: user id → fields of `topapi/v2/user/get` (name, manager_userid, dept_id_list, …);
    `departments`: id → fields (`parent_id`, `dept_manager_userid_list`); `robots`: access token → Robot.
    `messages` is what recipients see, in order of arrival; `listener` is called with each before it is answered.
    """

    def __init__(
        self,
        *,
        users: Mapping[str, Mapping[str, Any]] | None = None,
        departments: Mapping[int, Mapping[str, Any]] | None = None,
        robots: Mapping[str, Robot] | None = None,
        app_key: str = "sandbox-key",
        app_secret: str = "sandbox-secret",
        robot_code: str = "sandbox-robot",
        agent_id: int = 1,
        clock: Callable[[], float] = time.time,
        listener: Callable[[Message], None] | None = None,
    ) -> None:
        super().__init__()
        self.tenant = Tenant(
            app_key=app_key,
            app_secret=app_secret,
            robot_code=robot_code,
            agent_id=agent_id,
            users={userid: dict(fields) for userid, fields in (users or {}).items()},
            departments={dept: dict(fields) for dept, fields in (departments or {}).items()},
            robots=dict(robots or {}),
            clock=clock,
            listener=listener,
        )
        self.routes = self._routes()

    @property
    def messages(self) -> list[Message]:
        """A copy of what has arrived so far."""
        with self.tenant.lock:
            return list(self.tenant.messages)

    def settings(self) -> dict[str, Any]:
        """Settings with which `dingtalk.message` talks to this sandbox."""
        tenant = self.tenant
        return {
            "app_key": tenant.app_key,
            "app_secret": tenant.app_secret,
            "robot_code": tenant.robot_code,
            "api_base": self.url,
            "oapi_base": self.url,
            "allow_hosts": [self.host],
        }

    def notice_settings(self) -> dict[str, Any]:
        """Settings with which `dingtalk.message` sends work notifications."""
        settings = {name: value for name, value in self.settings().items() if name != "robot_code"}
        return {**settings, "via": "notice", "agent_id": self.tenant.agent_id}

    def robot_settings(self, access_token: str) -> dict[str, Any]:
        """Settings with which `dingtalk.robot` speaks as one of the robots."""
        settings = {"access_token": access_token, "oapi_base": self.url, "allow_hosts": [self.host]}
        secret = self.tenant.robots[access_token].secret
        return settings if secret is None else {**settings, "secret": secret}

    def revoke_tokens(self) -> None:
        """Every token issued so far becomes invalid."""
        with self.tenant.lock:
            self.tenant.tokens.clear()

    def flow_control(self, *userids: str) -> None:
        """From now on exactly these users are reported as flow controlled and receive nothing."""
        with self.tenant.lock:
            self.tenant.flow_controlled = set(userids)

    def invalidate(self, *userids: str) -> None:
        """From now on exactly these users are reported as invalid and receive nothing."""
        with self.tenant.lock:
            self.tenant.invalid_staff = set(userids)

    def busy(self, path: str) -> Answer:
        """Overload, in the dialect of the path."""
        if path.startswith("/v1.0/"):
            return refusal("ServiceUnavailable", "系统繁忙", 503)
        return errcode(-1, "系统繁忙")

    def _routes(self) -> dict[str, Route]:
        tenant, notices = self.tenant, notice.Notices(self.tenant)
        topapi = {
            "/topapi/v2/user/get": directory.user,
            "/topapi/v2/department/get": directory.department,
            "/topapi/v2/department/listparentbyuser": directory.parents,
            "/media/upload": media.upload,
            "/topapi/message/corpconversation/asyncsend_v2": notices.send,
            "/topapi/message/corpconversation/getsendresult": notices.result,
        }
        free = {
            "/v1.0/oauth2/accessToken": directory.access_token,
            "/gettoken": directory.get_token,
            "/v1.0/robot/oToMessages/batchSend": direct.batch_send,
        }
        gate = RobotGate(tenant)
        routes: dict[str, Route] = {path: _locked(tenant, route) for path, route in free.items()}
        routes |= {path: _locked(tenant, _with_token(route)) for path, route in topapi.items()}
        routes["/robot/send"] = _locked(tenant, lambda _, call: gate.send(call))
        return routes


TenantRoute = Callable[[Tenant, Call], Answer]


def _locked(tenant: Tenant, route: TenantRoute) -> Route:
    def answer(call: Call) -> Answer:
        with tenant.lock:
            return route(tenant, call)

    return answer


def _with_token(route: TenantRoute) -> TenantRoute:
    def answer(tenant: Tenant, call: Call) -> Answer:
        if not tenant.token_is_valid(call.query.get("access_token", "")):
            return errcode(40014, "不合法的access_token")
        return route(tenant, call)

    return answer
