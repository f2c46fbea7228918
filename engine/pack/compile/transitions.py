"""Transitions and deadlines: what makes a chart move, what it must meet, and what happens on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.cel import (
    BOOL,
    DURATION,
    TIMESTAMP,
    Scope,
)
from engine.core.program import After, Expression, Requirement, Transition
from engine.pack import bench
from engine.pack.bench import Piece
from engine.pack.compile.charts import Chart
from engine.pack.compile.effects import values
from engine.pack.compile.reactions import reactions
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import workflow as models
from engine.pack.reading import At
from engine.pack.span import is_span, parse_span

_LIKE_SPAN = re.compile(r"[\d.]+\s*[A-Za-z]+\s*\Z")


def transitions(chart: Chart, model: models.State, at: At) -> Iterator[Transition]:
    """All transitions of a state: those of its events, then the eventless ones."""
    for name, options in model.on.items():
        spot = at / "on" / name
        events = _events(chart, name, spot)
        scope = chart.scope(events)
        for index, option in enumerate(options):
            made = transition(chart, name, option, spot / index, scope)
            yield from (replace(made, event=event) for event in events)
    for index, option in enumerate(model.always):
        if option.roles:
            (at / "always" / index / "roles").key_problem("bad_roles", "nobody causes a transition without an event")
        yield transition(chart, None, option, at / "always" / index, chart.scope())


def _events(chart: Chart, name: str, spot: At) -> tuple[str, ...]:
    """The events that a key of `on` stands for; a mistake in it is reported."""
    if name.endswith("*"):
        found = chart.matching(name)
        if not found or (name != "*" and not name.endswith(".*")):
            message = f"no event that reaches `{chart.model.by}` is meant by `{name}`"
            spot.key_problem("unknown_event", message, "write `*`, or `quote.*` for all that begin so")
        return found
    if name.startswith("done."):
        state = name.removeprefix("done.")
        if state not in chart.nodes:
            spot.key_problem("unknown_state", f"there is no state `{state}`", did_you_mean(state, chart.nodes))
    elif name not in chart.signals:
        _check_event(chart, name, spot)
    return (name,)


def _check_event(chart: Chart, name: str, spot: At) -> None:
    events, by = chart.build.vocabulary.events, chart.model.by
    if name not in events:
        spot.key_problem("unknown_event", f"there is no event `{name}`", did_you_mean(name, [*events, *chart.signals]))
    elif not events[name].reaches(by):
        message = f"`{name}` does not reach partitions of `{by}`"
        spot.key_problem("other_scope", message, f"add `{by}` to its keys, or tell `{by}` by an emitted event")


def transition(
    chart: Chart, event: str | None, model: models.Transition, at: At, scope: Scope, given: Sequence[Expression] = ()
) -> Transition:
    """One transition; what its conditions guarantee is known in all that it does."""
    build = chart.build
    when = build.condition(model.when, at / "when", scope)
    given = [*given, *([when] if when is not None else [])]
    require: list[Requirement] = []
    for index, one in enumerate(model.require):
        spot = at / "require" / index
        held = bench.expression(Piece(one.when, spot / "when"), scope, BOOL, given=given)
        require.append(Requirement(held, one.code, bench.template(one.reason, spot / "reason", scope), spot.place))
        given = [*given, held]
    return Transition(
        event=event,
        targets=chart.targets(model.to, at / "to"),
        when=when,
        roles=tuple(model.roles),
        require=tuple(require),
        assign=values(model.set, at / "set", scope, chart.context, given),
        effects=reactions(chart, model.then, at / "then", scope, given),
        internal=model.internal,
        place=at.place,
    )


def after(chart: Chart, model: models.After, at: At, index: int) -> After:
    """A deadline of a state; its `when` guards its span and its effects."""
    scope, build = chart.scope(), chart.build
    when = build.condition(model.when, at / "when", scope)
    given = [when] if when is not None else []
    chosen = [
        name for name in ("for", "working", "until") if getattr(model, "span" if name == "for" else name) is not None
    ]
    if len(chosen) != 1:
        at.problem("bad_deadline", "a deadline has exactly one of `for`, `working` and `until`")
    if model.calendar is not None and model.working is None:
        (at / "in").key_problem("bad_deadline", "`in` goes with `working`")
    span = until = None
    if model.until is not None:
        until = bench.expression(Piece(model.until, at / "until"), scope, TIMESTAMP, given=given)
    elif chosen:
        text = model.span if model.span is not None else model.working
        span = _span(text or "", at / chosen[0], scope, given)
    calendar = build.calendar(model.calendar, at / "in") if model.working is not None else None
    plain = models.Transition.model_construct(to=model.to, set=model.set, then=model.then)
    moved = transition(chart, None, plain, at, scope, given)
    return After(index, span, calendar, until, when, moved)


def _span(text: str, at: At, scope: Scope, given: Sequence[Expression]) -> Expression:
    """A span that is written out, or computed."""
    if is_span(text):
        quoted = bench.expression(Piece(f"duration('{_seconds(text)}s')", at), scope, DURATION)
        return Expression(text, at.place, quoted.run, quoted.checked)
    if _LIKE_SPAN.match(text):
        at.problem("bad_duration", f"`{text}` is not a span of time such as 72h, 7d or 1h30m")
        return bench.expression(Piece("duration('0s')", at), scope, DURATION)
    return bench.expression(Piece(text, at), scope, DURATION, given=given)


def _seconds(text: str) -> str:
    return f"{parse_span(text).total_seconds():.6f}"
