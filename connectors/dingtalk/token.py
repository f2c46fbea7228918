"""The access token of an application: fetched when needed, kept until shortly before it expires."""

from __future__ import annotations

import threading
from collections.abc import Callable

from connectors.dingtalk.codes import v1_body
from connectors.outbound import Outbound
from connectors.protocol import ConnectorError, ErrorClass

_MARGIN = 200.0
"""Seconds before its expiry at which a token is no longer used: 7,200 s of life give 7,000 s of use."""


class Tokens:
    """Gives the current token to any thread. `clock` is in POSIX seconds."""

    def __init__(
        self, outbound: Outbound, api_base: str, app_key: str, app_secret: str, clock: Callable[[], float]
    ) -> None:
        self._outbound = outbound
        self._url = f"{api_base}/v1.0/oauth2/accessToken"
        self._credentials = {"appKey": app_key, "appSecret": app_secret}
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._usable_until = 0.0

    def current(self, timeout: float) -> str:
        """A token that should be valid. Raises ConnectorError when none can be had."""
        with self._lock:
            if self._token is None or self._clock() >= self._usable_until:
                self._token = self._fetch(timeout)
            return self._token

    def forget(self, token: str) -> None:
        """The service refused `token`; another thread's newer one is kept."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _fetch(self, timeout: float) -> str:
        asked_at = self._clock()
        reply = self._outbound.send("POST", self._url, json=self._credentials, timeout=timeout, safe=True)
        data = v1_body(reply, asked_at, lost=ErrorClass.TRANSIENT)
        token, life = data.get("accessToken"), data.get("expireIn", 7200)
        if not isinstance(token, str) or not isinstance(life, int | float):
            raise ConnectorError(ErrorClass.TRANSIENT, "bad_answer", "DingTalk gave no access token")
        self._usable_until = asked_at + max(float(life) - _MARGIN, 0.0)
        return token
