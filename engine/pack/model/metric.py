"""`metrics`: what is counted, over which windows, and what is waited for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Span, Strict, Words, refuse, spelled


class Source(Strict):
    """The events that are counted; `den` makes a ratio."""

    num: list[str] = Field(min_length=1)
    den: list[str] = Field(default_factory=list)


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _source(value: Any) -> Any:
    if value is None:
        raise refuse("empty_value", "there is no event here")
    if isinstance(value, dict):
        return {key: _names(item) for key, item in value.items()}
    return {"num": _names(value)}


class Cut(Strict):
    """How time is cut into windows."""

    calendar: Annotated[str, spelled("day", "workday", "week", "month")] | None = None
    within: str | None = Field(default=None, alias="in")
    sliding: Span | None = None
    tumbling: Span | None = None
    session: Span | None = None
    lifetime: bool = False


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        if value != "lifetime":
            raise refuse(
                "bad_value", f"`{value}` is not a window", "write `lifetime`, {calendar: week} or {sliding: 7d}"
            )
        return {"lifetime": True}
    return value


class Open(Strict):
    """Items of `from` events that wait for an `until` event with the same `per`."""

    start: str = Field(alias="from")
    until: str
    per: Expr


class Metric(Strict):
    """A window metric (`of`, `window`) or an open metric (`open`)."""

    title: Words | None = None
    by: str
    of: Annotated[Source, BeforeValidator(_source)] | None = None
    where: Expr | None = None
    value: Expr | None = None
    window: Annotated[Cut, BeforeValidator(_cut)] | None = None
    roster: Expr | None = None
    skip: str | None = None
    target: Expr | None = None
    open: Open | None = None
    publish: bool = False
    owner: Expr | None = None
