"""Whether facts that support each other in a circle still rest on something outside it.

Counting supports alone would keep two facts that follow from each other for ever. A fact has a ground when it is kept, when what
it was concluded from can never cease, or when one of its activations matched only facts that have a ground themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.cycle import Cycle


def baseless(cycle: Cycle, suspects: Iterable[int]) -> list[int]:
    """Of facts that have lost a support, and of those that rest on them, the ones that nothing outside their circle supports."""
    doubtful = [number for number in suspects if _doubtful(cycle, number)]
    if not doubtful:
        return []
    circle = _resting_on(cycle, doubtful)
    pending = [number for number in circle if _founded(cycle, number, circle)]
    while pending:
        number = pending.pop()
        if circle.pop(number, True):
            continue
        pending += [
            other
            for key in cycle.activations.matching(number)
            for other in _asserted(cycle, key)
            if other in circle and _founded(cycle, other, circle)
        ]
    return list(circle)


def _doubtful(cycle: Cycle, number: int) -> bool:
    """Whether a fact is there and has no support that needs no other fact."""
    if cycle.facts.get(number) is None or _lasting(cycle, number):
        return False
    return all(cycle.activations.facts_of(key) for key in cycle.activations.asserting(number))


def _lasting(cycle: Cycle, number: int) -> bool:
    """Whether a fact stays whatever goes: it is kept, or an activation supported it that can never cease to hold."""
    fact = cycle.facts.get(number)
    if fact is None or fact.kept:
        return fact is not None
    counted = sum(_asserted(cycle, key).count(number) for key in cycle.activations.asserting(number))
    return fact.supports > counted


def _resting_on(cycle: Cycle, numbers: Iterable[int]) -> dict[int, bool]:
    """These facts and all that were concluded from them, each with False: nothing is known of its ground yet."""
    found: dict[int, bool] = {}
    pending = list(numbers)
    while pending:
        number = pending.pop()
        if number not in found:
            found[number] = False
            pending += [other for key in cycle.activations.matching(number) for other in _asserted(cycle, key)]
    return found


def _founded(cycle: Cycle, number: int, circle: dict[int, bool]) -> bool:
    """Whether a fact has a ground outside of what is still in the circle."""
    return _lasting(cycle, number) or any(
        circle.keys().isdisjoint(cycle.activations.facts_of(key)) for key in cycle.activations.asserting(number)
    )


def _asserted(cycle: Cycle, key: str) -> list[int]:
    one = cycle.activations.get(key)
    return one.asserted if one is not None else []
