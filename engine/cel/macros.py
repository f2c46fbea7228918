"""The macros of the exact evaluator: what each goes over, and what it makes of the variables of its rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.cel.denotation import NONE, Optional
from engine.cel.errors import CelError
from engine.cel.lists import by_keys
from engine.cel.optionals import required
from engine.cel.syntax import Macro
from engine.cel.values import count_while, iterable, merged, pairs

if TYPE_CHECKING:
    from engine.cel.exact import Evaluator


def rounds(node: Macro, container: Any) -> Sequence[tuple[Any, ...]]:
    """The values of a macro's variables, round by round. Raises CelError for what cannot be gone over."""
    if node.kind == "bind":
        return [(container,)]
    if node.kind in ("optMap", "optFlatMap"):
        return [(container.value,)] if required(container).present else []
    if len(node.variables) == 2:
        return pairs(container)
    return [(item,) for item in (container.closed if node.kind == "streak" else iterable(container))]


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
    body, name = node.bodies[0], node.variables[0]
    return [variables[name] for variables in rounds if evaluator.boolean(body, variables)]


def _streak(evaluator: Evaluator, node: Macro, rounds: Any) -> int:
    return count_while(evaluator.boolean(node.bodies[0], variables) for variables in rounds)


def _sort_by(evaluator: Evaluator, node: Macro, rounds: Any) -> list[Any]:
    body, name = node.bodies[0], node.variables[0]
    return by_keys([(evaluator.value(body, variables), variables[name]) for variables in rounds])


def _transform_map(evaluator: Evaluator, node: Macro, rounds: Any) -> dict[Any, Any]:
    *filters, body = node.bodies
    name = node.variables[0]
    return {
        variables[name]: evaluator.value(body, variables)
        for variables in rounds
        if all(evaluator.boolean(condition, variables) for condition in filters)
    }


def _transform_entries(evaluator: Evaluator, node: Macro, rounds: Any) -> dict[Any, Any]:
    return merged(_map(evaluator, node, rounds))


def _bind(evaluator: Evaluator, node: Macro, rounds: Any) -> Any:
    return evaluator.value(node.bodies[0], next(rounds))


def _opt_map(evaluator: Evaluator, node: Macro, rounds: Any) -> Optional:
    found = _map(evaluator, node, rounds)
    return Optional(found[0]) if found else NONE


def _opt_flat_map(evaluator: Evaluator, node: Macro, rounds: Any) -> Optional:
    found = _map(evaluator, node, rounds)
    return required(found[0]) if found else NONE


MACROS: Mapping[str, Callable[[Evaluator, Macro, Any], Any]] = {
    "exists": _exists,
    "all": _all,
    "exists_one": _exists_one,
    "map": _map,
    "filter": _filter,
    "streak": _streak,
    "sortBy": _sort_by,
    "transformList": _map,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entries,
    "bind": _bind,
    "optMap": _opt_map,
    "optFlatMap": _opt_flat_map,
}
