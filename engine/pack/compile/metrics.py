"""Metrics: what counts, over which windows, for whom; and what expressions see of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from engine.cel import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    UNSET,
    CelSyntaxError,
    Field,
    ListType,
    Method,
    Node,
    RecordType,
    Scope,
    Type,
    parse,
)
from engine.cel.syntax import Call
from engine.core import aggregate as accumulators
from engine.core.program import AggregateKind, Expression, OpenMetric, Roster, Window, WindowMetric
from engine.pack import bench, names
from engine.pack.bench import Piece, argument, words
from engine.pack.compile.build import Build
from engine.pack.compile.form import form_of
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Metric
from engine.pack.model.metric import Cut
from engine.pack.reading import At, Definition
from engine.pack.span import micros

KEEP = 60
"""How many closed windows a partition remembers."""

_ROSTER = re.compile(r"\s*([\w.]+)(?:\s+where\s+(.*))?\Z", re.DOTALL)
_NUMBERS = (INT, DOUBLE, DYN)
_ARGUMENTS: dict[str, int] = {
    "count": 0,
    "sum": 1,
    "avg": 1,
    "min": 1,
    "max": 1,
    "distinct": 1,
    "ratio": 2,
    "percentile": 2,
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a window metric computes. `type` is that of its values; `always`: it has a value even when nothing happened."""

    kind: AggregateKind
    how: accumulators.Aggregate
    argument: Expression | None
    divisor: Expression | None
    type: Type
    always: bool


def compile_metric(build: Build, one: Definition[Metric]) -> WindowMetric | OpenMetric | None:
    """A metric, its record in the vocabulary; None when it is neither of windows nor of open items."""
    model, at = one.model, one.at
    names.identifier(one.name, at)
    if not build.scope_name(model.by, at / "by"):
        return None
    if model.open is not None:
        _only(one, ("of", "value", "window", "roster", "target", "owner"), "an open metric")
        return _open(build, one)
    if model.of is None or model.window is None:
        missing = "`of` or `open`" if model.of is None else "`window`"
        at.key_problem("missing_key", f"{missing} is missing")
        return None
    return _windowed(build, one)


def _only(one: Definition[Metric], keys: Sequence[str], what: str) -> None:
    for key in keys:
        if getattr(one.model, key) is not None:
            (one.at / key).key_problem("bad_metric", f"{what} has no `{key}`", f"remove `{key}`")


def _declare(build: Build, one: Definition[Metric], record: RecordType) -> None:
    build.vocabulary.metrics.setdefault(one.model.by, {})[one.name] = record


def _open(build: Build, one: Definition[Metric]) -> OpenMetric | None:
    model, at = one.model, one.at
    assert model.open is not None
    fields = {
        "count": Field(INT, access="attr"),
        "oldest": Field(DURATION, access="attr", ages="oldest_since"),
    }
    _declare(build, one, RecordType(one.name, fields))
    start = _counted(build, model.open.start, model.by, at / "open" / "from")
    until = _counted(build, model.open.until, model.by, at / "open" / "until")
    if not (start and until):
        return None
    events = (model.open.start, model.open.until)
    scope = build.vocabulary.scope({**build.vocabulary.own(model.by), **build.vocabulary.event(events, model.by)})
    where = build.condition(model.where, at / "where", scope)
    given = [where] if where is not None else []
    per = bench.expression(Piece(model.open.per, at / "open" / "per"), scope, given=given, kept=True)
    title, form = words(model.title, one.name), form_of(build.params, *events, per, where)
    return OpenMetric(one.name, title, model.by, *events, per, where, _lateness(build), form, at.key)


def _counted(build: Build, name: str, scope: str, at: At) -> bool:
    """Whether an event is declared and reaches the metric's scope; without that the metric could never change."""
    shape = build.event(name, at)
    if shape is None:
        return False
    if not shape.reaches(scope):
        hint = f"add `{scope}: …` to the keys of `{name}`"
        at.problem(
            "dead_metric", f"`{name}` does not reach partitions of `{scope}`: the metric would never change", hint
        )
        return False
    return True


def _lateness(build: Build) -> int:
    """How far back anything may still be recorded: an emitted event is as late as its cause, whatever its own type allows."""
    spans = [one.model.lateness for one in build.section("events").values()]
    return max((micros(span) for span in spans if span is not None), default=0)


