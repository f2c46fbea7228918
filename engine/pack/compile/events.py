"""Events and entities: their fields become rules for JSON and records for expressions, their keys expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from engine.cel import DYN, STRING, EnumType, Field, RecordType, RefType
from engine.cel.syntax import path
from engine.core.program import Direct, EntityType, EventType, Exact, Expression, FieldRule
from engine.core.text import Text
from engine.errors import Place
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.fieldtype import FieldType, UnknownTypeError, anything, parse_type, said
from engine.pack.model import Entity, Event
from engine.pack.reading import At, Definition
from engine.pack.scope import EventShape
from engine.pack.span import micros

Fields = dict[str, FieldType]

_ACTION = ("action", "do", "name", "scope", "key")
BUILTIN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "timer.fired": (("name", "string"),),
    "timer.moved": (("name", "string"), ("due", "int")),
    "entity.put": (("entity", "string"), ("id", "string")),
    "action.succeeded": (*((name, "string") for name in _ACTION), ("result", "map")),
    "action.failed": (*((name, "string") for name in (*_ACTION, "code", "reason")),),
}
"""Event types of the engine itself; their keys are the partition that decided."""

_BUILTIN_PLACE = Place("engine", 1, 1)


def read_fields(types: Mapping[str, str], at: At, entities: Mapping[str, Any], *, defaults: bool = False) -> Fields:
    """The field types of `data` or of a context; one that does not read is reported, and then fits everything."""
    found: Fields = {}
    for name, text in types.items():
        names.identifier(name, at / name)
        try:
            found[name] = parse_type(text, entities, default=defaults)
        except UnknownTypeError as error:
            (at / name).problem(error.code, str(error), error.hint)
            found[name] = FieldType(DYN, text.rstrip().endswith("?"), anything, None, text)
    return found


def record(name: str, fields: Fields, *, open_: bool = False) -> RecordType:
    """The record that expressions see."""
    members = {key: Field(one.cel, optional=one.optional) for key, one in fields.items()}
    return RecordType(name, members, open=open_)


def rules(fields: Fields) -> tuple[FieldRule, ...]:
    """How JSON becomes a record."""
    return tuple(
        FieldRule(name, one.optional, one.convert, one.ref, one.name, one.exact, one.listed)
        for name, one in fields.items()
    )


def compile_entities(build: Build) -> dict[str, EntityType]:
    """Every entity; their records are in the vocabulary afterwards."""
    declared: Mapping[str, Definition[Entity]] = build.section("entities")
    found: dict[str, EntityType] = {}
    for name, one in declared.items():
        names.root(name, one.at)
        fields = read_fields(one.model.data, one.at / "data", declared)
        key = one.model.key
        if key not in fields and key not in one.model.data:
            (one.at / "key").problem(
                "unknown_field", f"the key `{key}` is not one of the fields", did_you_mean(key, fields)
            )
        elif key in fields and (fields[key].optional or not _is_text(fields[key])):
            (one.at / "data" / key).problem("wrong_type", "the key of an entity is a `string` that is always there")
        build.vocabulary.entities[name] = record(name, fields)
        build.vocabulary.entity_keys[name] = key
        found[name] = EntityType(name, words(one.model.title, name), key, rules(fields), one.at.key)
    return found


def _is_text(field: FieldType) -> bool:
    return field.cel == STRING or isinstance(field.cel, (EnumType, RefType))


def compile_events(build: Build, refusing_blank: frozenset[str]) -> dict[str, EventType]:
    """Every event; their shapes are in the vocabulary afterwards.

    `refusing_blank` are the events whose `reason` must not be blank, because a pop-up wants a reason.
    """
    declared: Mapping[str, Definition[Event]] = build.section("events")
    found = {name: _builtin(build, name, fields) for name, fields in BUILTIN.items()}
    for name, one in declared.items():
        names.event(name, one.at)
        fields = read_fields(one.model.data, one.at / "data", build.vocabulary.entities)
        if name in refusing_blank and "reason" in fields:
            fields["reason"] = replace(fields["reason"], optional=False, convert=said, exact=None)
        found[name] = _event(build, name, one, fields)
        _check_form(one, fields)
    return found


def _event(build: Build, name: str, one: Definition[Event], fields: Fields) -> EventType:
    data = record(f"data of {name}", fields, open_=True)
    build.vocabulary.events[name] = EventShape(name, data, {})
    plain = {key: value for key, value in build.vocabulary.event([name]).items() if key in ("data", "event")}
    scope = build.vocabulary.scope(plain)
    keys: list[tuple[str, Expression]] = []
    shapes: dict[str, tuple[str | None, bool]] = {}
    for target, text in one.model.keys.items():
        at = one.at / "keys" / target
        names.identifier(target, at)
        computed = bench.expression(Piece(text, at), scope, STRING, absent=True)
        kind = computed.checked.type
        shapes[target] = (kind.entity if isinstance(kind, RefType) else None, _optional(computed, data))
        keys.append((target, computed))
    build.vocabulary.events[name] = EventShape(name, data, shapes)
    unique = tuple(
        (code, bench.expression(Piece(text, one.at / "unique" / code), scope, absent=True, kept=True))
        for code, text in one.model.unique.items()
    )
    lateness = micros(one.model.lateness) if one.model.lateness is not None else 0
    title, places = words(one.model.title, name), bench.together(keys)
    direct = _direct(keys, fields)
    return EventType(name, title, *_looked_at(rules(fields)), places, direct, lateness, unique, one.at.key)


def _optional(computed: Expression, data: RecordType) -> bool:
    fields = [data.fields.get(path[1]) for path in computed.checked.reads if len(path) > 1 and path[0] == "data"]
    return any(field is None or field.optional for field in fields)


def _builtin(build: Build, name: str, declared: tuple[tuple[str, str], ...]) -> EventType:
    fields = {field: parse_type(kind, ()) for field, kind in declared}
    shape = EventShape(name, record(f"data of {name}", fields, open_=True), {}, any_scope=True)
    build.vocabulary.events[name] = shape
    return EventType(
        name, Text(name, name), *_looked_at(rules(fields)), bench.together(()), None, 0, (), _BUILTIN_PLACE
    )


def _direct(keys: Sequence[tuple[str, Expression]], fields: Fields) -> Direct | None:
    """The keys as plain readings of the data, where all of them are that and there are at least two."""
    read: dict[str, str] = {}
    for scope, expression in keys:
        names = path(expression.checked.node)
        field = fields.get(names[1]) if names is not None and len(names) == 2 and names[0] == "data" else None
        if names is None or field is None or field.optional or field.exact is not str:
            return None
        read[scope] = names[1]
    return Direct(tuple(read), itemgetter(*read.values())) if len(read) > 1 else None


def _looked_at(fields: tuple[FieldRule, ...]) -> tuple[tuple[FieldRule, ...], Exact | None, tuple[FieldRule, ...]]:
    """All fields, those that can be looked at together, and the others."""
    plain = {one.name: one.exact for one in fields if one.exact is not None and not one.optional}
    if len(plain) < 2:
        return fields, None, fields
    rest = tuple(one for one in fields if one.name not in plain)
    return fields, Exact(itemgetter(*plain), tuple(plain.values())), rest


def _check_form(one: Definition[Event], fields: Fields) -> None:
    form = one.model.form
    if form is None:
        return
    for index, name in enumerate(form.by_app):
        if name not in one.model.data:
            at = one.at / "form" / "by_app" / index
            at.problem("unknown_field", f"the event has no field `{name}`", did_you_mean(name, one.model.data))
    asked = [name for name, field in fields.items() if not field.optional and name not in form.by_app]
    if len(asked) > form.max_required:
        shown = ", ".join(f"`{name}`" for name in asked)
        message = f"the form asks for {len(asked)} required fields, allowed are {form.max_required}: {shown}"
        (one.at / "form").key_problem(
            "form_too_long",
            message,
            "make a field optional with `?`, or let the app fill it in (`by_app`)",
            severity="warning",
        )
