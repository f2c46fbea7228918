"""Tests of a pack: what they name must exist, so that a test cannot pass by a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.core.calendar import to_micros
from engine.core.program import PackTest
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.fieldtype import UnknownTypeError, parse_type
from engine.pack.model import Case, Entity, Workflow
from engine.pack.model.case import Happening
from engine.pack.reading import At, Definition
from engine.pack.span import parse_instant

LEVELS = ("red", "yellow", "green")


def compile_case(build: Build, one: Definition[Case]) -> PackTest:
    """A test whose names are all declared."""
    model, at = one.model, one.at
    given = {name: tuple(items) for name, items in model.given.items()}
    for name, items in given.items():
        _check_given(build, name, items, at / "given" / name)
    _check_references(build, given, at / "given")
    events = tuple(_event(build, event, at / "events" / index) for index, event in enumerate(model.events))
    _check_expect(build, one)
    return PackTest(
        name=one.name,
        start=_instant(model.start, at / "from"),
        until=_instant(model.until, at / "until"),
        given=given,
        events=events,
        expect=model.expect.model_dump(by_alias=True, exclude_none=True),
        place=at.key,
    )


def _instant(text: str | None, at: At) -> int | None:
    if text is None:
        return None
    try:
        return to_micros(parse_instant(text))
    except ValueError as error:
        at.problem("bad_timestamp", str(error))
        return None


def _check_given(build: Build, name: str, items: Iterable[Mapping[str, Any]], at: At) -> None:
    entities: Mapping[str, Definition[Entity]] = build.section("entities")
    if name not in entities:
        at.key_problem("unknown_entity", f"there is no entity `{name}`", did_you_mean(name, entities))
        return
    declared = entities[name].model.data
    for index, item in enumerate(items):
        for field, value in item.items():
            spot = at / index / field
            if field not in declared:
                spot.key_problem("unknown_field", f"`{name}` has no field `{field}`", did_you_mean(field, declared))
                continue
            try:
                parse_type(declared[field], entities).convert(value)
            except UnknownTypeError:
                continue
            except ValueError as error:
                spot.problem("wrong_type", f"`{field}` {error}")
        for field, kind in declared.items():
            if field not in item and not kind.strip().endswith("?"):
                (at / index).problem("missing_field", f"`{name}` needs `{field}`")


def _check_references(build: Build, given: Mapping[str, Iterable[Mapping[str, Any]]], at: At) -> None:
    """What is given may refer to what is given with it, in any order, and to nothing else."""
    entities: Mapping[str, Definition[Entity]] = build.section("entities")
    known = {
        (name, str(item.get(entities[name].model.key))) for name in given if name in entities for item in given[name]
    }
    for name in given:
        if name not in entities:
            continue
        refs = {field: _referred(kind, entities) for field, kind in entities[name].model.data.items()}
        for index, item in enumerate(given[name]):
            for field, entity in refs.items():
                lacking = [one for one in _ids(item.get(field)) if (entity, one) not in known]
                if entity is not None and lacking:
                    hint = "give it as well; the order does not matter"
                    (at / name / index / field).problem("bad_test", f"no {entity} `{lacking[0]}` is given", hint)


def _ids(value: Any) -> Iterator[str]:
    """The ids in a value of a field that refers to entities: one, or a list of them."""
    if isinstance(value, list):
        for item in value:
            yield from _ids(item)
    elif isinstance(value, str):
        yield value


def _referred(kind: str, entities: Iterable[str]) -> str | None:
    try:
        found = parse_type(kind, entities)
    except UnknownTypeError:
        return None
    return found.ref or found.listed


def _event(build: Build, event: Happening, at: At) -> dict[str, Any]:
    build.known(event.type, build.vocabulary.events, at / "type", "event")
    _instant(event.time, at / "time")
    _instant(event.received, at / "received")
    found: dict[str, Any] = {"type": event.type, "time": event.time, "data": event.data}
    optional = {"id": event.id, "source": event.source, "subject": event.subject, "receivedtime": event.received}
    acting: dict[str, Any] = {"role": event.role} if event.role else {}
    return found | acting | {name: value for name, value in optional.items() if value is not None}


def _check_expect(build: Build, one: Definition[Case]) -> None:
    expect, at = one.model.expect, one.at / "expect"
    for section, found in (
        ("alerts", expect.alerts), ("transitions", expect.transitions), ("popups", expect.popups), ("assignments", expect.assignments),
    ):  # fmt: skip
        target = {"transitions": "workflows", "assignments": "experiments"}.get(section, section)
        for name in found or ():
            if name not in build.section(target):
                hint = did_you_mean(name, build.section(target))
                (at / section / name).key_problem("bad_test", f"the pack has no `{name}` among its {target}", hint)
    _check_levels(expect.alerts or {}, at / "alerts")
    _check_states(build, expect.transitions or {}, at / "transitions")
    for index, action in enumerate(expect.actions or ()):
        build.known(action.do, build.section("channels"), at / "actions" / index / "do", "channel")
    for index, emitted in enumerate(expect.emits or ()):
        build.known(emitted.type, build.vocabulary.events, at / "emits" / index / "type", "event")


def _check_levels(alerts: Mapping[str, Mapping[str, str]], at: At) -> None:
    for name, keys in alerts.items():
        for key, level in keys.items():
            if level not in LEVELS:
                (at / name / key).problem("bad_test", f"`{level}` is not a level", did_you_mean(level, LEVELS))


def _check_states(build: Build, transitions: Mapping[str, Mapping[str, str]], at: At) -> None:
    workflows: Mapping[str, Definition[Workflow]] = build.section("workflows")
    for name, keys in transitions.items():
        record = build.vocabulary.workflows.get(workflows[name].model.by, {}).get(name) if name in workflows else None
        states = getattr(record.fields["state"].type, "values", None) if record is not None else None
        for key, state in keys.items():
            if states is not None and state not in states:
                hint = did_you_mean(state, [one for one in states if one])
                (at / name / key).problem("bad_test", f"`{name}` has no state `{state}`", hint)
