"""The application: its routes, its description, and what it answers when something goes wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from engine import __version__
from engine.errors import RulewrightError
from engine.server import actions, alerts, decisions, entities, events, health, instances, packs, popups, rejects
from engine.server.access import allowed
from engine.server.body import Receive
from engine.server.exchange import App, Exchange, Exchanges, Scope, Send
from engine.server.office import Office
from engine.server.problem import Problem, problem_of
from engine.server.shapes import ProblemDetails
from engine.store import StoredKey

_log = logging.getLogger("rulewright.http")

ROUTERS = (events, popups, entities, instances, alerts, decisions, actions, rejects, packs, health)

Handler = Callable[[Request, StoredKey, Office, Exchange], Awaitable[Response]]

LANES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/events", events.post_events),
    ("POST", "/v1/popups", popups.post_popups),
)
"""What is asked so often that it goes straight to its handler; FastAPI has the same routes, and describes them."""

READERS = 8
"""Requests that read from the store at once; others wait."""


def application(office: Office) -> Exchanges:
    """The ASGI application over an office, which it starts and stops with its lifespan."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = READERS
        office.start()
        yield
        await asyncio.to_thread(office.stop)

    app = FastAPI(
        title="Rulewright",
        version=__version__,
        summary="Rules and workflows for field sales",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.office = office
    for module in ROUTERS:
        app.include_router(module.router)
    for kind in (Problem, RulewrightError, Exception, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answered)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return Exchanges(app, office, {(method, path): lane(handler, office) for method, path, handler in LANES})


def lane(handler: Handler, office: Office) -> App:
    """A handler of events as an application of its own: what FastAPI does around it costs more than the event."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["state"]["exchange"]
        key = allowed(exchange.key, ("events:write",))
        response = await handler(Request(scope, receive), key, office, exchange)
        await response(scope, receive, send)

    return served


async def _answered(request: Request, failure: Exception) -> Response:
    exchange = request.state.exchange
    problem = _problem(failure)
    if problem.status == 500:
        _log.error("request %s failed", exchange.id, exc_info=failure)
    response = problem.response(exchange.language, exchange.id)
    if isinstance(failure, HTTPException) and failure.headers:
        response.headers.update(failure.headers)
    return response


def _problem(failure: Exception) -> Problem:
    if isinstance(failure, RequestValidationError):
        first = failure.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return Problem("bad_request", f"{place}: {first['msg']}")
    if isinstance(failure, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(failure.status_code, "bad_request")
        return Problem(code, str(failure.detail))
    return problem_of(failure)


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = made
    return app.openapi_schema
