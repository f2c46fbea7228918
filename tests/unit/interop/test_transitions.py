from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import Machine
from transitions.extensions import HierarchicalMachine
from transitions.extensions.nesting import NestedState
from transitions.extensions.states import Timeout, add_state_features

from engine import Engine
from engine.core.program import Program, Workflow
from engine.errors import PackError
from engine.interop.transitions import from_transitions, to_transitions
from engine.pack import diagnose, load, restore
from engine.store import open_store

STATES = ("solid", "liquid", "gas", "plasma")
TRIGGERS = ("heat", "cool", "shake")
FLAGS = ("hot", "sealed")
Spec = dict[str, Any]


class Model:
    """Answers the conditions of a machine: the flags that are up."""

    def __init__(self) -> None:
        self.state = ""
        self.hot = self.sealed = False


def program_of(text: str) -> Program:
    return restore({"machine.yaml": text})


def chart_of(text: str, scope: str = "machine") -> Workflow:
    (found,) = program_of(text).scopes[scope].workflows
    return found


def machine_of(model: Model, spec: Spec) -> Machine:
    return Machine(
        model,
        states=list(STATES),
        initial="solid",
        transitions=spec,
        auto_transitions=False,
        ignore_invalid_triggers=True,
    )


def engine_of(text: str) -> Engine:
    return Engine(program_of(text), open_store("memory:"))


def tell(engine: Engine, number: int, trigger: str, flags: Sequence[str] = ()) -> str:
    """Send a trigger as an event; answers the state that the instance is in."""
    data = {"id": "m1", **{flag: flag in flags for flag in FLAGS}}
    outcome = engine.handle(
        {"id": f"e{number}", "source": "test", "type": trigger, "time": "2026-03-02T10:00:00Z", "data": data}
    )
    assert not outcome.rejects
    assert not outcome.of("error")
    return engine.state("machine", "m1")["workflows"].get("machine", "solid")


chosen_flags = st.lists(st.sampled_from(FLAGS), max_size=2, unique=True)
moves = st.lists(
    st.fixed_dictionaries(
        {
            "trigger": st.sampled_from(TRIGGERS),
            "source": st.sampled_from(STATES),
            "dest": st.sampled_from((*STATES, None)),
            "conditions": chosen_flags,
            "unless": chosen_flags,
        }
    ),
    min_size=1,
    max_size=8,
)
sequences = st.lists(st.tuples(st.sampled_from(TRIGGERS), chosen_flags), max_size=12)


def in_order(exported: Spec) -> list[Spec]:
    """The transitions by source and trigger; only among those of the same trigger is their order a meaning."""
    return sorted(exported["transitions"], key=lambda move: (move["source"], move["trigger"]))


def triggers(moves: Iterable[Spec]) -> set[str]:
    return {move["trigger"] for move in moves}


@settings(max_examples=60, deadline=None)
@given(moves, st.sampled_from(TRIGGERS), sequences)
def test_flat_charts_go_over_and_back_and_behave_the_same(
    spec: list[Spec], first: str, sequence: list[tuple[str, list[str]]]
) -> None:
    spec = [{"trigger": first, "source": "solid", "dest": "liquid"}, *spec]
    theirs, again = Model(), Model()
    text = from_transitions(machine_of(theirs, spec))
    exported = to_transitions(chart_of(text))
    back = to_transitions(chart_of(from_transitions(Machine(again, **deepcopy(exported)))))
    assert {**back, "transitions": in_order(back)} == {**exported, "transitions": in_order(exported)}

    engine = engine_of(text)
    state = "solid"
    for number, (trigger, flags) in enumerate(sequence):
        for model in (theirs, again):
            model.hot, model.sealed = "hot" in flags, "sealed" in flags
        if trigger in triggers(spec):
            theirs.trigger(trigger)
        if trigger in triggers(exported["transitions"]):
            again.trigger(trigger)
            state = tell(engine, number, trigger, flags)
        assert (state, again.state) == (theirs.state, theirs.state)


