"""Random expressions, evaluated compiled, exact and by the oracle; every difference is explained or reported."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.cel.explained import Question, agree, explanation
from conformance.cel.grammar import VARIABLES, Grammar, world
from conformance.cel.oracle import Oracle
from conformance.cel.runner import Outcome, evaluated
from engine.cel import Binding, Scope, check, compile_expression, trace

DEEPEST = 5
SCOPE = Scope({name: Binding(of, f"e[{name!r}]") for name, of in VARIABLES.items()})


@dataclass(frozen=True, slots=True)
class Difference:
    """Two outcomes of one expression. `number` and the seed make it again."""

    number: int
    expression: str
    between: str
    ours: Outcome
    theirs: Outcome


@dataclass(slots=True)
class Report:
    """What a run has found; `kinds` counts outcomes, `explained` the differences that have a known reason."""

    differences: list[Difference] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)


def fuzz(seed: int, count: int) -> Iterator[Report]:
    """The report, handed out after each expression."""
    oracle, report = Oracle(VARIABLES), Report()
    for number in range(count):
        _one(oracle, report, seed, number)
        yield report


def _one(oracle: Oracle, report: Report, seed: int, number: int) -> None:
    chance = random.Random(f"{seed}/{number}")
    text, values = Grammar(chance).expression(chance.randint(1, DEEPEST)), world(chance)
    theirs = oracle.evaluate(text, values) or Outcome(code="refused")
    checked = check(text, SCOPE)
    if checked.problems:
        refused = Outcome(code=checked.problems[0].code)
        report.differences.append(Difference(number, text, "check and the oracle", refused, theirs))
        return
    compiled = evaluated(compile_expression(checked), values)
    exact = evaluated(lambda e: trace(checked, e).value, values)
    report.kinds["error" if exact.code else "value"] += 1
    if not agree(compiled, exact):
        report.differences.append(Difference(number, text, "compiled and exact", compiled, exact))
    if agree(exact, theirs):
        return
    reason = explanation(Question(checked, values, exact, theirs, oracle.evaluate))
    if reason is None:
        report.differences.append(Difference(number, text, "exact and the oracle", exact, theirs))
    else:
        report.explained[reason] += 1
