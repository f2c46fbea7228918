"""Experiments: arms, how units are routed, when exposure counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.cel import STRING, Scope
from engine.core.calendar import to_micros
from engine.core.program import Assignment, Experiment, Expression
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.model import Experiment as Model
from engine.pack.model import decision as models
from engine.pack.reading import At, Definition
from engine.pack.span import parse_start


def compile_experiment(build: Build, one: Definition[Model]) -> Experiment | None:
    """An experiment that routes the keys of one scope; None when there is no such scope."""
    model, at, vocabulary = one.model, one.at, build.vocabulary
    names.identifier(one.name, at)
    if not build.scope_name(model.unit, at / "unit"):
        return None
    shape = build.reaching(model.expose_on, model.unit, at / "expose_on")
    event = vocabulary.event([shape.name], model.unit) if shape is not None else {}
    scope = vocabulary.scope(vocabulary.own(model.unit), event)
    eligible = build.condition(model.eligible, at / "eligible", scope)
    return Experiment(
        name=one.name,
        hypothesis=words(model.hypothesis),
        scope=model.unit,
        assign=_assignment(model, at / "assign", scope, [eligible] if eligible is not None else []),
        eligible=eligible,
        start=_start(build, model, at / "start"),
        expose_on=model.expose_on,
        place=at.key,
    )


def _start(build: Build, model: Model, at: At) -> int:
    text = model.start
    if text.startswith("params."):
        found = build.constant(text, at, str, "a date", STRING)
        text = found if found is not None else "1970-01-01"
    try:
        return to_micros(parse_start(text, build.vocabulary.calendar.zone))
    except ValueError as error:
        at.problem("bad_timestamp", str(error))
        return 0


def _assignment(model: Model, at: At, scope: Scope, given: Sequence[Expression]) -> Assignment:
    assign = model.assign
    parity = None
    arms: list[str] = []
    if assign.parity_of is not None:
        parity = bench.expression(Piece(assign.parity_of, at / "parity_of"), scope, STRING, given=given)
        arms = [arm for arm in (assign.odd, assign.even) if arm is not None]
        if len(set(arms)) != 2:
            at.key_problem("bad_experiment", "`parity_of` needs two arms, `odd` and `even`, that differ")
    elif assign.hash is None:
        at.key_problem("bad_experiment", "`assign` needs `parity_of` with `odd` and `even`, or `hash` with `weights`")
    else:
        for name in ("odd", "even"):
            if getattr(assign, name) is not None:
                (at / name).key_problem("bad_experiment", f"`{name}` goes with `parity_of`")
    hashed = Piece("key", at) if assign.hash is None else Piece(assign.hash, at / "hash")
    return Assignment(
        parity,
        assign.odd,
        assign.even,
        bench.expression(hashed, scope, given=given, kept=True),
        _weights(assign, arms, at / "weights"),
    )


def _weights(assign: models.Assign, arms: list[str], at: At) -> tuple[tuple[str, float], ...]:
    if not assign.weights:
        if assign.hash is not None and assign.parity_of is None:
            at.key_problem("bad_experiment", "`hash` needs `weights`", "write `weights: {a: 50, b: 50}`")
        return tuple((arm, 1 / len(arms)) for arm in arms)
    total = math.fsum(assign.weights.values())
    if not any(math.isclose(total, whole, rel_tol=1e-9) for whole in (1.0, 100.0)):
        at.problem("bad_experiment", f"the weights add up to {total:g}, not to 1 or 100")
    if arms and set(arms) != set(assign.weights):
        at.problem("bad_experiment", "the weights must name the arms " + " and ".join(f"`{arm}`" for arm in arms))
    return tuple((name, weight / total) for name, weight in assign.weights.items())