def test_what_check_says_of_an_imported_machine_is_nothing(tmp_path: Path) -> None:
    machine = Machine(
        states=["new", "in work", {"name": "done", "final": True}, "lost"],
        initial="new",
        transitions=[
            {"trigger": "take up", "source": "new", "dest": "in work", "before": "log", "after": print},
            {"trigger": "timer.rings", "source": "in work", "dest": None, "unless": "is-quiet", "after": "ring"},
            {"trigger": "close", "source": "*", "dest": "done", "conditions": lambda: True},
        ],
    )
    text = from_transitions(machine, "ticket")
    (tmp_path / "ticket.yaml").write_text(text, encoding="utf-8")

    assert [one.render() for one in diagnose([tmp_path])] == []
    assert text.startswith("# Left out, for nothing leads there: lost.\n")
    chart = chart_of(text, "ticket")
    assert list(chart.states) == ["new", "in_work", "done"]
    assert chart.states["in_work"].title.pick("en") == "in work"
    assert chart.events == {"take_up", "_timer.rings", "close"}
    (taken, *_) = chart.states["new"].transitions
    assert [effect.type for effect in taken.effects] == ["called.log", "called.print"]


def test_callbacks_become_events_and_conditions_what_the_sender_says() -> None:
    machine = Machine(
        states=["off", {"name": "on", "on_enter": "greet", "on_exit": "part"}],
        initial="off",
        transitions=[
            {"trigger": "press", "source": "off", "dest": "on", "conditions": "allowed"},
            ["press", "on", "off"],
        ],
    )
    engine = engine_of(from_transitions(machine))

    def press(number: int, **data: Any) -> list[str]:
        event = {"id": f"e{number}", "source": "test", "type": "press", "time": "2026-03-02T10:00:00Z"}
        outcome = engine.handle({**event, "data": {"id": "m1", **data}})
        return [record.get("type") or record.get("code") or record["to"] for record in outcome]

    assert press(1, allowed=False) == ["press"]
    assert press(2, allowed=True) == ["off", "on", "called.greet"]
    assert press(3, allowed=False) == ["off", "called.part"]
    assert press(4) == ["missing_field"]


@add_state_features(Timeout)
class Timed(Machine):
    pass


def test_a_timeout_takes_the_transition_of_the_trigger_that_it_pulls() -> None:
    machine = Timed(
        states=[{"name": "asked", "timeout": 90, "on_timeout": "give_up"}, "lost", "answered"],
        initial="asked",
        transitions=[["give_up", "asked", "lost"], ["answer", "asked", "answered"], ["ask", "asked", None]],
    )
    engine = engine_of(from_transitions(machine))

    assert tell(engine, 1, "ask") == "asked"
    engine.advance("2026-03-02T10:01:29Z")
    assert engine.state("machine", "m1")["workflows"] == {"machine": "asked"}
    engine.advance("2026-03-02T10:01:30Z")
    assert engine.state("machine", "m1")["workflows"] == {"machine": "lost"}


NESTED: Spec = {
    "states": [
        "off",
        {
            "name": "on",
            "initial": "idle",
            "children": ["idle", {"name": "work", "initial": "slow", "children": ["slow", "fast"]}],
        },
        {"name": "both", "parallel": ["left", {"name": "right", "initial": "low", "children": ["low", "high"]}]},
    ],
    "transitions": [
        ["power", "off", "on"],
        ["start", "on_idle", "on_work"],
        ["faster", "on_work_slow", "on_work_fast"],
        ["stop", "on_work", "on_idle"],
        ["power", "on", "off"],
        ["split", "on", "both"],
        ["lift", "both_right_low", "both_right_high"],
        ["power", "both", "off"],
    ],
    "initial": "off",
}


def test_nested_machines_go_over_and_back_and_behave_the_same() -> None:
    theirs, again = Model(), Model()
    text = from_transitions(HierarchicalMachine(theirs, **NESTED, auto_transitions=False, ignore_invalid_triggers=True))
    exported = to_transitions(chart_of(text))
    HierarchicalMachine(again, **deepcopy(exported))
    assert [state["name"] for state in exported["states"]] == ["off", "on", "both"]

    engine = engine_of(text)
    told = "power start faster stop start faster power power split lift power"
    seen = []
    for number, trigger in enumerate(told.split()):
        state = tell(engine, number, trigger)
        theirs.trigger(trigger)
        again.trigger(trigger)
        wanted = theirs.state if isinstance(theirs.state, list) else [theirs.state]
        assert (again.state, state) == (theirs.state, "+".join(name.replace("_", ".") for name in wanted))
        seen.append(state)
    assert seen[1:3] == ["on.work.slow", "on.work.fast"]
    assert seen[8:] == ["both.left+both.right.low", "both.left+both.right.high", "off"]


