"""Tokens and the directory: who people are, and who is above them."""

from __future__ import annotations

from connectors.sandbox.dingtalk.tenant import TOKEN_LIFE, Tenant, errcode, object_of, refusal
from connectors.sandbox.server import Answer, Call


def access_token(tenant: Tenant, call: Call) -> Answer:
    """`POST /v1.0/oauth2/accessToken`."""
    body = object_of(call.json())
    if (body.get("appKey"), body.get("appSecret")) != (tenant.app_key, tenant.app_secret):
        return refusal("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
    return Answer.json({"accessToken": tenant.issue_token(), "expireIn": TOKEN_LIFE})


def get_token(tenant: Tenant, call: Call) -> Answer:
    """`GET /gettoken`, the older way."""
    if (call.query.get("appkey"), call.query.get("appsecret")) != (tenant.app_key, tenant.app_secret):
        return errcode(40089, "不合法的appKey或appSecret")
    return errcode(0, "ok", access_token=tenant.issue_token(), expires_in=TOKEN_LIFE)


def user(tenant: Tenant, call: Call) -> Answer:
    """`POST /topapi/v2/user/get`. `manager_userid` is missing where the tenant has none."""
    userid = object_of(call.json()).get("userid")
    found = tenant.users.get(userid) if isinstance(userid, str) else None
    if found is None:
        return errcode(60121, "找不到该用户")
    return errcode(0, "ok", result={"userid": userid, "active": True, **found})


def department(tenant: Tenant, call: Call) -> Answer:
    """`POST /topapi/v2/department/get`."""
    dept_id = object_of(call.json()).get("dept_id")
    found = tenant.departments.get(dept_id) if isinstance(dept_id, int) else None
    if found is None:
        return errcode(60003, "部门不存在")
    return errcode(0, "ok", result={"dept_id": dept_id, **found})


def parents(tenant: Tenant, call: Call) -> Answer:
    """`POST /topapi/v2/department/listparentbyuser`: for each department of a user the way up, itself
    first.
    """
    userid = object_of(call.json()).get("userid")
    found = tenant.users.get(userid) if isinstance(userid, str) else None
    if found is None:
        return errcode(60121, "找不到该用户")
    chains = [{"parent_dept_id_list": _way_up(tenant, dept)} for dept in found.get("dept_id_list", ())]
    return errcode(0, "ok", result={"parent_list": chains})


def _way_up(tenant: Tenant, dept_id: int) -> list[int]:
    chain: list[int] = []
    current: int | None = dept_id
    while current is not None and current not in chain:
        chain.append(current)
        current = tenant.departments.get(current, {}).get("parent_id")
    return chain
