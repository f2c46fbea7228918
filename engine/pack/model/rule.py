"""`rules`: forward chaining."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Span, Strict, Words, as_list
from engine.pack.model.effect import Consequence


class Pattern(Strict):
    """An event, a fact or an entity, a metric or a workflow of the partition; or a question about all of a kind: none, at least one, how
    many, or what they amount to.
    """

    event: str | None = None
    fact: str | None = None
    entity: str | None = None
    metric: str | None = None
    workflow: str | None = None
    none: str | None = None
    exists: str | None = None
    count: str | None = None
    collect: str | None = None
    sum: Expr | None = None
    min: Expr | None = None
    max: Expr | None = None
    avg: Expr | None = None
    into: str | None = None
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
