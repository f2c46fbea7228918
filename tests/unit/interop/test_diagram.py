from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.program import Program
from engine.errors import RulewrightError
from engine.interop.diagram import Arrow, draw, find
from engine.interop.dot import dot
from engine.interop.mermaid import mermaid
from engine.pack import load

PACK = """
pack: {name: doors, version: "1", language: en}
events:
  knocked: {title: Knock, keys: {door: data.id}, data: {id: string}}
  opened: {title: Moved, keys: {door: data.id}, data: {id: string}}
  closed: {title: Moved, keys: {door: data.id}, data: {id: string}}
workflows:
  door:
    by: door
    initial: end
    states:
      end: {on: {knocked: end_, opened: {to: end}}}
      end_: {on: {closed: {to: inner}, knocked: note}}
      note: {initial: inner, states: {inner: {on: {knocked: {to: note, when: "data.id == '\\"a\\\\\\\\'"}}}}}
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "doors.yaml").write_text(PACK, encoding="utf-8")
    return load([tmp_path])


def test_a_title_that_several_events_share_names_none_of_them(program: Program) -> None:
    arrows = draw(program, find(program, "door")).arrows

    assert Arrow("end", "end_", ("Knock",), None) in arrows
    assert Arrow("end", "end", ("opened",), None) in arrows
    assert Arrow("end_", "inner", ("closed",), None) in arrows


def test_states_named_like_words_of_mermaid_get_names_of_their_own(program: Program) -> None:
    lines = mermaid(draw(program, find(program, "door"))).splitlines()

    assert '    state "end" as end__' in lines
    assert '    state "end_" as end_' in lines
    assert "    end__ --> end_ : Knock" in lines
    assert '    state "note" as note_ {' in lines


def test_an_arrow_from_inside_a_state_to_that_state_is_not_cut_at_its_border(program: Program) -> None:
    lines = [line.strip() for line in dot(draw(program, find(program, "door"))).splitlines()]

    assert '"inner" -> "inner" [label="Knock\\n[data.id == \'\\"a\\\\\\\\\']"]' in lines
    assert '"end_" -> "inner" [label="Knock", lhead="cluster_note"]' in lines


def test_an_unknown_workflow_is_answered_with_those_that_there_are(program: Program) -> None:
    with pytest.raises(RulewrightError, match="has no workflow `dor`") as raised:
        find(program, "dor")

    assert raised.value.code == "unknown_workflow"
    assert raised.value.hint == "there is `door`"