class Colour(Enum):
    RED = 1
    GREEN = 2


def test_states_may_be_members_of_an_enumeration() -> None:
    machine = Machine(states=Colour, initial=Colour.RED, transitions=[["go", Colour.RED, Colour.GREEN]])

    assert to_transitions(chart_of(from_transitions(machine))) == {
        "states": [{"name": "RED"}, {"name": "GREEN"}],
        "transitions": [{"trigger": "go", "source": "RED", "dest": "GREEN"}],
        "initial": "RED",
        "auto_transitions": False,
        "ignore_invalid_triggers": True,
    }


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine(states=["a"], initial="a"), "never_starts: no trigger moves the machine"),
        (Machine(None, states=["a"], initial=None), "machine without an initial state"),
        (Machine(states=["a"], initial="a", before_state_change="log"), "callbacks for every transition"),
        (
            Machine(
                states=["a"], initial="a", transitions=[{"trigger": "t", "source": "a", "dest": "a", "prepare": "p"}]
            ),
            "callback before the conditions",
        ),
        (
            HierarchicalMachine(states=[{"name": "a", "children": ["b"]}], initial="a", transitions=[["t", "a", "a"]]),
            "state that may be active without one inside it",
        ),
    ],
)
def test_a_machine_that_a_pack_cannot_say_is_refused(machine: Machine, said: str) -> None:
    with pytest.raises(PackError, match=said):
        from_transitions(machine)


def test_the_quote_of_the_sales_packs_becomes_a_machine_that_draws_and_runs() -> None:
    (chart,) = load(["sales"]).scopes["quote"].workflows
    spec = to_transitions(chart)
    revised = "has(data.revision) && data.revision > context.revisions"
    positive = "!has(data.amount) || data.amount > 0.0"

    assert {"trigger": "after.sent.0", "source": "sent", "dest": "stalled"} in spec["transitions"]
    assert {
        "trigger": "quote.sent", "source": "stalled", "dest": "sent", "conditions": [revised, positive],
    } in spec["transitions"]  # fmt: skip

    model = Model()
    setattr(model, positive, True)
    Machine(model, **spec)
    for trigger in ("quote.created", "quote.sent", "after.sent.0", "quote.replied", "quote.accepted"):
        model.trigger(trigger)
    assert model.state == "won"


REFUSED = """
pack: {{name: refused, version: "1"}}
events:
  go: {{keys: {{thing: data.id}}, data: {{id: string, ok: bool}}}}
workflows:
  machine:
    by: thing
    initial: a_b
    states:
      a_b: {{on: {{go: inner}}}}
      outer:
        initial: inner
        states:
          inner: {{on: {{go: end}}}}
          end: {{final: true}}
{more}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "bad_separator: the separator `_` is part of the name `a_b`"),
        ("          back: {history: deep, to: inner}", "no_counterpart: `transitions` has no history"),
        ("        on: {done.outer: a_b}", "has no event for the end of a state"),
        ("        always: [{to: a_b}]", "has no eventless transitions"),
        ("        on: {go: {to: a_b, roles: [manager]}}", "has no roles"),
        ("        exit: [{raise: told}]\n        on: {told: a_b}\n    signals: {told: {}}", "has no signals"),
        (
            "        on: {go: [{to: a_b, require: [{when: data.ok, code: no, reason: no}]}, {to: inner}]}",
            "has no refusal: the next transition on the event would be tried",
        ),
    ],
)
def test_what_transitions_cannot_say_is_refused_with_its_place(more: str, said: str) -> None:
    chart = chart_of(REFUSED.format(more=more), "thing")

    with pytest.raises(PackError, match=said) as raised:
        to_transitions(chart, "_" if not more else ".")
    assert raised.value.place is not None


def test_another_separator_serves_names_with_underscores() -> None:
    class Dotted(NestedState):
        separator = "."

    class Dots(HierarchicalMachine):
        state_cls = Dotted

    model = Model()
    Dots(model, **to_transitions(chart_of(REFUSED.format(more=""), "thing"), "."))
    model.trigger("go")
    assert model.state == "outer.inner"
