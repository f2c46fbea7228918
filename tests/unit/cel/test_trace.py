from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.cel import CelError, Trace, check, trace
from engine.cel.syntax import Has, walk
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


@pytest.mark.parametrize(
    "text",
    [
        "data.numbers.exists(i, n, n > i && data.?discount.orValue(0.0) < 1.0)",
        "cel.bind(n, data.count, n > 1 ? [n, ?data.?undeclared] : [])",
        "data.scores.transformMap(k, v, v > 1, v + data.count)['b'] / 0 > 1 || has(data.purpose)",
        "'%s'.format([data.numbers.sortBy(n, -n)]) == data.tags[?7].orValue('x')",
        "data.?amount.optMap(a, a * 2.0).value() > 1.0 && data.count % 0 == 1",
        "!(data.tier in ['KA', 'A']) || data.items[0].price * 2.0 >= data.amount",
        "{'a': data.count}[?'a'].hasValue() ? data.region : string(data.count)",
    ],
)
def test_every_part_has_its_value_or_error_and_lies_inside_the_whole(text: str) -> None:
    found = traced(text)
    for node in flat(found):
        assert text[node.start : node.end] == node.text
        assert not (node.skipped and (node.children or node.error))
        for child in node.children:
            assert node.start <= child.start <= child.end <= node.end
    asked = {(node.start, node.end) for node in flat(found) if not node.skipped}
    skipped = [(node.start, node.end) for node in flat(found) if node.skipped]
    every = list(walk(check(text, SCOPE).node))
    guarded = [part.operand for part in every if isinstance(part, Has)]
    for part in (part for part in every if part not in guarded):
        inside = any(start <= part.start and part.end <= end for start, end in skipped)
        assert (part.start, part.end) in asked or inside, part.text


@pytest.mark.parametrize(
    ("text", "value", "failed"),
    [
        ("data.count > 1 && data.count < 9", True, []),
        ("data.count > 1 && data.count < 7", False, []),
        ("data.count > 1 && data.count / 0 < 7", None, [(18, 32), (18, 36)]),
    ],
)
def test_true_false_and_error_are_explained_alike(text: str, value: object, failed: list[tuple[int, int]]) -> None:
    found = traced(text)
    assert found.result is value
    assert sorted((node.start, node.end) for node in flat(found) if node.error and node is not found) == failed
    assert (found.error is None) == (not failed)
    assert found.children[0].result is True
