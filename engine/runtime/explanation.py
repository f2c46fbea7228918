"""Why, and why not: step a delivery again from the log, with notes taken of every expression that was asked.

Explanations are not stored. One partition is folded from its part of the log up to the decision; only the last step takes
notes. Partitions are independent, so this costs as much as that key has history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.cel import Trace
from engine.core.event import Event
from engine.core.partition import Partition
from engine.core.program import Program
from engine.core.step import Stepper
from engine.core.text import display
from engine.core.trace import Note, Tracer
from engine.errors import Place, RulewrightError
from engine.runtime.entities import Entities, Past
from engine.runtime.records import Writer
from engine.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided (None: nothing was), at which place of the pack it is written, by which event, and on what values."""

    record: dict[str, Any] | None
    place: Place | None
    event: dict[str, Any] | None
    notes: tuple[Note, ...]
    revision: str
    question: str

    def lines(self) -> Iterator[str]:
        """The explanation as people read it, a line at a time."""
        yield self.question
        if self.place is not None:
            yield f"  decided by  {self.place}  {self.place.path}".rstrip()
        yield f"  revision    {self.revision}"
        if self.record is not None and self.record["revision"] != self.revision:
            yield f"  decided by revision {self.record['revision']}; the values below are those of {self.revision}"
        if self.event is not None:
            yield f"  event       {self.event['type']} {self.event['id']} at {self.event['time']}"
        for note in self.notes:
            yield f"  {note.role:<10}  {note.place}"
            if note.tree is not None:
                yield from _tree(note.tree, 2)
            if note.detail:
                yield f"    {note.detail}"

    def mapping(self) -> dict[str, Any]:
        """The explanation as data: for `--json` and for programs."""
        return {
            "question": self.question,
            "record": self.record,
            "place": str(self.place) if self.place else None,
            "path": self.place.path if self.place else None,
            "revision": self.revision,
            "event": self.event,
            "notes": [
                {
                    "role": note.role,
                    "place": str(note.place),
                    "text": note.text,
                    "detail": note.detail,
                    "tree": tree_mapping(note.tree) if note.tree is not None else None,
                }
                for note in self.notes
            ],
        }


def tree_mapping(tree: Trace) -> dict[str, Any]:
    """A trace as data: text, range, value or error, children."""
    found: dict[str, Any] = {"text": tree.text, "start": tree.start, "end": tree.end}
    if tree.skipped:
        found["skipped"] = True
    elif tree.error is not None:
        found["error"] = tree.error.code
    else:
        found["value"] = shown(tree.result)
    if tree.children:
        found["children"] = [tree_mapping(child) for child in tree.children]
    return found


