"""The converter from SCXML to packs, on charts of our own; the suite itself is run by `python -m conformance scxml`."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from conformance.scxml.command import surprising
from conformance.scxml.convert import converted
from conformance.scxml.ecma import Expressions, UnsupportedError
from conformance.scxml.known import LEFT_OUT, SUPERSEDED
from conformance.scxml.play import Result, play
from conformance.scxml.suite import Case, Step, cases

README = Path(__file__).parents[3] / "conformance" / "README.md"


def case(inside: str, initial: str, *steps: tuple[str, str] | tuple[str, str, int]) -> Case:
    chart = ElementTree.fromstring(f'<scxml xmlns="http://www.w3.org/2005/07/scxml">{inside}</scxml>')
    played = (Step(one[0], one[2] if len(one) == 3 else 0, tuple(one[1].split())) for one in steps)
    return Case("group/name", chart, tuple(initial.split()), tuple(played))


COUNTING = """
  <datamodel><data id="x" expr="1"/><data id="unset"/></datamodel>
  <state id="a">
    <onentry><assign location="x" expr="x + 1"/></onentry>
    <transition event="t" target="never-there" cond="unset === 3"/>
    <transition event="t" target="b" cond="x === 2"/>
  </state>
  <state id="b"><transition event="late" target="c"/></state>
  <state id="c"/>
  <state id="never-there"/>
"""


def test_data_without_a_value_make_a_condition_false() -> None:
    assert play(case(COUNTING, "a", ("t", "b"), ("t", "b"), ("late", "c"))).status == "passed"


def test_a_difference_is_told_with_the_event_after_which_it_shows() -> None:
    result = play(case(COUNTING, "a", ("t", "c")))
    assert (result.status, result.detail) == ("failed", "after t (1): b active instead of c")


def test_a_delayed_event_comes_in_virtual_time() -> None:
    chart = """
      <state id="a"><onexit><send event="s" delay="10ms"/></onexit><transition event="t" target="b"/></state>
      <state id="b"><transition event="s" target="c"/></state>
      <state id="c"><transition event="t" target="a"/></state>
    """
    assert play(case(chart, "a", ("t", "b"), ("t", "b", 9))).status == "passed"
    assert play(case(chart, "a", ("t", "b"), ("t", "a", 11))).status == "passed"


def test_the_branch_of_an_if_is_chosen_before_anything_in_it_happens() -> None:
    chart = """
      <datamodel><data id="x" expr="0"/></datamodel>
      <state id="a">
        <onentry>
          <if cond="x === 0"><assign location="x" expr="1"/><elseif cond="x === 1"/><assign location="x" expr="x + 10"/></if>
        </onentry>
        <transition target="b" cond="x === 1"/>
        <transition target="c"/>
      </state>
      <state id="b"/>
      <state id="c"/>
    """
    assert play(case(chart, "b")).status == "passed"


def test_events_are_matched_by_the_words_that_they_begin_with() -> None:
    pack, _ = converted(
        case('<state id="a"><transition event="foo.bar foo.*"/></state>', "a", ("foo.bar.x", "a"), ("foobar", "a"))
    )
    assert list(yaml.safe_load(pack)["workflows"]["machine"]["states"]["a"]["on"]) == ["foo.bar.x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x === 2 && In('s-1')", "context.x == 2 && ( 's_1' in active )"),
        ("{p: 'v'}", "{ 'p' : 'v' }"),
        ("Math.pow(x,3)", "( context.x * context.x * context.x )"),
        ("_event.data.n !== 4", "data.n != 4"),
    ],
)
def test_expressions_are_rewritten(text: str, expected: str) -> None:
    expressions = Expressions({"x": "int"}, frozenset(), lambda name: name.replace("-", "_"))
    assert expressions.value(text).split() == expected.replace("( 's_1' in active )", "('s_1' in active)").split()


@pytest.mark.parametrize("text", ["x.push(1)", "{p: 'v'", "x = 3", "unknown"])
def test_what_is_code_is_not_rewritten(text: str) -> None:
    with pytest.raises(UnsupportedError):
        Expressions({"x": "int"}, frozenset(), str).value(text)


def test_a_case_that_fails_or_is_left_out_without_being_listed_is_a_surprise() -> None:
    one = case("<state id='a'/>", "a")
    assert list(surprising([Result(one, "passed")], 1)) == []
    assert list(surprising([Result(one, "passed")], 2)) == ["1 cases instead of 2"]
    assert list(surprising([Result(one, "failed")], 1)) == ["group/name failed"]
    assert "not listed" in next(surprising([Result(one, "left out")], 1))


def test_scripts_are_left_out_with_the_reason() -> None:
    result = play(case("<state id='a'><onentry><script>x = 1</script></onentry></state>", "a"))
    assert (result.status, result.detail) == ("left out", "it runs ECMAScript: packs hold no code")


@pytest.mark.parametrize("name", sorted(LEFT_OUT | SUPERSEDED))
def test_what_is_not_played_as_it_is_stands_in_the_readme(name: str) -> None:
    text = README.read_text(encoding="utf-8")
    assert f"`{name}`" in text or f"`{name.rpartition('/')[2]}`" in text


def test_cases_are_read_from_a_folder_with_their_scripts(tmp_path: Path) -> None:
    for group in ("one", "w3c-ecma"):
        folder = tmp_path / group
        folder.mkdir()
        (folder / "c.scxml").write_text("<scxml xmlns='http://www.w3.org/2005/07/scxml'><state id='a'/></scxml>")
        (folder / "c.json").write_text(
            '{"initialConfiguration": ["a"], "events": [], "legacySemantics": {"initialConfiguration": ["b"], "events": []}}'
        )
    assert [(one.name, one.initial, one.structural) for one in cases(tmp_path)] == [("one/c", ("a",), True)]
    assert [one.initial for one in cases(tmp_path, frozenset({"one/c"}))] == [("b",)]
