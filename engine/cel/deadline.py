"""When a condition may change by the passing of time alone.

For each clock (a comparison of something that moves with something that does not) the instant of equality is solved
for. Clocks outside macros are compiled; inside macros the tree is walked, once for every item.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.cel import pyast, values
from engine.cel.checked import Checked, Clock, FieldRead
from engine.cel.codegen import Generator, preamble
from engine.cel.errors import CelError
from engine.cel.exact import Evaluator
from engine.cel.macros import rounds
from engine.cel.scope import Binding, Scope, source_tree
from engine.cel.syntax import Macro, Node, children, walk

_SECOND = timedelta(seconds=1)


def compile_deadline(checked: Checked) -> Callable[[Any], datetime | None] | None:
    """A function from the environment to the earliest instant after now at which a comparison may change.

    None when no comparison depends on time. What fails to evaluate has no deadline; the function never raises for it.
    Raises ValueError for an expression with problems.
    """
    return compile_deadlines([checked])


def compile_deadlines(parts: Sequence[Checked]) -> Callable[[Any], datetime | None] | None:
    """As `compile_deadline`, of several conditions: the earliest instant at which any of them may change."""
    for part in parts:
        part.require_sound()
    ticking = [part for part in parts if part.clocks]
    if not ticking:
        return None
    names: dict[str, Any] = {}
    generators = [Generator(part, hoisted={}, shared=names) for part in ticking]
    steps = [step for part, one in zip(ticking, generators, strict=True) for step in _steps(part, one)]
    budget = any(one.uses_budget for one in generators)
    now = source_tree(_now(ticking[0].scope).source)
    first = [pyast.store("now", now), pyast.store("best", pyast.constant(None))]
    body = [*preamble({}, {}, budget=budget), *first, *steps, ast.Return(pyast.load("best"))]
    return generators[0].function(body)


def _steps(checked: Checked, generator: Generator) -> list[ast.stmt]:
    """The statements that take all clocks of one condition into account."""
    loops = [macro for macro in _outermost_macros(checked.node) if _clocks_in(macro, checked.clocks)]
    inside = {part for loop in loops for part in walk(loop)}
    steps = [_step(generator, checked, clock) for clock in checked.clocks if clock.node not in inside]
    for loop in loops:
        walker = generator.thing(_walker(checked, loop))
        found = pyast.call(walker, pyast.load("e"), pyast.load("now"))
        steps.append(_attempt([pyast.store("at", found), _keep_earlier()]))
    return steps


def _now(scope: Scope) -> Binding:
    for binding in scope.bindings.values():
        if binding.ticks:
            return binding
    raise ValueError("the scope has no root that is the current instant")


def _clocks_in(node: Node, clocks: tuple[Clock, ...]) -> bool:
    parts = set(walk(node))
    return any(clock.node in parts for clock in clocks)


def _outermost_macros(node: Node) -> list[Node]:
    if isinstance(node, Macro):
        return [node]
    return [macro for child in children(node) for macro in _outermost_macros(child)]


def _attempt(body: list[ast.stmt]) -> ast.stmt:
    return pyast.attempt(body, [ast.Pass()])


def _keep_earlier() -> ast.stmt:
    """`if at is not None and at > now and (best is None or at < best): best = at`."""
    at, best = pyast.load("at"), pyast.load("best")
    first = pyast.compare(best, "is", pyast.constant(None))
    earlier = pyast.chain("||", [first, pyast.compare(at, "<", best)])
    there = pyast.compare(at, "is not", pyast.constant(None))
    later = pyast.compare(at, ">", pyast.load("now"))
    return ast.If(pyast.chain("&&", [there, later, earlier]), [pyast.store("best", at)], [])


def _step(generator: Generator, checked: Checked, clock: Clock) -> ast.stmt:
    """The statement that takes one clock into account."""
    span = generator.constants.get(clock.fixed)
    if clock.after_instant and isinstance(span, timedelta) and not clock.terms:
        return _compared(generator, checked, clock, generator.thing(span + _SECOND))
    target = generator.value(clock.fixed)
    for op, term in clock.terms:
        other = generator.value(term)
        target = {
            "+": lambda t, o: pyast.operate(t, "-", o),
            "-": lambda t, o: pyast.operate(t, "+", o),
            "from": lambda t, o: pyast.operate(o, "-", t),
        }[op](target, other)
    if clock.after_instant:
        target = pyast.operate(target, "+", generator.thing(_SECOND))
    return _compared(generator, checked, clock, target)


def _compared(generator: Generator, checked: Checked, clock: Clock, target: ast.expr) -> ast.stmt:
    """The statement for a clock whose leaf must reach `target`."""
    read = checked.notes.fields.get(clock.leaf)
    if read is None:
        return _attempt([pyast.store("at", target), _keep_earlier()])
    owner = generator.walk(generator.value(children(clock.leaf)[0]), read.entity)
    since = pyast.load("since")
    grown = [pyast.store("at", pyast.operate(since, "+", target)), _keep_earlier()]
    growing = ast.If(pyast.compare(since, "is not", pyast.constant(None)), grown, [])
    return _attempt([pyast.store("since", generator.read(owner, _start_of(read))), growing])


def _start_of(read: FieldRead) -> FieldRead:
    """The reading of the neighbour that holds since when a field grows."""
    return FieldRead(str(read.field.ages), read.field, read.entity)


def _walker(checked: Checked, root: Node) -> Callable[[Any, datetime], datetime | None]:
    clocks = {clock.node: clock for clock in checked.clocks}
    relevant = frozenset(node for node in walk(root) if _clocks_in(node, checked.clocks))

    def walker(e: Any, now: datetime) -> datetime | None:
        search = _Search(checked, e, now, clocks, relevant)
        search.collect(root, {})
        return search.best

    return walker


class _Search:
    """The earliest change of the clocks below a macro."""

    def __init__(
        self, checked: Checked, e: Any, now: datetime, clocks: Mapping[Node, Clock], relevant: frozenset[Node]
    ) -> None:
        self.evaluator = Evaluator(checked, e)
        self.now = now
        self.clocks = clocks
        self.relevant = relevant
        self.best: datetime | None = None
        self.steps = values.MOST_STEPS

    def collect(self, node: Node, variables: Mapping[str, Any]) -> None:
        """Take all clocks at or below a node into account."""
        if node not in self.relevant:
            return
        if node in self.clocks:
            self.consider(self.clocks[node], variables)
        if isinstance(node, Macro):
            self.collect(node.target, variables)
            self.rounds(node, variables)
            return
        for child in children(node):
            self.collect(child, variables)

    def rounds(self, node: Macro, variables: Mapping[str, Any]) -> None:
        """Every item of a macro counts: what is skipped now may be reached when another one changes."""
        try:
            container = self.evaluator.value(node.target, variables)
            items = rounds(node, container)
        except (CelError, AttributeError):
            return
        for item in items:
            self.steps -= 1
            if self.steps < 0:
                return
            for body in node.bodies:
                self.collect(body, {**variables, **dict(zip(node.variables, item, strict=True))})

    def consider(self, clock: Clock, variables: Mapping[str, Any]) -> None:
        """Keep the instant of one clock when it is the earliest after now."""
        try:
            at = self.solve(clock, variables)
        except (CelError, TypeError, OverflowError, AttributeError, KeyError):
            return
        if at is not None and at > self.now and (self.best is None or at < self.best):
            self.best = at

    def solve(self, clock: Clock, variables: Mapping[str, Any]) -> datetime | None:
        """The instant at which a clock's comparison changes; None while nothing grows."""
        target = self.evaluator.value(clock.fixed, variables)
        for op, term in clock.terms:
            other = self.evaluator.value(term, variables)
            target = target - other if op == "+" else target + other if op == "-" else other - target
        read = self.evaluator.notes.fields.get(clock.leaf)
        if read is not None:
            container = self.evaluator.value(children(clock.leaf)[0], variables)
            since = self.evaluator.read(container, _start_of(read))
            if since is None:
                return None
            target = since + target
        at: datetime = target + _SECOND if clock.after_instant else target
        return at
