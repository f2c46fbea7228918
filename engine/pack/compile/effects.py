"""What every decision may do: emitted events are checked against what is declared, actions against channels and entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.cel import STRING, RecordType, RefType, Scope, check
from engine.core.program import Do, Emit, Expression, Heatmap, Values
from engine.core.text import Template
from engine.pack import bench
from engine.pack.bench import Piece
from engine.pack.compile.build import Build
from engine.pack.compile.events import BUILTIN
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import effect as models
from engine.pack.reading import At
from engine.pack.span import micros

CANDIDATES = "candidates_from"
"""Under `with`: the entity whose present versions the worker offers to the connector, such as the names on shop signs."""


def emit(build: Build, model: models.Emit, at: At, scope: Scope, given: Sequence[Expression] = ()) -> Emit:
    """An emitted event: every required field is there, none is unknown, each value fits."""
    when = build.condition(model.when, at / "when", scope, given=given)
    known = [*given, *([when] if when is not None else [])]
    shape = None
    if model.emit in BUILTIN:
        (at / "emit").problem("reserved_name", f"`{model.emit}` is an event of the engine: packs cannot emit it")
    else:
        shape = build.event(model.emit, at / "emit")
    data = values(model.data, at / "data", scope, shape.data if shape is not None else None, known)
    if shape is not None:
        for name, field in shape.data.fields.items():
            if not field.optional and name not in model.data:
                (at / "emit").problem("missing_field", f"`{model.emit}` needs `{name}`")
    return Emit(model.emit, data, when, at.place)


def values(
    texts: Mapping[str, str], at: At, scope: Scope, record: RecordType | None, given: Sequence[Expression]
) -> Values:
    """Named values that must fit the fields of a record; an optional one whose value is absent is left out."""
    found: list[tuple[str, Expression]] = []
    for name, text in texts.items():
        field = record.fields.get(name) if record is not None else None
        if record is not None and field is None:
            hint = did_you_mean(name, record.fields)
            (at / name).key_problem("unknown_field", f"{record.name} has no field `{name}`", hint)
        optional = field is None or field.optional
        wanted = None if field is None or (optional and text.strip() == "null") else field.type
        piece = Piece(text, at / name)
        found.append((name, bench.expression(piece, scope, wanted, given=given, absent=optional, kept=True)))
    return bench.together(found)


def action(build: Build, model: models.Do, at: At, scope: Scope, deciding: str, given: Sequence[Expression] = ()) -> Do:
    """An action of a channel, for an entity where it has a recipient."""
    build.known(model.do, build.section("channels"), at / "do", "channel")
    when = build.condition(model.when, at / "when", scope, given=given)
    to, entity = (None, None) if model.to is None else _recipient(build, model.to, at / "to", scope, given)
    if CANDIDATES in model.content:
        names = build.vocabulary.entities
        build.known(str(model.content[CANDIDATES]), names, at / "with" / CANDIDATES, "entity")
    content = {key: _content(build, value, at / "with" / key, scope) for key, value in model.content.items()}
    attach = None if model.attach is None else _heatmap(build, model.attach, at / "attach", deciding)
    return Do(model.do, to, entity, content, attach, when, at.place)


def _recipient(
    build: Build, text: str, at: At, scope: Scope, given: Sequence[Expression]
) -> tuple[Expression, str | None]:
    kind = check(text, scope, deadlines=False, given=[one.checked for one in given]).type
    for entity, record in build.vocabulary.entities.items():
        if kind == record:
            text = f"{text}.{build.vocabulary.entity_keys[entity]}"
            return bench.expression(Piece(text, at), scope, STRING, given=given, absent=True), entity
    found = bench.expression(Piece(text, at), scope, given=given, absent=True)
    kind = found.checked.type
    if isinstance(kind, RefType):
        return found, kind.entity
    if not found.checked.problems:
        entities = ", ".join(f"`{name}`" for name in build.vocabulary.entities)
        at.problem("bad_recipient", f"a recipient is an entity, this is {kind}", f"give a `ref` to one of {entities}")
    return found, None


def _content(build: Build, value: Any, at: At, scope: Scope) -> Any:
    if isinstance(value, str):
        return bench.text_template(value, at, scope)
    if isinstance(value, dict) and set(value) <= {"zh", "en"} and all(isinstance(text, str) for text in value.values()):
        zh, en = (bench.text_template(value[key], at / key, scope).zh if key in value else None for key in ("zh", "en"))
        return Template(zh, en)
    if isinstance(value, dict):
        return {key: _content(build, item, at / key, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_content(build, item, at / index, scope) for index, item in enumerate(value)]
    return value


def _heatmap(build: Build, model: models.Attach, at: At, deciding: str) -> Heatmap:
    shape = build.reaching(model.heatmap, deciding, at / "heatmap")
    if shape is not None:
        for name in ("lat", "lon"):
            if name not in shape.data.fields:
                (at / "heatmap").problem("unknown_field", f"`{model.heatmap}` has no `{name}` to be drawn")
    return Heatmap(model.heatmap, micros(model.last))
