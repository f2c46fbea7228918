import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from engine.core import cardinality


def noted(values: list[Any]) -> cardinality.Values:
    made = cardinality.fresh()
    for value in values:
        cardinality.add(made, value, None)
    return made


def test_up_to_ten_thousand_the_count_is_exact() -> None:
    values = [f"c{number}" for number in range(10_000)]
    assert cardinality.count(noted(values * 2)) == 10_000
    assert cardinality.count(noted([*values, "one more"])) > 10_000


@pytest.mark.parametrize("size", [10_001, 15_000, 30_000, 120_000])
def test_above_it_is_estimated_within_three_standard_errors_in_four_kibibytes(size: int) -> None:
    made = noted([f"customer-{number}" for number in range(size)])

    assert abs(cardinality.count(made) - size) <= 3 * 0.01625 * size
    assert len(msgspec.msgpack.encode(made)) < 4200


def test_neither_order_nor_the_cut_into_parts_changes_anything() -> None:
    dice = random.Random(1)
    values = [dice.randrange(30_000) for _ in range(40_000)]
    whole = noted(values)
    for cut in (0, 500, 9_000, 20_000, 39_000):
        dice.shuffle(values)
        left, right = noted(values[:cut]), noted(values[cut:])
        cardinality.merge(left, right)
        assert left == whole == noted(values)


def test_equal_values_of_different_make_are_one_value_above_the_limit_too() -> None:
    instant = datetime(2026, 3, 2, tzinfo=UTC)
    made = noted([*range(20_000), instant])
    before = cardinality.count(made)
    for same in (5.0, 19_999.0, instant.astimezone(timezone(timedelta(hours=8)))):
        cardinality.add(made, same, None)
    assert cardinality.count(made) == before


def test_registers_come_back_from_a_store_and_go_on() -> None:
    made = noted(list(range(11_000)))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(made))

    for value in range(11_000, 60_000):
        cardinality.add(again, value, None)

    assert cardinality.count(again) == cardinality.count(noted(list(range(60_000))))
