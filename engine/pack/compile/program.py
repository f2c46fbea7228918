"""The whole pack: sections compiled in the order in which they need each other, and sorted by the scope that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.core.program import (
    Alert,
    Do,
    Experiment,
    OpenMetric,
    Popup,
    Program,
    Rule,
    ScopeProgram,
    WindowMetric,
    Workflow,
    effects_of,
)
from engine.pack import param
from engine.pack.calendars import default_calendar, read_calendars
from engine.pack.compile import circles
from engine.pack.compile.alerts import compile_alert
from engine.pack.compile.build import Build
from engine.pack.compile.cases import compile_case
from engine.pack.compile.channels import compile_channel
from engine.pack.compile.charts import declare
from engine.pack.compile.events import compile_entities, compile_events
from engine.pack.compile.experiments import compile_experiment
from engine.pack.compile.facts import infer
from engine.pack.compile.metrics import compile_metric
from engine.pack.compile.pins import Pin, compile_pins
from engine.pack.compile.popups import compile_popup, demanding
from engine.pack.compile.rules import compile_rule
from engine.pack.compile.states import compile_chart
from engine.pack.files import PackFile, revision
from engine.pack.model.vocabulary import Pack
from engine.pack.reading import Definitions
from engine.pack.scope import Vocabulary

Compiled = Mapping[str, Sequence[Any]]


def compile_program(
    definitions: Definitions, files: Sequence[PackFile], given: Mapping[str, Any], pins: Sequence[Pin] = ()
) -> Program:
    """The program of the definitions; it may be run only if the report has no error afterwards.

    `pins` are workflows of earlier revisions that instances still run on.
    """
    params = param.read_params(definitions.packs, given, definitions.report)
    calendars = read_calendars(definitions.of("calendars"))
    for extra in definitions.packs[1:]:
        first = definitions.packs[0].at.key
        extra.at.key_problem("duplicate_name", f"the pack is already named at {first}")
    pack = definitions.packs[0] if definitions.packs else None
    calendar = default_calendar(pack.model.calendar if pack else None, calendars, pack.at if pack else None)
    build = Build(definitions, Vocabulary(param.binding(params), calendar), calendars)
    entities = compile_entities(build)
    events = compile_events(build, demanding(build.section("popups")))
    compiled = {**_decisions(build), "pinned": list(compile_pins(build, pins))}
    return Program(
        name=pack.model.name if pack else "pack",
        version=pack.model.version if pack else "0",
        revision=revision(files, params),
        language=pack.model.language if pack else "zh",
        calendar=calendar,
        params=params,
        events=events,
        entities=entities,
        scopes=_scopes(build, compiled),
        channels={name: compile_channel(build, one) for name, one in build.section("channels").items()},
        calendars=calendars,
        tests=tuple(compile_case(build, one) for one in build.section("tests").values()),
        files={file.name: file.text for file in files},
        firings=pack.model.firings if pack else Pack.model_fields["firings"].default,
    )


def _decisions(build: Build) -> Compiled:
    """Names first, because parts may refer to each other; then their expressions."""
    charts = [declare(build, one) for one in build.section("workflows").values()]
    metrics = [compile_metric(build, one) for one in build.section("metrics").values()]
    facts = infer(build)
    found: dict[str, list[Any]] = {
        "metrics": metrics,
        "rules": [compile_rule(build, one, i, facts) for i, one in enumerate(build.section("rules").values())],
        "workflows": [compile_chart(chart) for chart in charts],
        "alerts": [compile_alert(build, one) for one in build.section("alerts").values()],
        "popups": [compile_popup(build, one) for one in build.section("popups").values()],
        "experiments": [compile_experiment(build, one) for one in build.section("experiments").values()],
    }
    compiled = {section: [one for one in parts if one is not None] for section, parts in found.items()}
    circles.warn(build, compiled["rules"])
    return compiled


def _scopes(build: Build, compiled: Compiled) -> dict[str, ScopeProgram]:
    names = dict.fromkeys([*build.vocabulary.scopes, *(one.scope for found in compiled.values() for one in found)])
    return {name: _scope(name, compiled) for name in names}


def _scope(name: str, compiled: Compiled) -> ScopeProgram:
    own = {section: [one for one in found if one.scope == name] for section, found in compiled.items()}
    workflows: list[Workflow] = own["workflows"]
    rules: list[Rule] = own["rules"]
    alerts: list[Alert] = own["alerts"]
    popups: list[Popup] = own["popups"]
    experiments: list[Experiment] = own["experiments"]
    ratings = [one for one in compiled["popups"] if one.source == name and one.learn and one.feedback is not None]
    return ScopeProgram(
        scope=name,
        workflows=tuple(workflows),
        windows=tuple(one for one in own["metrics"] if isinstance(one, WindowMetric)),
        opens=tuple(one for one in own["metrics"] if isinstance(one, OpenMetric)),
        alerts=tuple(alerts),
        rules=tuple(rules),
        popups=tuple(popups),
        experiments=tuple(experiments),
        ratings=tuple(ratings),
        retained=_retained([*workflows, *own["pinned"]], rules, alerts),
        pinned=tuple(own["pinned"]),
    )


def _retained(workflows: Sequence[Workflow], rules: Sequence[Rule], alerts: Sequence[Alert]) -> dict[str, int]:
    """For how long partitions remember events: for patterns that look back, and for pictures."""
    found: dict[str, int] = {}
    spans = [(one.type, one.within) for rule in rules for one in rule.patterns if one.within is not None]
    effects: list[Any] = [effect for rule in rules for effect in rule.then]
    for alert in alerts:
        effects += [one for actions in (*alert.notify.values(), alert.retracted or ()) for one in actions]
    effects += [effect for one in workflows for state in one.states.values() for effect in effects_of(state)]
    effects += [effect for one in workflows for effect in one.begin]
    drawn = [one.attach for one in effects if isinstance(one, Do) and one.attach is not None]
    spans += [(attach.of, attach.last) for attach in drawn]
    for name, span in spans:
        found[name] = max(found.get(name, 0), span)
    return found
