"""`rules`: forward chaining."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Span, Strict, Words, as_list
from engine.pack.model.effect import Consequence


class Pattern(Strict):
    """An event, a fact, an entity, or the absence of an event or a fact."""

    event: str | None = None
    fact: str | None = None
    entity: str | None = None
    none: str | None = None
    within: Span | None = None
    alias: str | None = Field(default=None, alias="as")
    where: Expr | None = None


class Rule(Strict):
    """Patterns, a condition over all of them, and what follows."""

    title: Words | None = None
    by: str
    priority: int = 0
    match: Annotated[list[Pattern], Field(min_length=1), BeforeValidator(as_list)]
    when: Expr | None = None
    then: Annotated[list[Consequence], Field(min_length=1), BeforeValidator(as_list)]
