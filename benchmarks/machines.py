"""Other statechart libraries at the work of `benchmarks.charts`: `transitions` and `sismic`, each only where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from benchmarks.figure import Work

ABSENT = "not installed: pip install 'rulewright[peers]'"

FLAT = (
    ("sent", "draft", "sent"),
    ("replied", "sent", "negotiating"),
    ("stalled", "sent", "stalled"),
    ("replied", "stalled", "negotiating"),
    ("revised", "negotiating", "revised"),
    ("sent", "revised", "sent"),
    ("accepted", "negotiating", "won"),
    ("rejected", "negotiating", "lost"),
    ("reopened", "won", "draft"),
    ("reopened", "lost", "draft"),
)
"""A quote of eight states, as (event, from, to)."""

DEEP = """
statechart:
  name: visit
  root state:
    name: root
    initial: open
    states:
      - name: open
        initial: planned
        transitions: [{event: cancelled, target: closed}]
        states:
          - name: planned
            transitions: [{event: started, target: there}]
          - name: there
            initial: talking
            transitions: [{event: left, target: planned}]
            states:
              - name: talking
                transitions: [{event: paused, target: waiting}]
              - name: waiting
                transitions: [{event: resumed, target: talking}]
      - name: closed
        transitions: [{event: reopened, target: open}]
"""


def installed(name: str) -> bool:
    """Whether a library is there."""
    return find_spec(name) is not None


def flat_transitions(events: Sequence[str]) -> Work:
    """The flat chart in `transitions`, with a guard on every transition and a model that is not registered."""
    from transitions import Machine

    class Model:
        state = "draft"

    def holds(_: Any = None) -> bool:
        return True

    moves = [{"trigger": event, "source": source, "dest": to, "conditions": holds} for event, source, to in FLAT]
    names = list(dict.fromkeys(name for _, *ends in FLAT for name in ends))
    machine = Machine(model=None, states=names, transitions=moves, initial="draft", auto_transitions=False)
    triggers = [machine.events[name] for name in events]

    def work() -> None:
        model = Model()
        for trigger in triggers:
            if not trigger.trigger(model):
                raise RuntimeError("an event was not taken")

    return work


def deep_transitions(events: Sequence[str]) -> Work:
    """The nested chart in `transitions.extensions`."""
    from transitions.extensions import HierarchicalMachine

    inner = {"name": "there", "initial": "talking", "children": ["talking", "waiting"]}
    states = [{"name": "open", "initial": "planned", "children": ["planned", inner]}, "closed"]
    moves = [
        ("cancelled", "open", "closed"),
        ("started", "open_planned", "open_there"),
        ("left", "open_there", "open_planned"),
        ("paused", "open_there_talking", "open_there_waiting"),
        ("resumed", "open_there_waiting", "open_there_talking"),
        ("reopened", "closed", "open"),
    ]
    machine = HierarchicalMachine(states=states, initial="open", auto_transitions=False)
    for event, source, to in moves:
        machine.add_transition(event, source, to)

    def work() -> None:
        for name in events:
            if not machine.trigger(name):
                raise RuntimeError("an event was not taken")

    return work


def deep_sismic(events: Sequence[str]) -> Work:
    """The nested chart in `sismic`."""
    from sismic.interpreter import Interpreter
    from sismic.io import import_from_yaml

    interpreter = Interpreter(import_from_yaml(DEEP))
    interpreter.execute()

    def work() -> None:
        for name in events:
            if not interpreter.queue(name).execute():
                raise RuntimeError("an event was not taken")

    return work
