"""What a program hands over is taken as JSON would be, or refused with a reason; nothing is raised, nothing turns into null."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

PACK = """
events:
  seen: {keys: {rep: data.rep}, data: {rep: string, share: double?}}
workflows:
  day:
    by: rep
    initial: new
    states: {new: {on: {seen: old}}, old: {on: {seen: {}}}}
"""


def seen(number: Any = "e1", **data: Any) -> dict[str, Any]:
    return {"id": number, "source": "app", "type": "seen", "time": "2026-03-02T10:00:00+08:00", "data": data}


def deep() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(100_000):
        found = {"in": found}
    return found


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"share": float("nan")}, "data.share is not a finite number"),
        ({"share": float("inf")}, "data.share is not a finite number"),
        ({"undeclared": [1.0, {"x": -float("inf")}]}, "data.undeclared[1].x is not a finite number"),
        ({"gone": None, "share": float("nan")}, "data.share is not a finite number"),
        ({"thing": object()}, "Encoding objects of type object is unsupported"),
        ({"pairs": {(1, 2): 3}}, "Only dicts with str-like or number-like keys are supported"),
        ({"half": "\ud800"}, "surrogates not allowed"),
        ({"deep": deep()}, "recursion"),
    ],
)
def test_what_json_cannot_hold_is_refused(open_pack: Callable[..., Engine], data: dict[str, Any], reason: str) -> None:
    engine = open_pack(PACK)
    outcome = engine.handle_many([seen("e1", rep="r1", **data), seen("e2", rep="r2")])
    (reject,) = outcome.rejects
    assert (reject["code"], reject["event"]) == ("bad_json", "e1")
    assert reason in reject["reason"]
    assert [one["key"] for one in outcome.of("transition")] == ["r2", "r2"]
    arrived = engine.explain(reject["id"]).arrived
    assert arrived is not None
    assert (arrived.source, arrived.event) == ("app", "e1")


def test_the_same_thing_handed_over_twice_is_refused_once_and_another_again(open_pack: Callable[..., Engine]) -> None:
    engine = open_pack(PACK)
    codes = [len(engine.handle(seen(rep="r1", share=float(text))).rejects) for text in ("nan", "nan", "inf")]
    assert codes == [1, 0, 1]


def test_a_text_with_half_a_character_is_refused(open_pack: Callable[..., Engine]) -> None:
    (reject,) = open_pack(PACK).handle('{"id": "\ud800"}').rejects
    assert reject["code"] == "bad_json"


def test_null_and_whatever_json_has_a_form_for_is_taken(open_pack: Callable[..., Engine]) -> None:
    outcome = open_pack(PACK).handle(seen(rep="r1", share=None, more=(1, 2.5, None, "null")))
    assert [one["to"] for one in outcome.of("transition")] == ["new", "old"]
