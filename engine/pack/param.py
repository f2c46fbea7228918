"""Parameters: their types are those of their defaults, and what overrides one must fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from engine.cel import BOOL, DOUBLE, DURATION, INT, STRING, Binding, Field, RecordType, Type
from engine.cel.values import INT_MAX, INT_MIN
from engine.errors import Place
from engine.pack.diagnostic import Diagnostic, Report, did_you_mean
from engine.pack.model import Pack
from engine.pack.reading import Definition
from engine.pack.span import is_span, parse_span


def read_params(packs: list[Definition[Pack]], given: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The values of all parameters, overridden by `given`; spans of time are `timedelta`."""
    values: dict[str, Any] = {}
    for pack in packs:
        for name, param in pack.model.params.items():
            if name in values:
                (pack.at / "params" / name).key_problem("duplicate_name", f"the parameter `{name}` is already defined")
            elif not name.isidentifier():
                (pack.at / "params" / name).key_problem("bad_name", f"`{name}` cannot be written as `params.NAME`")
            values[name] = run_time(param.value)
    for name, value in given.items():
        if name not in values:
            _refuse(report, "unknown_param", f"there is no parameter `{name}`", did_you_mean(name, values))
            continue
        try:
            values[name] = fit(value, values[name])
        except ValueError as error:
            _refuse(report, "bad_value", f"the parameter `{name}` {error}", None)
    return values


def run_time(value: Any) -> Any:
    """The run-time value of what is written: `72h` is a span, everything else stands for itself."""
    return parse_span(value) if isinstance(value, str) and is_span(value) else value


def fit(value: Any, default: Any) -> Any:
    """A given value, or its text from a command line, as the type of the default. Raises ValueError with a sentence."""
    if isinstance(default, timedelta):
        return value if isinstance(value, timedelta) else parse_span(value)
    if isinstance(default, bool):
        words = {"true": True, "false": False, True: True, False: False}
        if isinstance(value, (str, bool)) and value in words:
            return words[value]
        raise ValueError(f"must be true or false, not `{value}`")
    if isinstance(default, (int, float)):
        return _number(value, type(default))
    return str(value)


def _number(value: Any, kind: type[int] | type[float]) -> int | float:
    words = "a whole number of 64 bits" if kind is int else "a finite number"
    if isinstance(value, bool) or (kind is int and isinstance(value, float)):
        raise ValueError(f"must be {words}, not `{value}`")
    try:
        number = kind(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be {words}, not `{value}`") from None
    fits = INT_MIN <= number <= INT_MAX if kind is int else math.isfinite(number)
    if not fits:
        raise ValueError(f"must be {words}, not `{value}`")
    return number


def binding(values: Mapping[str, Any]) -> Binding:
    """`params` in expressions: constants."""
    fields = {name: Field(type_of(value)) for name, value in values.items()}
    return Binding(RecordType("params", fields), "e.params", constant=dict(values))


def type_of(value: Any) -> Type:
    """The type of a parameter's value."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, timedelta):
        return DURATION
    return {int: INT, float: DOUBLE}.get(type(value), STRING)


def _refuse(report: Report, code: str, message: str, hint: str | None) -> None:
    report.add(Diagnostic(Place("--param", 1, 1), code, message, hint))
