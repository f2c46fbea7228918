"""A case, evaluated in every way that the language has: compiled and exact, checked and unchecked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.cel.cases import Case
from conformance.cel.expected import right_codes
from conformance.cel.values import declared, read, same
from engine.cel import DYN, Binding, CelError, Checked, Scope, check, compile_expression, trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation gives: a value, or the code of an error."""

    value: Any = None
    code: str | None = None

    def __str__(self) -> str:
        return f"error {self.code}" if self.code is not None else f"{type(self.value).__name__} {self.value!r}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A case with the reason why it fails, or why it was left out; it passes without either."""

    case: Case
    miss: str | None = None
    left_out: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it counts and passes."""
        return self.miss is None and self.left_out is None


def run(case: Case) -> Verdict:
    """Evaluate a case in every way; the first way that gives something else than expected is its miss."""
    if case.left_out is not None:
        return Verdict(case, left_out=case.left_out)
    for way, outcome in _outcomes(case):
        if not _as_expected(case, outcome):
            return Verdict(case, f"{way}: {outcome}, expected {_wanted(case)}")
    return Verdict(case)


def _outcomes(case: Case) -> Iterator[tuple[str, Outcome]]:
    values = {name: read(wire) for name, wire in case.bindings.items()}
    for typed in (False,) if case.unchecked else (True, False):
        checked = check(case.expression, _scope(case, typed), deadlines=False, typed=typed)
        manner = "checked" if typed else "unchecked"
        if checked.problems:
            yield f"{manner}, refused", Outcome(code=checked.problems[0].code)
            continue
        yield f"{manner}, compiled", evaluated(compile_expression(checked), values)
        yield f"{manner}, exact", evaluated(_exact(checked), values)


def _scope(case: Case, typed: bool) -> Scope:
    """Checked expressions see the declared types; unchecked ones find the values that are bound, and no more."""
    names = {*case.declared, *case.bindings} if typed else {*case.bindings}
    types = {name: declared(case.declared[name]) if name in case.declared else DYN for name in names}
    bindings = {name: Binding(of, f"e[{name!r}]") for name, of in types.items()}
    return Scope(bindings, container=case.container)


def _exact(checked: Checked) -> Callable[[Any], Any]:
    return lambda e: trace(checked, e).value


def evaluated(evaluate: Callable[[Any], Any], values: Any) -> Outcome:
    """What a function of the environment gives. Anything but a CelError passes through."""
    try:
        return Outcome(evaluate(values))
    except CelError as error:
        return Outcome(code=error.code)


def _as_expected(case: Case, outcome: Outcome) -> bool:
    if case.error is not None:
        return outcome.code in right_codes(case)
    return outcome.code is None and same(outcome.value, _expected(case))


def _expected(case: Case) -> Any:
    """A case without a value expects `true`."""
    return read(case.raw["value"]) if "value" in case.raw else True


def _wanted(case: Case) -> str:
    return f"error `{case.error}`" if case.error is not None else str(Outcome(_expected(case)))
