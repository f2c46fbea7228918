"""What decisions do: emit an event, ask a channel, assert or retract a fact."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from engine.pack.model.base import Expr, Span, Strict


class Emit(Strict):
    """Append an event."""

    emit: str
    data: dict[str, Expr] = Field(default_factory=dict)
    when: Expr | None = None


class Attach(Strict):
    """A picture of the positions of events."""

    heatmap: str
    last: Span


class Do(Strict):
    """Ask a channel for an action."""

    do: str
    to: Expr | None = None
    content: dict[str, Any] = Field(default_factory=dict, alias="with")
    attach: Attach | None = None
    when: Expr | None = None


class Assign(Strict):
    """Set the context of the instance."""

    set: dict[str, Expr]
    when: Expr | None = None


class Raise(Strict):
    """Tell the same instance something."""

    signal: str = Field(alias="raise")
    data: dict[str, Expr] = Field(default_factory=dict)
    when: Expr | None = None


class Assert(Strict):
    """Add a fact; without `keep` it goes with the match that supports it."""

    fact: dict[str, Expr] = Field(alias="assert")
    keep: bool = False


class Retract(Strict):
    """Remove the fact that a pattern matched."""

    retract: str
    when: Expr | None = None


def _which(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((kind for kind in ("emit", "do", "set", "raise", "assert", "retract") if kind in value), None)


def by_kind(*kinds: str) -> Discriminator:
    """Tells effects apart by the key that names them."""
    wanted = ", ".join(f"`{kind}`" for kind in kinds)
    message = f"an effect here has one of the keys {wanted}"
    context: dict[str, int | str | float] = {"code": "missing_key", "message": message}
    return Discriminator(
        _which, custom_error_type="pack", custom_error_message="{message}", custom_error_context=context
    )


Reaction = Annotated[
    Annotated[Emit, Tag("emit")]
    | Annotated[Do, Tag("do")]
    | Annotated[Assign, Tag("set")]
    | Annotated[Raise, Tag("raise")],
    by_kind("emit", "do", "set", "raise"),
]
"""What a workflow may do."""

Consequence = Annotated[
    Annotated[Emit, Tag("emit")]
    | Annotated[Do, Tag("do")]
    | Annotated[Assert, Tag("assert")]
    | Annotated[Retract, Tag("retract")],
    by_kind("emit", "do", "assert", "retract"),
]
"""What a rule may do."""
