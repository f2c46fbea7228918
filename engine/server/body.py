"""Bodies: read as they come, and refused as soon as they are too long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request

from engine.server.problem import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LINES = frozenset(("application/x-ndjson", "application/jsonl", "application/jsonlines"))
JSON = frozenset(("application/json", "application/cloudevents+json"))


def bounded(receive: Receive, most: int, announced: str | None) -> Receive:
    """`receive`, which raises Problem `too_large` when more than `most` bytes have come, or were announced."""
    problem = Problem("too_large", f"the body may have {most} bytes")
    left = most

    async def received() -> Message:
        nonlocal left
        if announced is not None and announced.isdigit() and int(announced) > most:
            raise problem
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise problem
        return message

    return received


def media_of(request: Request) -> str:
    """The content type, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def one_line(request: Request) -> bytes:
    """The body as one line of JSON. Raises Problem `unsupported_media_type`."""
    media = media_of(request)
    if media not in JSON:
        raise Problem("unsupported_media_type", f"`{media}`; application/json is expected")
    return await request.body()


def lines_of(body: bytes, most: int) -> list[bytes]:
    """The lines of a batch, without empty ones. Raises Problem `too_large` when there are more than `most`."""
    if body.count(b"\n") > 2 * most:
        raise Problem("too_large", f"a batch may have {most} lines")
    found = [line for line in body.split(b"\n") if line.strip()]
    if len(found) > most:
        raise Problem("too_large", f"a batch may have {most} lines; there are {len(found)}")
    return found
