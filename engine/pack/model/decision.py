"""`alerts`, `popups`, `experiments`: what is noticed, recommended and tried."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Span, Strict, Words, as_list, spelled
from engine.pack.model.effect import Do

Actions = Annotated[list[Do], BeforeValidator(as_list)]


class Notify(Strict):
    """What is sent when a level is entered."""

    red: Actions = Field(default_factory=list)
    yellow: Actions = Field(default_factory=list)


class Alert(Strict):
    """A light for each key of a scope."""

    title: Words | None = None
    by: str
    red: Expr | None = None
    yellow: Expr | None = None
    notify: Notify = Notify()
    retracted: Actions | None = None
    hold: Span | None = Field(default=None, alias="for")


class Match(Strict):
    """A condition that adds one to the rank, and how to say so."""

    when: Expr
    why: Words | None = None


def _match(value: Any) -> Any:
    return value if isinstance(value, dict) else {"when": value}


class Rank(Strict):
    """How candidates are ordered."""

    match: list[Annotated[Match, BeforeValidator(_match)]] = Field(default_factory=list)
    learn: Annotated[Literal["feedback"], spelled("feedback")] | None = None


class Proof(Strict):
    """A line of what colleagues achieved."""

    metric: str
    except_: Annotated[Literal["own"], spelled("own")] | None = Field(default=None, alias="except")
    min_n: Expr = "5"
    text: Words


class Feedback(Strict):
    """How a recommendation is rated."""

    event: str
    values: dict[str, Annotated[float, Field(ge=0.0, le=1.0, strict=False)]]
    reason: Annotated[Literal["required", "optional"], spelled("required", "optional")] = "optional"


class Popup(Strict):
    """A ranked recommendation."""

    title: Words | None = None
    on: str
    by: str
    source: str = Field(alias="from")
    where: Expr | None = None
    rank: Rank = Rank()
    limit: int = Field(default=3, ge=1, le=100)
    proof: Proof | None = None
    feedback: Feedback | None = None


class Assign(Strict):
    """How a unit gets its arm."""

    parity_of: Expr | None = None
    odd: str | None = None
    even: str | None = None
    otherwise: Annotated[Literal["hash"], spelled("hash")] = "hash"
    hash: Expr | None = None
    weights: dict[str, Annotated[float, Field(gt=0.0, strict=False)]] = Field(default_factory=dict)


class Experiment(Strict):
    """Arms that units are routed into."""

    title: Words | None = None
    hypothesis: Words
    unit: str
    assign: Assign
    eligible: Expr | None = None
    start: str
    expose_on: str
