"""What a workflow does on its way: events and actions, and what stays inside the instance, its context and its signals."""

from __future__ import annotations

from collections.abc import Sequence

from engine.cel import RecordType, Scope
from engine.core.program import Assign, Expression, Raise, Reaction
from engine.pack.compile.charts import Chart
from engine.pack.compile.effects import action, emit, values
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import effect as models
from engine.pack.reading import At

Model = models.Emit | models.Do | models.Assign | models.Raise


def reactions(
    chart: Chart, found: Sequence[Model], at: At, scope: Scope, given: Sequence[Expression] = ()
) -> tuple[Reaction, ...]:
    """The effects of a workflow, in their order."""
    return tuple(_reaction(chart, one, at / index, scope, given) for index, one in enumerate(found))


def _reaction(chart: Chart, model: Model, at: At, scope: Scope, given: Sequence[Expression]) -> Reaction:
    build = chart.build
    match model:
        case models.Emit():
            return emit(build, model, at, scope, given)
        case models.Do():
            return action(build, model, at, scope, chart.model.by, given)
    when = build.condition(model.when, at / "when", scope, given=given)
    known = [*given, *([when] if when is not None else [])]
    if isinstance(model, models.Assign):
        return Assign(values(model.set, at / "set", scope, chart.context, known), when, at.place)
    shape = _signal(chart, model, at)
    return Raise(model.signal, values(model.data, at / "data", scope, shape, known), when, at.place)


def _signal(chart: Chart, model: models.Raise, at: At) -> RecordType | None:
    shape = chart.signals.get(model.signal)
    if shape is None:
        hint = did_you_mean(model.signal, chart.signals) or "declare it under `signals`"
        (at / "raise").problem("unknown_signal", f"`{chart.name}` has no signal `{model.signal}`", hint)
        return None
    for name, field in shape.fields.items():
        if not field.optional and name not in model.data:
            (at / "raise").problem("missing_field", f"`{model.signal}` needs `{name}`")
    return shape
