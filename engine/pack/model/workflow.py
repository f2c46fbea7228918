"""`workflows`: statecharts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Strict, Words, as_list, refuse, spelled
from engine.pack.model.effect import Reaction
from engine.pack.model.vocabulary import TypeText

Reactions = Annotated[list[Reaction], BeforeValidator(as_list)]
Targets = Annotated[list[str], BeforeValidator(as_list)]
Names = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(as_list)]


class Requirement(Strict):
    """What must hold, and how an event that does not meet it is refused."""

    when: Expr
    code: str = Field(pattern=r"^[a-z][a-z0-9_.]*$")
    reason: Words


class Initial(Strict):
    """Where a chart or a state with states in it starts, and what happens on the way."""

    to: Targets
    then: Reactions = Field(default_factory=list)


def _initial(value: Any) -> Any:
    if value is None:
        raise refuse("empty_value", "there is no value here")
    return value if isinstance(value, dict) else {"to": value}


Initials = Annotated[Initial, BeforeValidator(_initial)]


class Transition(Strict):
    """Where to go, on what condition, and what happens on the way."""

    to: Targets = Field(default_factory=list)
    when: Expr | None = None
    roles: Names = Field(default_factory=list)
    require: list[Requirement] = Field(default_factory=list)
    set: dict[str, Expr] = Field(default_factory=dict)
    then: Reactions = Field(default_factory=list)
    internal: bool = False


class After(Strict):
    """A deadline of a state."""

    span: Expr | None = Field(default=None, alias="for")
    working: Expr | None = None
    calendar: str | None = Field(default=None, alias="in")
    until: Expr | None = None
    when: Expr | None = None
    to: Targets = Field(default_factory=list)
    set: dict[str, Expr] = Field(default_factory=dict)
    then: Reactions = Field(default_factory=list)


def _transitions(value: Any) -> Any:
    if value is None:
        raise refuse("empty_value", "there is no target and no transition here")
    items = value if isinstance(value, list) else [value]
    return [{"to": item} if isinstance(item, str) else item for item in items]


Transitions = Annotated[list[Transition], BeforeValidator(_transitions)]


class State(Strict):
    """A state, its children and everything that leaves it."""

    title: Words | None = None
    initial: Initials | None = None
    states: dict[str, State] = Field(default_factory=dict)
    parallel: bool = False
    history: Annotated[Literal["shallow", "deep"], spelled("shallow", "deep")] | None = None
    to: Targets = Field(default_factory=list)
    then: Reactions = Field(default_factory=list)
    final: bool = False
    on: dict[str, Transitions] = Field(default_factory=dict)
    always: Transitions = Field(default_factory=list)
    after: Annotated[list[After], BeforeValidator(as_list)] = Field(default_factory=list)
    enter: Reactions = Field(default_factory=list)
    exit: Reactions = Field(default_factory=list)


class Workflow(Strict):
    """A statechart with one instance a key of the scope `by`."""

    title: Words | None = None
    by: str
    context: dict[str, TypeText] = Field(default_factory=dict)
    signals: dict[str, dict[str, TypeText]] = Field(default_factory=dict)
    initial: Initials | None = None
    states: dict[str, State]
    parallel: bool = False
    migrate: dict[str, str] = Field(default_factory=dict)
