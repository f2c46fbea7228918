"""One request and its answer: who asks, how often, how much; the answer's id, its metrics, its line in the log and its span."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from engine.server.body import Message, Receive, bounded
from engine.server.office import Office
from engine.server.problem import Problem, language_of, problem_of
from engine.store import StoredKey

_log = logging.getLogger("rulewright.http")

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset(("/healthz", "/readyz"))
"""Paths that need no key."""


class Exchange:
    """What is known of one request; handlers find it as `request.state.exchange` and add the ids that it is about."""

    def __init__(self, scope: Scope) -> None:
        self.id = secrets.token_hex(8)
        self.headers = Headers(scope=scope)
        self.language = language_of(self.headers.get("accept-language", ""))
        self.began = time.monotonic()
        self.key: StoredKey | None = None
        self.status = 0
        self.ids: dict[str, Any] = {}

    def about(self, **ids: Any) -> None:
        """Add ids to the line in the log."""
        self.ids |= {name: value for name, value in ids.items() if value}


class Exchanges:
    """The outermost application: nothing gets to the others without a key, beyond its rate, or at any length.

    `lanes` are applications that stand in for `app`, by method and path.
    """

    def __init__(self, app: App, office: Office, lanes: Mapping[tuple[str, str], App]) -> None:
        self._app = app
        self._office = office
        self._lanes = lanes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(scope)
        scope.setdefault("state", {})["exchange"] = exchange
        with self._office.spans.span(f"{scope['method']} {scope['path']}", exchange.headers) as span:
            await self._answered(exchange, scope, receive, send)
            span.note(request=exchange.id, status=exchange.status, **exchange.ids)
        self._tell(exchange, scope)

    async def _answered(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = exchange.id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            if scope["path"] not in OPEN:
                await self._admit(exchange)
            limited = bounded(receive, self._office.settings.body_bytes, exchange.headers.get("content-length"))
            await self._lanes.get((scope["method"], scope["path"]), self._app)(scope, limited, sent)
        except Exception as failure:
            if exchange.status:  # it was answered, and told, further inside
                return
            problem = problem_of(failure)
            if problem.status == 500:
                _log.exception("request %s failed", exchange.id)
            exchange.status = problem.status
            await problem.response(exchange.language, exchange.id)(scope, receive, sent)

    async def _admit(self, exchange: Exchange) -> None:
        """Find the caller's key. Raises Problem `unauthenticated` or `rate_limited`, and StoreError."""
        scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem("unauthenticated", "send `Authorization: Bearer` with an API key")
        keys = self._office.keys
        if not keys.fresh:
            await asyncio.to_thread(keys.refresh)
        key = keys.find(token.strip())
        if key is None:
            raise Problem("unauthenticated", "the API key is not known, or was revoked")
        exchange.key = key
        wait = self._office.buckets.take(key.id)
        if wait is not None:
            raise Problem(
                "rate_limited", f"this key may ask {self._office.settings.rate:g} times a second", retry_after=wait
            )

    def _tell(self, exchange: Exchange, scope: Scope) -> None:
        lane: str = scope["path"] if (scope["method"], scope["path"]) in self._lanes else "none"
        route: str = getattr(scope.get("route"), "path", lane)
        seconds = time.monotonic() - exchange.began
        self._office.gauges.answered(route, exchange.status, seconds)
        key = None if exchange.key is None else exchange.key.id
        ids: dict[str, object] = {
            "request": exchange.id,
            "key": key,
            "status": exchange.status,
            "ms": round(seconds * 1000, 2),
            **exchange.ids,
        }
        _log.info("%s %s", scope["method"], route, extra={"ids": ids})
