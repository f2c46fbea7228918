"""`channels`: which connector a `do` uses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from engine.pack.model.base import Span, Strict, Words, spelled


class Channel(Strict):
    """A connector, its settings and its policy."""

    title: Words | None = None
    connector: str
    settings: dict[str, Any] = Field(default_factory=dict)
    on_unknown: Annotated[Literal["resend", "hold"], spelled("resend", "hold")] = "hold"
    max_attempts: int = Field(default=5, ge=1, le=100)
    backoff: Span | None = None
    timeout: Span | None = None