def _windowed(build: Build, one: Definition[Metric]) -> WindowMetric | None:
    model, at, vocabulary = one.model, one.at, build.vocabulary
    assert model.of is not None
    assert model.window is not None
    target = None if model.target is None else build.constant(model.target, at / "target", (int, float), "a number")
    groups = {key: names_ for key, names_ in (("num", model.of.num), ("den", model.of.den)) if names_}
    sound = [
        _counted(build, name, model.by, at / "of" / key / i)
        for key, found in groups.items()
        for i, name in enumerate(found)
    ]
    if not all(sound):
        _declare(build, one, view(one.name, DYN, DYN if target is not None else None, always=True))
        _window(build, model.window, at / "window")
        return None
    events = tuple(dict.fromkeys([*model.of.num, *model.of.den]))
    scope = vocabulary.scope({**vocabulary.own(model.by), **vocabulary.event(events, model.by)})
    where = build.condition(model.where, at / "where", scope)
    given = [where] if where is not None else []
    aggregate = _aggregate(build, one, scope, given)
    kind = None if target is None else INT if isinstance(target, int) else DOUBLE
    _declare(build, one, view(one.name, aggregate.type, kind, always=aggregate.always))
    _check_publish(one, aggregate)
    window = _window(build, model.window, at / "window")
    owner = (
        None if model.owner is None else bench.expression(Piece(model.owner, at / "owner"), scope, STRING, given=given)
    )
    counted = frozenset(model.of.num), frozenset(model.of.den)
    return WindowMetric(
        name=one.name,
        title=words(model.title, one.name),
        scope=model.by,
        of=counted[0],
        den=counted[1],
        where=where,
        aggregate=aggregate.kind,
        accumulates=aggregate.how,
        argument=aggregate.argument,
        divisor=aggregate.divisor,
        window=window,
        roster=_roster(build, one),
        target=target,
        lateness=_lateness(build),
        keep=KEEP,
        publish=model.publish,
        owner=owner,
        form=form_of(
            build.params, *counted, where, aggregate.kind, aggregate.argument, aggregate.divisor, window, owner
        ),
        place=at.key,
    )


def view(name: str, value: Type, target: Type | None, *, always: bool) -> RecordType:
    """What expressions see of a window metric."""
    fields = {"now": Field(value, optional=not always, access="attr")}
    if target is not None:
        fields["target"] = Field(target, access="attr")
    methods = {"last": Method((INT,), ListType(value)), "trend": Method((INT,), DOUBLE)}
    return RecordType(name, fields, methods, series=value)


def _aggregate(build: Build, one: Definition[Metric], scope: Scope, given: Sequence[Expression]) -> Aggregate:
    model, at = one.model, one.at / "value"
    assert model.of is not None
    if model.of.den:
        if model.value is not None:
            at.key_problem("bad_metric", "a ratio of two events has no `value`", "remove `value`, or count one event")
        return Aggregate("ratio", accumulators.AGGREGATES["ratio"], None, None, DOUBLE, always=False)
    piece = Piece(model.value if model.value is not None else "count()", at)
    call = _call(piece)
    if call is None:
        return Aggregate("count", accumulators.AGGREGATES["count"], None, None, INT, always=True)
    kind = cast(AggregateKind, call.function)
    if kind == "percentile":
        spread = _operand(call.args[0], piece, scope, DYN, given)
        return Aggregate(kind, _percentile(build, call.args[1], piece), spread, None, DOUBLE, always=False)
    wanted = None if kind == "distinct" else DYN
    found = [_operand(node, piece, scope, wanted, given) for node in call.args]
    types = [operand.checked.type for operand in found]
    value = {"count": INT, "distinct": INT, "avg": DOUBLE, "ratio": DOUBLE}.get(kind) or types[0]
    first, second = (*found, None, None)[:2]
    how = accumulators.AGGREGATES[kind]
    return Aggregate(kind, how, first, second, value, always=kind in ("count", "sum", "distinct"))


def _percentile(build: Build, node: Node, piece: Piece) -> accumulators.Aggregate:
    """Which percentile is wanted is known when the pack is loaded: a number, or a parameter."""
    inner = argument(node, piece)
    percent = bench.constant(inner, build.vocabulary.scope())
    if percent is UNSET:
        return accumulators.percentile(0.0)
    number = isinstance(percent, (int, float)) and not isinstance(percent, bool)
    if not number or not 0 <= percent <= 100:
        end = inner.offset + len(inner.text)
        piece.at.text_problem("wrong_type", f"a number from 0 to 100 is wanted here, not {percent}", inner.offset, end)
        return accumulators.percentile(0.0)
    return accumulators.percentile(float(percent))


