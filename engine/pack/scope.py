"""What names mean in each part of a pack: the scopes that expressions are checked against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.cel import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Binding,
    EnumType,
    Field,
    HostFunction,
    RecordType,
    RefType,
    Scope,
    Type,
)
from engine.core.calendar import Calendar

ENVELOPE: Mapping[str, Field] = {
    "id": Field(STRING, access="attr"),
    "source": Field(STRING, access="attr"),
    "type": Field(STRING, access="attr"),
    "subject": Field(STRING, optional=True, access="attr"),
    "time": Field(TIMESTAMP, access="attr"),
    "received": Field(TIMESTAMP, access="attr"),
    "late": Field(BOOL, access="attr"),
}
"""`event` in expressions."""


@dataclass(frozen=True, slots=True)
class EventShape:
    """What is known about an event type: its data, and for each scope that it reaches whether the key is a reference.

    `keys` maps a scope to (the entity that the key refers to, or None; whether the key may be absent).
    """

    name: str
    data: RecordType
    keys: Mapping[str, tuple[str | None, bool]]
    any_scope: bool = False

    def reaches(self, scope: str) -> bool:
        """Whether events of the type are delivered to partitions of the scope."""
        return self.any_scope or scope in self.keys


@dataclass(slots=True)
class Vocabulary:
    """Everything that expressions may name, as far as it is known already; filled while the pack is compiled."""

    params: Binding
    calendar: Calendar
    entities: dict[str, RecordType] = field(default_factory=dict)
    entity_keys: dict[str, str] = field(default_factory=dict)
    events: dict[str, EventShape] = field(default_factory=dict)
    metrics: dict[str, dict[str, RecordType]] = field(default_factory=dict)
    workflows: dict[str, dict[str, RecordType]] = field(default_factory=dict)

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope that some event reaches."""
        return tuple(dict.fromkeys(scope for event in self.events.values() for scope in event.keys))

    def functions(self) -> dict[str, HostFunction]:
        """Functions of the pack's own calendar."""
        calendar = self.calendar
        return {
            "workdays_between": HostFunction((TIMESTAMP, TIMESTAMP), INT, calendar.workdays_between),
            "start_of_day": HostFunction((TIMESTAMP,), TIMESTAMP, calendar.start_of_day),
            "end_of_day": HostFunction((TIMESTAMP,), TIMESTAMP, calendar.end_of_day),
        }

    def scope(self, *parts: Mapping[str, Binding]) -> Scope:
        """A scope of these names; later ones hide earlier ones. `params` are always there."""
        bindings: dict[str, Binding] = {"params": self.params}
        for one in parts:
            bindings.update(one)
        return Scope(bindings, self.entities, self.functions())

    def key_entity(self, scope: str) -> bool:
        """Whether a key of the scope always names a known entity of that name."""
        if scope not in self.entities:
            return False
        reached = [event.keys[scope] for event in self.events.values() if scope in event.keys]
        return bool(reached) and all(entity == scope for entity, _ in reached)

    def own(self, scope: str) -> dict[str, Binding]:
        """The names of a partition: its key, and the entity that the key names."""
        found = {"key": Binding(STRING, "e.key")}
        if scope in self.entities:
            optional = not self.key_entity(scope)
            found[scope] = Binding(self.entities[scope], f"e.entity({scope!r})", optional=optional)
        return found

    def measured(self, scope: str) -> dict[str, Binding]:
        """`metrics` and `workflows` of a partition."""
        return {
            "metrics": Binding(members(f"metrics by `{scope}`", self.metrics.get(scope, {})), "e.metrics"),
            "workflows": Binding(members(f"workflows by `{scope}`", self.workflows.get(scope, {})), "e.workflows"),
        }

    def event(self, names: Iterable[str], deciding: str | None = None) -> dict[str, Binding]:
        """The names of an event that is one of these types, in a partition of the deciding scope where there is one."""
        shapes = [self.events[name] for name in names]
        found = {
            "data": Binding(merged([shape.data for shape in shapes]), "e.data"),
            "event": Binding(RecordType("event", ENVELOPE), "e.event"),
        }
        for scope in dict.fromkeys(scope for shape in shapes for scope in shape.keys):
            if scope in self.entities:
                optional = any(_may_lack(shape, scope, deciding) for shape in shapes)
                found[scope] = Binding(self.entities[scope], f"e.entity({scope!r})", optional=optional)
        return found

    def candidate(self, name: str, kind: Type) -> dict[str, Binding]:
        """Something that is bound by name while a pattern or a candidate is looked at."""
        return {name: Binding(kind, f"e.bound[{name!r}]")}


NOW: Mapping[str, Binding] = {"now": Binding(TIMESTAMP, "e.now", ticks=True)}


def _may_lack(shape: EventShape, scope: str, deciding: str | None) -> bool:
    if scope not in shape.keys:
        return True
    entity, absent = shape.keys[scope]
    return entity != scope or (absent and scope != deciding)


def members(name: str, records: Mapping[str, RecordType]) -> RecordType:
    """A record of records that are looked up by name."""
    return RecordType(name, {key: Field(record) for key, record in records.items()})


def merged(records: list[RecordType]) -> RecordType:
    """What is known of a value that is one of several records: a field that not all have, or not all require, is optional."""
    if len(records) == 1:
        return records[0]
    fields: dict[str, Field] = {}
    for name in dict.fromkeys(name for record in records for name in record.fields):
        found = [record.fields[name] for record in records if name in record.fields]
        kinds = {one.type for one in found}
        optional = len(found) < len(records) or any(one.optional for one in found)
        first = found[0] if len(kinds) == 1 else replace(found[0], type=_either(kinds))
        fields[name] = replace(first, optional=optional)
    return RecordType(
        " or ".join(record.name for record in records), fields, open=all(record.open for record in records)
    )


def _either(kinds: set[Type]) -> Type:
    if all(kind == STRING or isinstance(kind, (EnumType, RefType)) for kind in kinds):
        return STRING
    return DOUBLE if kinds == {INT, DOUBLE} else DYN
