"""Calls of the enterprise interface with a token, which is renewed once when the service refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.deadline import Deadline
from connectors.dingtalk.codes import INVALID_TOKEN, oapi_body, v1_body
from connectors.dingtalk.token import Tokens
from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass


class Api:
    """Both halves of DingTalk's server interface: `oapi` (errcode in the body) and `v1.0` (HTTP status)."""

    def __init__(
        self, outbound: Outbound, tokens: Tokens, api_base: str, oapi_base: str, clock: Callable[[], float]
    ) -> None:
        self._outbound = outbound
        self._tokens = tokens
        self._api_base = api_base
        self._oapi_base = oapi_base
        self._clock = clock

    def oapi(self, path: str, deadline: Deadline, *, safe: bool, **parts: Any) -> dict[str, Any]:
        """POST to `oapi`; the answer's JSON. Raises ConnectorError when its errcode is not 0."""

        def call(token: str) -> dict[str, Any]:
            reply = self._outbound.send(
                "POST",
                f"{self._oapi_base}/{path}",
                params={"access_token": token},
                timeout=deadline.left(),
                safe=safe,
                **parts,
            )
            return oapi_body(reply, self._clock(), lost=_lost(safe))

        return self._with_token(call, deadline)

    def v1(self, path: str, body: Any, deadline: Deadline, *, safe: bool) -> dict[str, Any]:
        """POST to `v1.0`; the answer's JSON. Raises ConnectorError when its status is not 2xx."""

        def call(token: str) -> dict[str, Any]:
            reply = self._outbound.send(
                "POST",
                f"{self._api_base}/v1.0/{path}",
                headers={"x-acs-dingtalk-access-token": token},
                json=body,
                timeout=deadline.left(),
                safe=safe,
            )
            return v1_body(reply, self._clock(), lost=_lost(safe))

        return self._with_token(call, deadline)

    def _with_token(self, call: Callable[[str], dict[str, Any]], deadline: Deadline) -> dict[str, Any]:
        token = self._tokens.current(deadline.left())
        try:
            return call(token)
        except ConnectorError as error:
            if error.code != INVALID_TOKEN:
                raise
        self._tokens.forget(token)
        return call(self._tokens.current(deadline.left()))


def _lost(safe: bool) -> ErrorClass:
    return ErrorClass.TRANSIENT if safe else ErrorClass.UNKNOWN