def _operand(node: Node, piece: Piece, scope: Scope, wanted: Type | None, given: Sequence[Expression]) -> Expression:
    inner = argument(node, piece)
    found = bench.expression(inner, scope, given=given, kept=True)
    if wanted is not None and not found.checked.problems and found.checked.type not in _NUMBERS:
        end = inner.offset + len(inner.text)
        piece.at.text_problem("wrong_type", f"a number is wanted here, not {found.checked.type}", inner.offset, end)
    return found


def _call(piece: Piece) -> Call | None:
    """The aggregate that is called, with the right number of arguments; anything else is reported."""
    try:
        node = parse(piece.text)
    except CelSyntaxError as error:
        piece.at.text_problem(error.code, error.message, error.start, error.end, error.hint)
        return None
    assert set(_ARGUMENTS) == set(get_args(AggregateKind))
    if not isinstance(node, Call) or node.target is not None or node.function not in _ARGUMENTS:
        name = node.function if isinstance(node, Call) else piece.text
        hint = did_you_mean(name, _ARGUMENTS)
        piece.at.problem("unknown_function", f"`{piece.text}` is not an aggregate", hint)
        return None
    if len(node.args) != _ARGUMENTS[node.function]:
        piece.at.problem("no_overload", f"`{node.function}` takes {_ARGUMENTS[node.function]} arguments")
        return None
    return node


def _window(build: Build, cut: Cut, at: At) -> Window:
    spans = {"sliding": cut.sliding, "tumbling": cut.tumbling, "session": cut.session}
    chosen: list[str] = [name for name, span in spans.items() if span is not None]
    chosen += ["calendar"] if cut.calendar is not None else []
    chosen += ["lifetime"] if cut.lifetime else []
    if len(chosen) != 1:
        at.problem(
            "bad_metric", "a window is exactly one of `calendar`, `sliding`, `tumbling`, `session` and `lifetime`"
        )
        return Window("lifetime", None, None, 0)
    kind = cast(Literal["calendar", "sliding", "tumbling", "session", "lifetime"], chosen[0])
    if kind == "calendar":
        unit = cast(Literal["day", "week", "month"], cut.calendar)
        return Window("calendar", unit, build.calendar(cut.within, at / "in"), 0)
    if cut.within is not None:
        (at / "in").key_problem("bad_metric", "`in` goes with `calendar`")
    span = spans.get(kind)
    if span is not None and not span:
        (at / kind).problem("bad_duration", "a window is longer than nothing")
    return Window(kind, None, None, micros(span) if span is not None else 0)


def _roster(build: Build, one: Definition[Metric]) -> Roster | None:
    model, at = one.model, one.at / "roster"
    if model.roster is None:
        return None
    match = _ROSTER.match(model.roster)
    entity = match.group(1) if match else ""
    if match is None or entity not in build.vocabulary.entities or entity != model.by:
        hint = (
            f"write `{model.by} where …`" if model.by in build.vocabulary.entities else f"`{model.by}` is not an entity"
        )
        at.problem("bad_roster", f"a roster of this metric lists entities `{model.by}`", hint)
        return None
    if model.window is not None and model.window.calendar is None and model.window.tumbling is None:
        at.key_problem("bad_roster", "a roster needs windows that follow each other: `calendar` or `tumbling`")
    if match.group(2) is None:
        return Roster(entity, None)
    record = build.vocabulary.entities[entity]
    scope = build.vocabulary.scope(build.vocabulary.candidate(entity, record))
    return Roster(entity, bench.expression(Piece(match.group(2), at, match.start(2)), scope, BOOL))


def _check_publish(one: Definition[Metric], aggregate: Aggregate) -> None:
    model, at = one.model, one.at
    if not model.publish:
        if model.owner is not None:
            (at / "owner").key_problem("bad_metric", "`owner` goes with `publish: true`")
        return
    assert model.window is not None
    if not model.window.lifetime or aggregate.kind not in ("avg", "sum", "count"):
        (at / "publish").problem("bad_metric", "only avg, sum and count over `window: lifetime` can be published")
