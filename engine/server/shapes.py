"""The shapes of what is sent and answered, for the OpenAPI description. Answers are encoded without them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from engine.server.problem import MEDIA, TITLES

_encode = msgspec.json.Encoder(enc_hook=str).encode


def answer(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(_encode(value), status, media_type="application/json")


class Receipt(BaseModel):
    """What became of a line. An accepted event with a `code` is in the log, and workflows refuse it."""

    status: Literal["accepted", "duplicate", "rejected"]
    event: str | None = None
    seq: int | None = None
    code: str | None = None
    reason: str | None = None
    pointer: str | None = Field(None, description="The place in the line, as a JSON pointer.")


class Receipts(BaseModel):
    """What became of the lines of a batch, line by line."""

    accepted: int
    duplicate: int
    rejected: int
    receipts: list[Receipt]


class ProblemDetails(BaseModel):
    """RFC 9457; `code` is stable."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    pointer: str | None = None
    hint: str | None = None


class Shown(BaseModel):
    """The pop-ups of an event. `stale`: deliveries that came before may not have been taken into account."""

    event: str
    seq: int
    stale: bool
    popups: list[dict[str, Any]]


class Page(BaseModel):
    """A page; `next` is the cursor of the one that follows."""

    items: list[dict[str, Any]]
    next: str | None


Object = dict[str, Any]


class Event(BaseModel):
    """A CloudEvents 1.0 object."""

    model_config = ConfigDict(extra="allow")

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    time: str
    subject: str | None = None
    data: dict[str, Any] = {}


class EntityLine(BaseModel):
    """A version of an entity: what is known of it from `at` on."""

    entity: str
    data: dict[str, Any]
    at: str | None = None


class Change(BaseModel):
    """Why another revision is to decide; for a rollback also which one."""

    model_config = ConfigDict(extra="forbid")

    note: str = ""
    to: str | None = None


class Entity(BaseModel):
    """The data of an entity, as the pack declares them."""

    model_config = ConfigDict(extra="allow")


ALWAYS = (
    "unauthenticated",
    "forbidden",
    "bad_request",
    "too_large",
    "rate_limited",
    "internal",
    "unavailable",
    "overloaded",
    "stopping",
)
"""Problems that any route may answer with."""


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, beside those of every route, for its description."""
    found: dict[int | str, dict[str, Any]] = {}
    by_status: dict[int, list[str]] = {}
    for code in (*codes, *ALWAYS):
        by_status.setdefault(TITLES[code][0], []).append(code)
    for status, named in by_status.items():
        schema = {"$ref": "#/components/schemas/ProblemDetails"}
        found[status] = {"description": ", ".join(dict.fromkeys(named)), "content": {MEDIA: {"schema": schema}}}
    return found


def body(schema: type[BaseModel], *, lines: bool = False, required: bool = True) -> dict[str, Any]:
    """The description of a body: one JSON object, and with `lines` also one a line."""
    one = {"schema": schema.model_json_schema()}
    content: dict[str, Any] = {"application/json": one}
    if lines:
        content["application/x-ndjson"] = {"schema": {"type": "string", "description": "One JSON object a line."}}
    return {"requestBody": {"required": required, "content": content}}
