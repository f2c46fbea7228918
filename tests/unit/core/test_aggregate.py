import math
import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.core.aggregate import AGGREGATES, add_exact, total

amounts = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


@given(st.lists(amounts, max_size=60), st.randoms(use_true_random=False))
def test_a_sum_is_exact_whatever_the_order(values: list[float], order: random.Random) -> None:
    shuffled = list(values)
    order.shuffle(shuffled)
    sums = []
    for sequence in (values, shuffled):
        partials: list[float] = []
        for value in sequence:
            add_exact(partials, value)
        sums.append(total(partials))
    assert sums[0] == sums[1] == float(sum(map(Fraction, values), Fraction(0)))


@given(st.sampled_from(sorted(AGGREGATES)), st.lists(amounts, min_size=1, max_size=30), st.integers(0, 30))
def test_merging_two_halves_gives_the_whole(kind: str, values: list[float], cut: int) -> None:
    aggregate = AGGREGATES[kind]  # type: ignore[index]
    whole, left, right = aggregate.fresh(), aggregate.fresh(), aggregate.fresh()
    for position, value in enumerate(values):
        for acc in (whole, left if position < cut else right):
            aggregate.add(acc, value, abs(value) + 1.0)
    aggregate.merge(left, right)
    assert aggregate.value(left) == aggregate.value(whole)


def test_nothing_has_no_average_and_a_ratio_over_zero_is_absent() -> None:
    assert AGGREGATES["avg"].value(AGGREGATES["avg"].fresh()) is None
    assert AGGREGATES["ratio"].value(AGGREGATES["ratio"].fresh()) is None
    assert AGGREGATES["count"].value(AGGREGATES["count"].fresh()) == 0


def test_nineteen_of_twenty_are_exactly_the_ratio() -> None:
    acc = AGGREGATES["ratio"].fresh()
    for number in range(20):
        AGGREGATES["ratio"].add(acc, 0.0, 1.0)
        if number:
            AGGREGATES["ratio"].add(acc, 1.0, 0.0)
    assert math.isclose(AGGREGATES["ratio"].value(acc), 0.95)
