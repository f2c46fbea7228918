"""State as bytes: what is saved is loaded, exactly."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine import Engine
from engine.cel.values import UInt
from engine.core import codec
from engine.core.partition import (
    SECTIONS,
    Activation,
    AlertState,
    Decisions,
    Fact,
    Instance,
    Memory,
    Metrics,
    OpenState,
    Partition,
    Remembered,
    Sent,
    WindowState,
    Workflows,
)

NOON = datetime(2026, 3, 2, 12, 0, 0, 5, tzinfo=UTC)
VALUES: list[Any] = [
    timedelta(0),
    timedelta(hours=-5, microseconds=3),
    timedelta(days=999_999_999),
    timedelta(microseconds=1),
    NOON,
    UInt(7),
    2.5,
    3,
    True,
    None,
    "PT5S",
    "P1D",
    b"\x01",
]


def full(value: Any) -> Partition:
    """A partition with a value in every place that can hold one."""
    deep = {"x": value, "y": [value, {"z": [value]}]}
    past = Remembered("e", "s", "t", 5, deep, 6, "about")
    partition = Partition("rep", "r")
    partition.workflows = Workflows({"w": Instance(("a", "b"), deep, {"h": ("a",)}, {"a/0": -1}, done=True)})
    window = WindowState(
        {5: [value], 6: [7, [value]], 7: [8, None, [[1, value, value]]]}, {4: value}, {"": [1, [value]]}, 9
    )
    partition.metrics = Metrics({"m": window}, {"o": OpenState({"i": [1]}, {"j": 2})}, 3)
    sent = Sent("k", 0, "mail", "m", "rep", deep, {"points": [deep]}, "red", 1)
    partition.decisions = Decisions(
        {"a": AlertState("yellow", 1, 2, 3, {"red": 4}, [sent])}, {"e": "b"}, {"p": {"r": (1, 0.5)}}
    )
    activation = Activation("r", [past], [1], ["c"], [1], (("rep", "r"),), 8)
    partition.memory = Memory({"t": [past]}, {1: Fact("f", deep, 1, True)}, 2, {"k": activation}, 9)
    return partition


def plain(value: Any) -> Any:
    """A section with the class of every value beside it, so that nothing passes for something else."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(item) for item in value]
    return type(value), value


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_section_survives_exactly(value: Any) -> None:
    partition = full(value)
    loaded = Partition.load("rep", "r", 1, 2, partition.save(SECTIONS))
    for name in SECTIONS:
        assert plain(getattr(loaded, name)) == plain(getattr(partition, name)), name
    assert loaded.save(SECTIONS) == partition.save(SECTIONS)


def test_state_without_durations_is_not_searched_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(_: Any) -> Any:
        raise AssertionError("searched")

    monkeypatch.setattr(codec, "_tagged", search)
    assert set(full("P001").save(SECTIONS)) == set(SECTIONS)
    with pytest.raises(AssertionError):
        full(timedelta(0)).save(SECTIONS)


PACK = """
pack: {name: spent, version: "1", title: {en: Spent}}
entities:
  rep: {key: id, data: {id: string}}
events:
  done: {keys: {rep: data.rep}, data: {rep: ref(rep), spent: duration, size: any}}
metrics:
  longest: {of: done, by: rep, value: max(dyn(data.spent)), window: lifetime}
  sizes: {of: done, by: rep, value: VALUE, window: lifetime}
"""


def test_the_longest_of_durations_survives_a_restart(
    open_pack: Callable[..., Engine], event: Callable[..., Any], tmp_path: Any
) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    for minute, spent in enumerate(("2h", "3h", "1h")):
        engine = open_pack(PACK.replace("VALUE", "count()"), store=store)
        engine.put("rep", {"id": "r"}, "2026-03-01T00:00:00+08:00")
        found = engine.handle(
            event("done", f"2026-03-02T10:0{minute}", id=spent, rep="r", spent=f"{int(spent[0]) * 3600}s", size=1)
        )
        assert not found.records
        longest = engine.metrics("rep", "r")["longest"].now
        engine.close()
    assert longest == timedelta(hours=3)


@pytest.mark.parametrize("value", ["sum(data.size)", "avg(data.size)", "max(data.size)", "ratio(data.size, 2)"])
def test_a_value_that_is_no_number_is_an_error_outcome_and_counts_nothing(
    open_pack: Callable[..., Engine], event: Callable[..., Any], value: str
) -> None:
    engine = open_pack(PACK.replace("VALUE", f'"{value}"'))
    engine.put("rep", {"id": "r"}, "2026-03-01T00:00:00+08:00")
    codes = []
    for minute, size in enumerate((4, "many", True, [1], 4)):
        found = engine.handle(event("done", f"2026-03-02T10:0{minute}", rep="r", spent="1h", size=size))
        codes.append([one["code"] for one in found])
    assert codes == [[], *[["bad_argument"]] * 3, []]
    assert engine.metrics("rep", "r")["sizes"].now == (8 if value.startswith("sum") else 2 if "ratio" in value else 4)
