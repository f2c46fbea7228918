"""Alerts: levels, what they read, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.cel import BOOL, Scope
from engine.core.program import Alert, Do, Expression, Level
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.compile.depends import depends
from engine.pack.compile.effects import action
from engine.pack.model import Alert as Model
from engine.pack.model import effect as models
from engine.pack.reading import At, Definition
from engine.pack.scope import NOW
from engine.pack.span import micros

_LEVELS: tuple[Level, ...] = ("red", "yellow")


def compile_alert(build: Build, one: Definition[Model]) -> Alert | None:
    """An alert of one scope; None when there is no such scope."""
    model, at, vocabulary = one.model, one.at, build.vocabulary
    names.identifier(one.name, at)
    if not build.scope_name(model.by, at / "by"):
        return None
    scope = vocabulary.scope(vocabulary.own(model.by), NOW, vocabulary.measured(model.by))
    levels = tuple(_levels(model, at, scope))
    if not levels:
        at.key_problem("missing_key", "an alert needs `red` or `yellow`")
    given: Mapping[Level, Sequence[models.Do]] = {"red": model.notify.red, "yellow": model.notify.yellow}
    for level, found in given.items():
        if found and level not in [name for name, _ in levels]:
            (at / "notify" / level).key_problem("missing_key", f"the alert has no condition `{level}`")
    notify = {level: _actions(build, found, at / "notify" / level, scope, model.by) for level, found in given.items()}
    retracted = None
    if model.retracted is not None:
        retracted = _actions(build, model.retracted, at / "retracted", scope, model.by)
    read = frozenset(name for _, level in levels for name in depends(build, level, model.by))
    if any(level.checked.ticking for _, level in levels):
        read |= {"time"}
    hold = micros(model.hold) if model.hold is not None else 0
    return Alert(
        name=one.name,
        title=words(model.title, one.name),
        scope=model.by,
        levels=levels,
        choose=bench.choice(levels, "green"),
        wake=bench.earliest([level for _, level in levels]),
        notify=notify,
        retracted=retracted,
        hold=hold,
        depends=read,
        place=at.key,
    )


def _levels(model: Model, at: At, scope: Scope) -> Iterator[tuple[Level, Expression]]:
    for level in _LEVELS:
        text = model.red if level == "red" else model.yellow
        if text is not None:
            yield level, bench.expression(Piece(text, at / level), scope, BOOL, deadlines=True)


def _actions(build: Build, found: Sequence[models.Do], at: At, scope: Scope, by: str) -> tuple[Do, ...]:
    return tuple(action(build, one, at / index, scope, by) for index, one in enumerate(found))
