"""Pop-ups: candidates, how they are ranked, what proves them and how they are rated."""

from __future__ import annotations

from collections.abc import Mapping

from engine.cel import BOOL, DOUBLE, EnumType, Scope
from engine.core.program import Feedback, Popup, Proof
from engine.core.text import Text
from engine.pack import bench, names
from engine.pack.bench import Piece, words
from engine.pack.compile.build import Build
from engine.pack.diagnostic import did_you_mean
from engine.pack.model import Metric
from engine.pack.model import Popup as Model
from engine.pack.model import decision as models
from engine.pack.reading import At, Definition
from engine.pack.scope import NOW


def demanding(popups: Mapping[str, Definition[Model]]) -> frozenset[str]:
    """The events whose `reason` a pop-up requires."""
    asked = [one.model.feedback for one in popups.values()]
    return frozenset(one.event for one in asked if one is not None and one.reason == "required")


def compile_popup(build: Build, one: Definition[Model]) -> Popup | None:
    """A pop-up of one scope over the entities of another; None when there is no such scope."""
    model, at, vocabulary = one.model, one.at, build.vocabulary
    names.identifier(one.name, at)
    if not build.scope_name(model.by, at / "by"):
        return None
    shape = build.reaching(model.on, model.by, at / "on")
    build.known(model.source, vocabulary.entities, at / "from", "entity")
    parts = [vocabulary.own(model.by), NOW, vocabulary.measured(model.by)]
    parts += [vocabulary.event([shape.name], model.by)] if shape is not None else []
    if model.source in vocabulary.entities:
        parts.append(vocabulary.candidate(model.source, vocabulary.entities[model.source]))
    scope = vocabulary.scope(*parts)
    where = build.condition(model.where, at / "where", scope)
    given = [where] if where is not None else []
    match, reasons = [], []
    for index, item in enumerate(model.rank.match):
        spot = at / "rank" / "match" / index / "when"
        match.append(bench.expression(Piece(item.when, spot), scope, BOOL, given=given))
        reasons.append(Text(item.when, item.when) if item.why is None else words(item.why))
    if model.rank.learn and model.feedback is None:
        (at / "rank" / "learn").key_problem("bad_popup", "`learn: feedback` needs `feedback`: which event rates")
    return Popup(
        name=one.name,
        title=words(model.title, one.name),
        scope=model.by,
        on=model.on,
        source=model.source,
        where=where,
        match=tuple(match),
        rank=bench.ranking(model.source, where, match),
        reasons=tuple(reasons),
        learn=model.rank.learn is not None,
        limit=model.limit,
        proof=None if model.proof is None else _proof(build, model, model.proof, at / "proof"),
        feedback=None if model.feedback is None else _feedback(build, model, model.feedback, at / "feedback"),
        ratings=f"rating/{one.name}",
        place=at.key,
    )


def _proof(build: Build, popup: Model, model: models.Proof, at: At) -> Proof:
    published = {name: one for name, one in build.section("metrics").items() if one.model.publish}
    if build.known(model.metric, build.section("metrics"), at / "metric", "metric"):
        _check_published(popup, model, published, at)
    vocabulary = build.vocabulary
    value = vocabulary.candidate("value", DOUBLE)
    candidate = {}
    if popup.source in vocabulary.entities:
        candidate = vocabulary.candidate(popup.source, vocabulary.entities[popup.source])
    scope: Scope = vocabulary.scope(vocabulary.own(popup.by), candidate, value)
    least = build.constant(model.min_n, at / "min_n", int, "a whole number")
    text = bench.template(model.text, at / "text", scope)
    return Proof(model.metric, model.except_ is not None, least if least is not None else 0, text)


def _check_published(popup: Model, model: models.Proof, published: Mapping[str, Definition[Metric]], at: At) -> None:
    if model.metric not in published:
        hint = f"add `publish: true` to `{model.metric}`"
        (at / "metric").problem("other_scope", f"`{model.metric}` is not readable from other scopes", hint)
        return
    metric = published[model.metric].model
    if metric.by != popup.source:
        (at / "metric").problem("bad_popup", f"`{model.metric}` is not a metric by `{popup.source}`")
    if model.except_ is not None and metric.owner is None:
        (at / "except").problem("bad_popup", f"`{model.metric}` does not say whose a value is", "give it an `owner`")


def _feedback(build: Build, popup: Model, model: models.Feedback, at: At) -> Feedback:
    shape = build.reaching(model.event, popup.source, at / "event")
    if shape is not None:
        rating = shape.data.fields.get("rating")
        if rating is None or not isinstance(rating.type, EnumType):
            message = f"`{model.event}` needs a field `rating` whose alternatives are rated"
            (at / "event").problem("bad_popup", message, "declare `rating: " + " | ".join(model.values) + "`")
        else:
            for name in model.values:
                if name not in rating.type.values:
                    hint = did_you_mean(name, rating.type.values)
                    (at / "values" / name).key_problem("unknown_value", f"`rating` is never `{name}`", hint)
        if model.reason == "required" and "reason" not in shape.data.fields:
            (at / "reason").problem("bad_popup", f"`{model.event}` has no field `reason`")
    return Feedback(model.event, dict(model.values), model.reason == "required")
