"""`tests`: what is given, what happens, what is expected."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Strict, as_list


class Happening(Strict):
    """An event of a test."""

    type: str
    time: str
    id: str | None = None
    source: str | None = None
    subject: str | None = None
    received: str | None = None
    role: Annotated[list[str], BeforeValidator(as_list)] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)


class ExpectedAction(Strict):
    """An action that must be decided; only what is given is compared."""

    do: str
    to: str | None = None
    content: dict[str, Any] | None = Field(default=None, alias="with")
    correction: bool | None = None


class ExpectedEmit(Strict):
    """An event that must be emitted."""

    type: str
    data: dict[str, Any] | None = None


class ExpectedReject(Strict):
    """An event that must be refused."""

    code: str


class Expect(Strict):
    """What must come out. Each key that is given is checked; an empty list means that it must stay quiet."""

    alerts: dict[str, dict[str, str]] | None = None
    actions: list[ExpectedAction] | None = None
    transitions: dict[str, dict[str, str]] | None = None
    popups: dict[str, list[str]] | None = None
    assignments: dict[str, dict[str, str]] | None = None
    emits: list[ExpectedEmit] | None = None
    rejects: list[ExpectedReject] | None = None
    errors: list[ExpectedReject] | None = None


class Case(Strict):
    """A test of a pack, in virtual time."""

    start: str | None = Field(default=None, alias="from")
    until: str | None = None
    given: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    events: list[Happening] = Field(default_factory=list)
    expect: Expect
