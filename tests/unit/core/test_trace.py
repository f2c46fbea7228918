"""What an error record says of what it read: plain values, the same in every run, and such that they can be kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import Engine
from engine.core.trace import HIDDEN, shown

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

PACK = """
pack: {name: views, version: "1", title: {en: Views}}
entities:
  desk: {key: id, data: {id: string}}
events:
  sale: {keys: {desk: data.desk}, data: {desk: ref(desk), amount: double}}
metrics:
  sales: {of: sale, by: desk, value: count(), window: lifetime}
alerts:
  hot: {title: {en: Hot}, by: desk, red: "CONDITION"}
"""


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (
            "[dyn(metrics.sales), dyn(desk.id)] + dyn(metrics.sales.now) == []",
            {"[dyn(metrics.sales), dyn(desk.id)]": ["d"]},
        ),
        ("dyn(metrics.sales) + 1 > metrics.sales.now", {"1": 1}),
        ("dyn(metrics) + desk.id == ''", {"desk.id": "d"}),
    ],
)
def test_views_are_left_out_of_error_records(
    open_pack: Callable[..., Engine], event: Callable[..., Any], tmp_path: Any, condition: str, values: dict[str, Any]
) -> None:
    engine = open_pack(PACK.replace("CONDITION", condition), store=f"sqlite:///{tmp_path / 'store.db'}")
    engine.put("desk", {"id": "d"}, "2026-03-01T00:00:00+08:00")
    *_, error = engine.handle(event("sale", "2026-03-02T10:00", desk="d", amount=1.0))
    assert error["kind"] == "error"
    assert {name: error["values"].get(name) for name in values} == values
    assert "object at" not in str(error)


@pytest.mark.parametrize("value", ["a", 1, 2.5, True, None, NOON, timedelta(1), [1, ["a"]], {"a": {"b": [NOON]}}])
def test_plain_values_are_shown_as_they_are(value: Any) -> None:
    assert shown(value) == value


def test_what_is_no_plain_value_is_hidden_wherever_it_is() -> None:
    view = object()
    assert shown(view) is HIDDEN
    assert shown(2**64) is HIDDEN
    assert shown([view, {"a": view, "b": (1, view)}]) == [{"b": [1]}]
