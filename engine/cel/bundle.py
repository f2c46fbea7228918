"""Several expressions as one function: what they share is read once, and one call stands for many.

The functions made here do not say what an error means. Where one raises, whatever it raises, its caller evaluates the
expressions one by one, which tells the one that failed from those that did not.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.cel import pyast
from engine.cel.checked import Checked
from engine.cel.codegen import Generator, preamble, roots
from engine.cel.scope import Binding

Row = tuple[str, Any]
Ranked = tuple[str, Any, int]


@dataclass(frozen=True, slots=True)
class Member:
    """An expression of a bundle; where one of its `guards` does not hold, its value is None."""

    checked: Checked
    guards: tuple[Checked, ...] = ()


def compile_record(members: Mapping[str, Member]) -> Callable[[Any], dict[str, Any]]:
    """A function from the environment to the values of all members by name, in their order.

    Raises ValueError for an expression with problems.
    """
    bundle = _Bundle([part for member in members.values() for part in (member.checked, *member.guards)], {})
    values: list[ast.expr] = [bundle.guarded(member) for member in members.values()]
    record = ast.Dict([pyast.constant(name) for name in members], values)
    return bundle.function([*bundle.preamble(), ast.Return(record)], ("e",))


def compile_ranking(
    candidate: str, where: Checked | None, match: Sequence[Checked]
) -> Callable[[Any, Iterable[Row]], list[Ranked]]:
    """A function from the environment and rows (key, candidate) to (key, candidate, how many of `match` hold) where `where` holds.

    In the expressions `candidate` is the root that stands for the row's. Raises ValueError for an expression with problems.
    """
    every = [*([where] if where is not None else []), *match]
    bundle = _Bundle(every, {candidate: "candidate"}, looped=True)
    points: ast.expr = pyast.constant(0)
    for one in match:
        held = ast.IfExp(bundle.condition(one), pyast.constant(1), pyast.constant(0))
        points = pyast.operate(points, "+", held)
    row = ast.Tuple([pyast.load("key"), pyast.load("candidate"), points], ast.Load())
    target = ast.Tuple([ast.Name(name, ast.Store()) for name in ("key", "candidate")], ast.Store())
    conditions = [bundle.condition(where)] if where is not None else []
    loop = ast.comprehension(target=target, iter=pyast.load("rows"), ifs=conditions, is_async=0)
    return bundle.function([*bundle.preamble(), ast.Return(ast.ListComp(row, [loop]))], ("e", "rows"))


def compile_choice(options: Sequence[tuple[str, Checked]], otherwise: str) -> Callable[[Any], str]:
    """A function from the environment to the name of the first condition that holds, or `otherwise`.

    Raises ValueError for an expression with problems.
    """
    bundle = _Bundle([one for _, one in options], {})
    chosen: ast.expr = pyast.constant(otherwise)
    for name, one in reversed(options):
        chosen = ast.IfExp(bundle.condition(one), pyast.constant(name), chosen)
    return bundle.function([*bundle.preamble(), ast.Return(chosen)], ("e",))


class _Bundle:
    """Generators that share their globals and the local variables of roots. `given` are roots that have a variable already."""

    def __init__(self, parts: Sequence[Checked], given: Mapping[str, str], *, looped: bool = False) -> None:
        for part in parts:
            part.require_sound()
        variables = dict(given)
        self._globals: dict[str, Any] = {}
        self._generators = {id(part): Generator(part, variables, self._globals) for part in parts}
        uses: Counter[str] = Counter()
        self._bindings: dict[str, Binding] = {}
        for part in parts:
            found = roots(part, self._generators[id(part)].constants)
            uses.update(found)
            self._bindings.update({name: part.scope.bindings[name] for name in found})
        least = 1 if looped else 2
        read = [name for name, count in uses.items() if count >= least and name not in given]
        self._hoisted = {name: f"r{number}" for number, name in enumerate(read)}
        variables.update(self._hoisted)

    def guarded(self, member: Member) -> ast.expr:
        """The tree of a member's value, None where a guard does not hold."""
        value = self._generators[id(member.checked)].result(member.checked.node)
        if not member.guards:
            return value
        guards = [self.condition(guard) for guard in member.guards]
        condition = guards[0] if len(guards) == 1 else pyast.chain("&&", guards)
        return ast.IfExp(condition, value, pyast.constant(None))

    def condition(self, part: Checked) -> ast.expr:
        """The tree of a condition."""
        return self._generators[id(part)].boolean(part.node)

    def preamble(self) -> list[ast.stmt]:
        """The statements before the expressions; ask for it when all of their trees are made."""
        budget = any(one.uses_budget for one in self._generators.values())
        return preamble(self._hoisted, self._bindings, budget=budget)

    def function(self, body: Sequence[ast.stmt], params: Sequence[str]) -> Callable[..., Any]:
        """Compile a function of `params`."""
        return pyast.compiled(pyast.function("bundle", body, params), self._globals)