def shown(value: Any) -> Any:
    """A value of an expression as plain data; views of metrics by what they say of themselves."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return display(value)


def _tree(tree: Trace, depth: int) -> Iterator[str]:
    worth = "not asked" if tree.skipped else f"error {tree.error.code}" if tree.error else _brief(tree.result)
    if worth is not None and worth != tree.text:
        yield f"{'  ' * depth}{tree.text}  =  {worth}"
    for child in tree.children:
        yield from _tree(child, depth + 1)


def _brief(value: Any) -> str | None:
    """A value on one line; None for objects that say nothing by themselves (an event, a group of metrics)."""
    if value is None or isinstance(value, (bool, int, float, str, list)) or hasattr(value, "total_seconds"):
        text = "null" if value is None else repr(value) if isinstance(value, str) else display(value)
        text = f"[{text}]" if isinstance(value, list) else text
        return text if len(text) <= 120 else text[:117] + "…"
    if hasattr(value, "isoformat"):
        return display(value)
    return None


def explain(program: Program, store: Store, entities: Entities, decision: str) -> Explanation:
    """Why the record of that id was decided. Raises `RulewrightError` `unknown_decision`."""
    found = store.decision(decision)
    if found is None:
        raise RulewrightError(
            "unknown_decision",
            f"there is no decision {decision}",
            hint="ids stand in the `id` field of outcome records",
        )
    seq, record = found
    event = store.event(seq)
    notes: tuple[Note, ...] = ()
    if event is not None and record.scope is not None and record.key is not None:
        tracer = Tracer()
        _fold(program, store, entities, record.scope, record.key, seq, tracer)
        notes = tuple(note for note in tracer.notes if note.owner == record.name)
    writer = Writer(program)
    return Explanation(
        writer.mapping(record),
        place_of(program, record.scope, record.name),
        _shown_event(program, event),
        notes,
        program.revision,
        _sentence(writer.mapping(record)),
    )


def why_not(program: Program, store: Store, entities: Entities, name: str, key: str, at: int | None) -> Explanation:
    """Why an alert, a rule or a workflow did nothing more for a key, as of an instant: the values of its conditions then.

    Raises `RulewrightError` `unknown_name` when nothing of that name is declared.
    """
    scope = next((one.scope for one in program.scopes.values() if name in _names(program, one.scope)), None)
    if scope is None:
        known = sorted(found for one in program.scopes for found in _names(program, one))
        raise RulewrightError("unknown_name", f"nothing is called `{name}`", hint="known: " + ", ".join(known))
    tracer = Tracer()
    partition, last = _fold(program, store, entities, scope, key, None, None, until=at)
    now = at if at is not None else (last.now if last is not None else 0)
    Stepper(program).ask(partition, entities, name, now, last, tracer)
    notes = tuple(note for note in tracer.notes if note.owner == name)
    question = f"why not {name} for {scope} {key}, as of {program.calendar.stamp(now)}?"
    return Explanation(
        None, place_of(program, scope, name), _shown_event(program, last), notes, program.revision, question
    )


def _names(program: Program, scope: str) -> set[str]:
    one = program.scopes[scope]
    parts: tuple[Any, ...] = (*one.alerts, *one.rules, *one.workflows, *one.popups, *one.experiments)
    return {part.name for part in parts}


def _fold(
    program: Program,
    store: Store,
    entities: Entities,
    scope: str,
    key: str,
    seq: int | None,
    tracer: Tracer | None,
    *,
    until: int | None = None,
) -> tuple[Partition, Event | None]:
    stepper, partition, last = Stepper(program), Partition(scope, key), None
    for event in store.events(scope=scope, key=key):
        if (seq is not None and event.seq > seq) or (until is not None and event.now > until):
            break
        noting = tracer if event.seq == seq else None
        stepper.step(partition, Past(entities, event.seq) if noting else entities, event, noting)
        last = event
    return partition, last


def place_of(program: Program, scope: str | None, name: str | None) -> Place | None:
    """Where the part of the pack stands that decided a record."""
    if scope is None or scope not in program.scopes:
        return None
    one = program.scopes[scope]
    parts: tuple[Any, ...] = (
        *one.alerts,
        *one.rules,
        *one.workflows,
        *one.popups,
        *one.experiments,
        *one.windows,
        *one.opens,
    )
    return next((part.place for part in parts if part.name == name), None)


def _shown_event(program: Program, event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    data = msgspec.json.decode(msgspec.json.encode(event.data, enc_hook=str))
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": program.calendar.stamp(event.at),
        "data": data,
    }


def _sentence(record: dict[str, Any]) -> str:
    kind, what = record["kind"], f"{record['scope']} {record['key']}"
    said = {
        "alert": lambda: (
            f"{record['name']} went from {record['was']} to {record['level']} ({record['status']}) for {what}"
        ),
        "transition": lambda: f"{record['name']} of {what} went from {record['from'] or 'nothing'} to {record['to']}",
        "assignment": lambda: f"{what} is in arm {record['variant']} of {record['name']} by {record['by']}",
        "reject": lambda: f"refused, {record['code']}: {record['reason']}",
        "error": lambda: f"{record['name']} could not be computed, {record['code']}: {record['reason']}",
        "action": lambda: f"{record['name']} asked for {record['do']} to {record['to']}",
        "emit": lambda: f"{record['name']} emitted {record['type']}",
        "popup": lambda: f"{record['name']} showed {', '.join(item['id'] for item in record['items']) or 'nothing'}",
        "ignored": lambda: f"{record['name']} in state {record['state']} takes no {record['type']}",
    }
    sentence = said[kind]() if kind in said else kind
    return f"{record['at']}  {sentence}"
