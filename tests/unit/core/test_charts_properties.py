"""Random charts do what the reference does, and flat ones what `transitions` does."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from transitions import Machine

from engine import Engine
from engine.pack import restore
from engine.store import open_store
from tests.unit.core.randomcharts import BUDGET, EVENTS, charts, pack
from tests.unit.core.reference import EndlessError, Node, Reference

Sent = tuple[str, int]
sendings = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 1)), max_size=12)


def opened(text: str) -> Engine:
    return Engine(restore({"pack.yaml": text}, {}), open_store("memory:"))


def send(engine: Engine, number: int, name: str, n: int) -> list[str]:
    time = f"2026-03-02T10:{number:02}:00+08:00"
    data = {"job": "j1", "n": n}
    outcome = engine.handle({"id": f"e{number}", "source": "test", "type": name, "time": time, "data": data})
    return [one.get("code") or one["kind"] for one in outcome]


def standing(engine: Engine) -> tuple[list[str], str]:
    """The atomic states that are active, and the path of what has happened."""
    state = engine.state("job", "j1")
    shown = state["workflows"]["job"]
    return [part.rpartition(".")[2] for part in shown.split("+")], state["context"]["job"]["path"]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(charts(), sendings)
def test_a_chart_does_what_the_recommendation_says(root: Node, sent: list[Sent]) -> None:
    engine, reference = opened(pack(root)), Reference(root, BUDGET)
    reference.start()
    for number, (name, n) in enumerate([("begin", 0), *sent]):
        told = send(engine, number, name, n)
        try:
            taken = reference.send(name, n)
        except EndlessError:
            assert told == ["endless_chart"]
            assume(number > 0)
        else:
            assert set(told) <= ({"transition"} if taken else {"ignored"})
        assert standing(engine) == (reference.active(), reference.path)


STATES = ("one", "two", "three", "four")

flat_moves = st.lists(
    st.tuples(
        st.sampled_from(STATES),
        st.sampled_from(EVENTS),
        st.sampled_from([*STATES, None]),
        st.sampled_from([None, 0, 1]),
    ),
    min_size=1,
    max_size=12,
)


def flat_pack(moves: list[tuple[str, str, str | None, int | None]]) -> str:
    states: dict[str, Any] = {name: {"on": {}} for name in STATES}
    states["one"]["on"]["never"] = [{"to": name, "when": "false"} for name in STATES]
    for source, event, target, wanted in moves:
        move: dict[str, Any] = {"to": [target]} if target else {"then": []}
        if wanted is not None:
            move["when"] = f"data.n == {wanted}"
        states[source]["on"].setdefault(event, []).append(move)
    fields = {"lateness": "7d", "keys": {"job": "data.job"}, "data": {"job": "string", "n": "int"}}
    return yaml.safe_dump(
        {
            "pack": {"name": "flat"},
            "events": {name: dict(fields) for name in (*EVENTS, "never")},
            "workflows": {"job": {"by": "job", "initial": "one", "states": states}},
        }
    )


def machine(moves: list[tuple[str, str, str | None, int | None]]) -> Any:
    """The same chart in `transitions`; its events are methods that take `n`."""

    def only(wanted: int) -> Any:
        return lambda n: n == wanted

    found = [
        {"trigger": event, "source": source, "dest": target, "conditions": [] if wanted is None else [only(wanted)]}
        for source, event, target, wanted in moves
    ]
    return Machine(
        states=list(STATES), transitions=found, initial="one", auto_transitions=False, ignore_invalid_triggers=True
    )


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(flat_moves, sendings)
def test_a_flat_chart_does_what_transitions_does(
    moves: list[tuple[str, str, str | None, int | None]], sent: list[Sent]
) -> None:
    engine, oracle = opened(flat_pack(moves)), machine(moves)
    for number, (name, n) in enumerate(sent):
        told = send(engine, number, name, n)
        before = oracle.state
        taken = bool(oracle.trigger(name, n)) if name in oracle.events else False
        assert set(told) <= ({"transition"} if taken else {"ignored"})
        if taken or before != "one":
            assert engine.state("job", "j1")["workflows"]["job"] == oracle.state
