"""Fields of type `text`: what says nothing counts as absent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine import Engine

PACK = """
entities:
  desk: {data: {id: string, sign: text}}
events:
  said: {keys: {desk: data.desk}, data: {desk: string, words: text?, tags: "list(text)?"}}
metrics:
  counted: {of: said, by: desk, where: has(data.words), window: lifetime}
"""


@pytest.mark.parametrize(("words", "counted"), [("a", 1), (" b ", 1), ("", 0), ("  ", 0), (None, 0)])
def test_an_optional_text_that_is_blank_is_not_there(
    open_pack: Callable[..., Engine], event: Callable[..., Any], words: str | None, counted: int
) -> None:
    engine = open_pack(PACK)
    assert engine.handle(event("said", "2026-03-02T10:00", desk="d", words=words)).rejects == []
    assert engine.metrics("desk", "d")["counted"].now == counted


def test_a_required_text_that_is_blank_is_missing(open_pack: Callable[..., Engine]) -> None:
    (reject,) = open_pack(PACK).put("desk", {"id": "d", "sign": " "}).rejects
    assert (reject["code"], reject["reason"]) == ("missing_field", "data.sign is blank")


def test_a_list_of_texts_has_no_blank_ones(open_pack: Callable[..., Engine], event: Callable[..., Any]) -> None:
    (reject,) = open_pack(PACK).handle(event("said", "2026-03-02T10:00", desk="d", tags=["a", " "])).rejects
    assert (reject["code"], reject["reason"]) == ("wrong_type", "data.tags: item 2: is blank")
