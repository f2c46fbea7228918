"""Why, and why not: step a delivery again from the log, with notes taken of every expression that was asked.

Explanations are not stored. One partition is folded from its part of the log up to the decision; only the last step takes
notes. Partitions are independent, so this costs as much as that key has history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from engine.cel import Trace
from engine.cel.values import fits
from engine.core.event import Event, Record
from engine.core.program import Program
from engine.core.text import display
from engine.core.trace import LARGEST_SHOWN, Note, Tracer
from engine.errors import Place, RulewrightError
from engine.runtime.entities import EVER
from engine.runtime.fold import Folded, fold
from engine.runtime.lineage import Lineage
from engine.runtime.records import Writer
from engine.store.protocol import Store

SHOWN = 400
"""Characters of a refused line that are shown."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was refused at the door: its source and event id where they could be read, and the line as it came in, shortened.

    `place` is the file and the line that it came from, where it came from a file.
    """

    source: str | None
    event: str | None
    line: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A pending deadline: when it fires (RFC 3339), and its name, which says whose it is."""

    at: str
    name: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was decided (None: nothing was), at which place of the pack it is written, by which event, and on what values.

    `arrived` is what was refused at the door; `deadlines` are pending.
    """

    question: str
    revision: str
    record: dict[str, Any] | None = None
    place: Place | None = None
    event: dict[str, Any] | None = None
    notes: tuple[Note, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    arrived: Arrived | None = None

    def lines(self) -> Iterator[str]:
        """The explanation as people read it, a line at a time."""
        yield self.question
        if self.place is not None:
            yield f"  decided by  {self.place}  {self.place.path}".rstrip()
        yield f"  revision    {self.revision}"
        if self.record is not None and self.record["revision"] != self.revision:
            yield f"  decided by revision {self.record['revision']}; the values below are those of {self.revision}"
        if self.record is not None and "pinned" in self.record:
            yield f"  pinned      to the machine of revision {self.record['pinned']}, with which the instance began"
        if self.event is not None:
            at = "known from the beginning" if self.event["time"] is None else f"at {self.event['time']}"
            yield f"  event       {self.event['type']} {self.event['id']} {at}"
        if self.arrived is not None:
            yield f"  source      {self.arrived.source or 'not known'}"
            yield f"  event       {self.arrived.event or 'not known'}"
            if self.arrived.place is not None:
                yield f"  from        {self.arrived.place}"
            yield f"  line        {self.arrived.line}"
        for deadline in self.deadlines:
            yield f"  deadline    {deadline.at}  {deadline.name}"
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
            "arrived": asdict(self.arrived) if self.arrived else None,
            "deadlines": [asdict(deadline) for deadline in self.deadlines],
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


_ENDLESS = "…"
"""Stands for a value that is too large to be written out."""


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
    return _shown(value) if fits(value, LARGEST_SHOWN) else _ENDLESS


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(item) for item in value]
    return display(value)


def _tree(tree: Trace, depth: int) -> Iterator[str]:
    worth = "not asked" if tree.skipped else f"error {tree.error.code}" if tree.error else _brief(tree.result)
    if worth is not None and worth != tree.text:
        yield f"{'  ' * depth}{tree.text}  =  {worth}"
    for child in tree.children:
        yield from _tree(child, depth + 1)


def _brief(value: Any) -> str | None:
    """A value on one line; None for objects that say nothing by themselves (an event, a group of metrics)."""
    if not fits(value, LARGEST_SHOWN):
        return _ENDLESS
    if value is None or isinstance(value, (bool, int, float, str, list)) or hasattr(value, "total_seconds"):
        text = "null" if value is None else repr(value) if isinstance(value, str) else display(value)
        text = f"[{text}]" if isinstance(value, list) else text
        return text if len(text) <= 120 else text[:117] + "…"
    if hasattr(value, "isoformat"):
        return display(value)
    return None


def explain(program: Program, store: Store, decision: str) -> Explanation:
    """Why the record of that id was decided. Raises `RulewrightError` `unknown_decision`."""
    found = store.decision(decision)
    if found is None:
        return _refused(program, store, decision)
    seq, record = found
    program = Lineage(store, program).program(seq)
    event = store.event(seq)
    notes: tuple[Note, ...] = ()
    if event is not None and record.scope is not None and record.key is not None:
        tracer = Tracer()
        fold(program, store, record.scope, record.key, seq=seq, tracer=tracer)
        notes = tuple(note for note in tracer.notes if note.owner == record.name)
    shown_record = Writer(program).mapping(record)
    place = place_of(program, record.scope, record.name, record.fields.get("pinned", ""))
    return Explanation(
        _sentence(shown_record), program.revision, shown_record, place, _shown_event(program, event), notes
    )


def _refused(program: Program, store: Store, decision: str) -> Explanation:
    """What was refused at the door, before it reached any partition: what came in says why."""
    reject = store.reject(decision)
    if reject is None:
        raise RulewrightError(
            "unknown_decision",
            f"there is no decision {decision}",
            hint="ids stand in the `id` field of outcome records",
        )
    fields = {"code": reject.code, "reason": reject.reason} | ({"place": reject.place} if reject.place else {})
    refused = Record("reject", reject.id, reject.at, reject.event, None, None, None, fields)  # type: ignore[arg-type]
    record = Writer(program).mapping(refused)
    line = reject.line.decode(errors="replace")
    arrived = Arrived(reject.source, reject.event, line if len(line) <= SHOWN else f"{line[:SHOWN]}…", reject.place)
    return Explanation(_sentence(record), program.revision, record, arrived=arrived)


def why_not(program: Program, store: Store, name: str, key: str, at: int | None) -> Explanation:
    """Why an alert, a rule or a workflow did nothing more for a key, as of an instant (None: before time began).

    `workflow/aim` asks for one event or one state of a workflow alone, such as `quote/won`.
    Raises `RulewrightError` `unknown_name` when nothing of that name is declared.
    """
    asked, (name, _, aim) = name, name.partition("/")
    scope = next((one.scope for one in program.scopes.values() if name in _names(program, one.scope)), None)
    if scope is None:
        known = sorted(found for one in program.scopes for found in _names(program, one))
        raise RulewrightError("unknown_name", f"nothing is called `{name}`", hint="known: " + ", ".join(known))
    tracer = Tracer()
    folded = fold(program, store, scope, key, until=at)
    last = folded.last
    stepper = folded.stepper
    partition, program = stepper.shown(folded.partition, at or 0), stepper.program
    stepper.ask(partition, folded.entities, name, at or 0, last, tracer, aim or None)
    when = "before time began" if at is None else f"as of {program.calendar.stamp(at)}"
    return Explanation(
        f"why not {asked} for {scope} {key}, {when}?",
        program.revision,
        place=place_of(program, scope, name),
        event=_shown_event(program, last),
        notes=tuple(note for note in tracer.notes if note.owner == name),
        deadlines=_pending(program, folded, name),
    )


def _pending(program: Program, folded: Folded, name: str) -> tuple[Deadline, ...]:
    """The deadlines at which time alone may change what `name` decides, the next one first."""
    owned = _deadlines(program, folded.partition.scope, name)
    found = sorted((due, deadline) for deadline, due in folded.deadlines.items() if deadline.startswith(owned))
    return tuple(Deadline(program.calendar.stamp(due), deadline) for due, deadline in found)


def _deadlines(program: Program, scope: str, name: str) -> tuple[str, ...]:
    """What the names of the deadlines of an alert, a rule or a workflow begin with; an alert follows the windows it reads."""
    one = program.scopes[scope]
    if any(rule.name == name for rule in one.rules):
        return ("rules",)
    read = {depend for alert in one.alerts if alert.name == name for depend in alert.depends}
    windows = [part.removeprefix(kind) for part in read for kind in ("now:", "closed:") if part.startswith(kind)]
    return (f"workflow/{name}/", f"alert/{name}", *(f"window/{window}" for window in windows))


def _names(program: Program, scope: str) -> set[str]:
    one = program.scopes[scope]
    parts: tuple[Any, ...] = (*one.alerts, *one.rules, *one.workflows, *one.popups, *one.experiments)
    return {part.name for part in parts}


def place_of(program: Program, scope: str | None, name: str | None, pinned: str = "") -> Place | None:
    """Where the part of the pack stands that decided a record; `pinned` is the revision of a machine that is held from there."""
    if scope is None or scope not in program.scopes:
        return None
    one = program.scopes[scope]
    own = (*one.alerts, *one.rules, *one.workflows, *one.popups, *one.experiments, *one.windows, *one.opens)
    parts: tuple[Any, ...] = tuple(held for held in one.pinned if held.revision == pinned) if pinned else own
    return next((part.place for part in parts if part.name == name), None)


def _shown_event(program: Program, event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    data = msgspec.json.decode(msgspec.json.encode(event.data, enc_hook=str))
    return {
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": program.calendar.stamp(event.at) if event.at != EVER else None,
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
    return sentence if record["at"] is None else f"{record['at']}  {sentence}"
