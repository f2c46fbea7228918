"""`pack`, `events`, `entities`, `calendars`: what there is to talk about."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.pack.model.base import Expr, Span, Strict, Words, kind, plain, refuse, spelled


class Param(Strict):
    """A number, a text or a span of time that an organisation changes without touching a rule."""

    value: str | int | float | bool
    title: Words | None = None


def _param(value: Any) -> Any:
    if value is None:
        raise refuse("empty_value", "a parameter needs a value")
    if isinstance(value, list):
        raise refuse("bad_value", "a parameter is a number, a text, a span of time, true or false, not a list")
    return value if isinstance(value, dict) else {"value": value}


class Pack(Strict):
    """Who the pack is, and its parameters."""

    name: str
    version: Annotated[str, BeforeValidator(plain)] = "0"
    title: Words | None = None
    language: Annotated[Literal["zh", "en"], spelled("zh", "en")] = "zh"
    calendar: str | None = None
    firings: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    params: dict[str, Annotated[Param, BeforeValidator(_param)]] = Field(default_factory=dict)


def _type(value: Any) -> Any:
    if not isinstance(value, str) or not value.strip():
        shown = kind(value)
        raise refuse("unknown_type", f"a field type is a text such as `string` or `double?`, not {shown}")
    return value


TypeText = Annotated[str, BeforeValidator(_type)]


class Form(Strict):
    """How many required fields a person may be asked for; `by_app` are those that the app fills in."""

    max_required: int = Field(default=3, ge=0)
    by_app: list[str] = Field(default_factory=list)


class Event(Strict):
    """A kind of event: its data, the partitions it reaches, how late it may come, what must be unique."""

    title: Words | None = None
    keys: dict[str, Expr] = Field(default_factory=dict)
    lateness: Span | None = None
    data: dict[str, TypeText] = Field(default_factory=dict)
    unique: dict[str, Expr] = Field(default_factory=dict)
    form: Form | None = None


class Entity(Strict):
    """A kind of thing that is known by its key and changes now and then."""

    title: Words | None = None
    key: str = "id"
    data: dict[str, TypeText]


DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Calendar(Strict):
    """A zone, its week, its working days and hours, its holidays."""

    tz: str
    week_starts: Annotated[str, spelled(*DAYS)] = "monday"
    workdays: str = "mon-fri"
    hours: str = "09:00-18:00"
    holidays: str | None = None
    days_off: list[str] = Field(default_factory=list)
    days_on: list[str] = Field(default_factory=list)
