from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.cel import CelError, Trace, check, trace
from tests.unit.cel.world import SCOPE, World


def traced(text: str, e: World | None = None) -> Trace:
    return trace(check(text, SCOPE), e or World())


def flat(node: Trace) -> Iterator[Trace]:
    yield node
    for child in node.children:
        yield from flat(child)


def test_every_sub_expression_has_its_range_and_value() -> None:
    found = traced("data.amount > 1000.0 && data.tier == 'KA'")
    values = {(node.text, node.start): node.result for node in flat(found) if node.text != "data"}
    assert values == {
        ("data.amount > 1000.0 && data.tier == 'KA'", 0): True,
        ("data.amount > 1000.0", 0): True,
        ("data.amount", 0): 2000.0,
        ("1000.0", 14): 1000.0,
        ("data.tier == 'KA'", 24): True,
        ("data.tier", 24): "KA",
        ("'KA'", 37): "KA",
    }


def test_what_was_not_reached_is_marked_as_skipped() -> None:
    found = traced("data.closed && data.count > 1")
    first, second = found.children
    assert (found.value, first.value, first.skipped) == (False, False, False)
    assert (second.text, second.skipped, second.children) == ("data.count > 1", True, ())
    chosen = traced("data.closed ? 1 : 2")
    assert [child.skipped for child in chosen.children] == [False, True, False]


def test_the_part_that_failed_carries_the_error() -> None:
    found = traced("data.count / (data.count - 7) > 1 && data.tier == 'KA'")
    failed = [node.text for node in flat(found) if node.error]
    assert failed == [found.text, "data.count / (data.count - 7) > 1", "data.count / (data.count - 7)"]
    with pytest.raises(CelError) as caught:
        _ = found.value
    assert (caught.value.code, caught.value.start, caught.value.end) == ("division_by_zero", 0, 29)


def test_an_absorbed_error_stays_visible() -> None:
    found = traced("data.count / 0 > 1 || data.tier == 'KA'")
    assert found.value is True
    assert found.children[0].error is not None


def test_rounds_of_a_macro_are_shown_up_to_a_bound() -> None:
    found = traced("data.numbers.exists(n, n > 2)", World(numbers=[1, 2, 3, 4]))
    target, *rounds = found.children
    assert target.result == [1, 2, 3, 4]
    assert [(body.text, body.value, body.children[0].value) for body in rounds] == [
        ("n > 2", False, 1),
        ("n > 2", False, 2),
        ("n > 2", True, 3),
    ]
    assert len(traced("data.numbers.all(n, n > 0)", World(numbers=[1] * 500)).children) == 51


def test_a_trace_reads_as_text_and_keeps_no_frames_alive() -> None:
    found = traced("1 / 0")
    assert found.error is not None
    assert found.error.__traceback__ is None
    assert str(found.error) == "division_by_zero: division by zero"
