"""The macros of the exact evaluator: each gets the variables of its rounds one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.cel.errors import CelError
from engine.cel.syntax import Macro
from engine.cel.values import count_while

if TYPE_CHECKING:
    from engine.cel.exact import Evaluator


def absorb(error: CelError, first: CelError | None) -> CelError:
    """The error to raise if nothing decides; running out of budget is final."""
    if error.code == "iteration_budget":
        raise error
    return first or error


def _until(evaluator: Evaluator, node: Macro, rounds: Any, decisive: bool) -> bool:
    failure: CelError | None = None
    for variables in rounds:
        try:
            if evaluator.boolean(node.bodies[0], variables) is decisive:
                return decisive
        except CelError as error:
            failure = absorb(error, failure)
    if failure is not None:
        raise failure
    return not decisive


def _exists(evaluator: Evaluator, node: Macro, rounds: Any) -> bool:
    return _until(evaluator, node, rounds, True)


def _all(evaluator: Evaluator, node: Macro, rounds: Any) -> bool:
    return _until(evaluator, node, rounds, False)


def _exists_one(evaluator: Evaluator, node: Macro, rounds: Any) -> bool:
    return sum(evaluator.boolean(node.bodies[0], variables) for variables in rounds) == 1


def _map(evaluator: Evaluator, node: Macro, rounds: Any) -> list[Any]:
    *filters, body = node.bodies
    return [
        evaluator.value(body, variables)
        for variables in rounds
        if all(evaluator.boolean(condition, variables) for condition in filters)
    ]


def _filter(evaluator: Evaluator, node: Macro, rounds: Any) -> list[Any]:
    body, name = node.bodies[0], node.variable
    return [variables[name] for variables in rounds if evaluator.boolean(body, variables)]


def _streak(evaluator: Evaluator, node: Macro, rounds: Any) -> int:
    return count_while(evaluator.boolean(node.bodies[0], variables) for variables in rounds)


MACROS: Mapping[str, Callable[[Evaluator, Macro, Any], Any]] = {
    "exists": _exists,
    "all": _all,
    "exists_one": _exists_one,
    "map": _map,
    "filter": _filter,
    "streak": _streak,
}
