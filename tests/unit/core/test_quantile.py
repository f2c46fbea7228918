import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import quantile

numbers = st.floats(allow_nan=False, allow_infinity=False)


def sketch(values: list[float]) -> quantile.Sketch:
    made = quantile.fresh()
    for value in values:
        quantile.add(made, value, None)
    return made


def nearest_rank(values: list[float], percent: float) -> float:
    return sorted(values)[max(math.ceil(round(percent * len(values) / 100, 9)), 1) - 1]


@given(st.lists(numbers, min_size=1, max_size=quantile.MOST_EXACT), st.sampled_from([0, 1, 25, 50, 90, 99.9, 100]))
def test_few_values_have_their_exact_percentile(values: list[float], percent: float) -> None:
    assert quantile.quantile(sketch(values), percent) == nearest_rank(values, percent)


@pytest.mark.parametrize("percent", [0, 0.1, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 100])
@pytest.mark.parametrize("spread", ["amounts", "signed", "waits"])
def test_many_values_have_it_within_a_128th(spread: str, percent: float) -> None:
    dice = random.Random(spread)
    draw = {
        "amounts": lambda: dice.lognormvariate(8, 1.5),
        "signed": lambda: dice.gauss(0, 500),
        "waits": lambda: float(dice.randrange(0, 100_000)),
    }[spread]
    values = [draw() for _ in range(20_000)]

    found, exact = quantile.quantile(sketch(values), percent), nearest_rank(values, percent)

    assert found is not None
    assert abs(found - exact) <= abs(exact) / 128 + 1e-12


def test_values_of_every_magnitude_stay_within_the_bound_of_memory_and_the_error_that_joining_allows() -> None:
    dice = random.Random(3)
    values = [dice.choice((-1, 1)) * math.ldexp(dice.uniform(1, 2), dice.randrange(-1070, 1023)) for _ in range(20_000)]
    made = sketch([*values, 0.0])

    assert len(made[0]) <= quantile.MOST_BUCKETS
    assert made[1] in (7, 8)
    for percent in (1, 30, 70, 99):
        found, exact = quantile.quantile(made, percent), nearest_rank([*values, 0.0], percent)
        assert found is not None
        assert exact / 16 <= found <= exact * 16 if exact > 0 else exact * 16 <= found <= exact / 16


@pytest.mark.parametrize("size", [3, 100, 200, 5_000])
@pytest.mark.parametrize("octaves", [4, 600])
def test_neither_order_nor_the_cut_into_parts_changes_anything(size: int, octaves: int) -> None:
    dice = random.Random(size)
    values = [math.ldexp(dice.uniform(-2, 2), dice.randrange(octaves)) for _ in range(size)]
    whole = sketch(values)
    for _ in range(5):
        dice.shuffle(values)
        cut = dice.randrange(size)
        left, right = sketch(values[:cut]), sketch(values[cut:])
        quantile.merge(left, right)
        assert left == sketch(values) == whole


def test_what_comes_back_from_a_store_goes_on() -> None:
    made = sketch([float(value) for value in range(500)])
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(made), strict=False)

    quantile.add(again, 1000.0, None)

    assert quantile.quantile(again, 100) == 1000.0
    assert quantile.quantile(again, 50) == pytest.approx(250, rel=1 / 128)
    assert quantile.quantile(quantile.fresh(), 50) is None
