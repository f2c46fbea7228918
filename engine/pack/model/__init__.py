"""The shape of the language: one frozen model for each section of a file."""

from __future__ import annotations

from engine.pack.model.base import Strict
from engine.pack.model.case import Case
from engine.pack.model.channel import Channel
from engine.pack.model.decision import Alert, Experiment, Popup
from engine.pack.model.metric import Metric
from engine.pack.model.rule import Rule
from engine.pack.model.vocabulary import Calendar, Entity, Event, Pack
from engine.pack.model.workflow import Workflow


class File(Strict):
    """One file of a pack: any of the sections."""

    pack: Pack | None = None
    events: dict[str, Event] = {}
    entities: dict[str, Entity] = {}
    calendars: dict[str, Calendar] = {}
    workflows: dict[str, Workflow] = {}
    metrics: dict[str, Metric] = {}
    rules: dict[str, Rule] = {}
    alerts: dict[str, Alert] = {}
    popups: dict[str, Popup] = {}
    experiments: dict[str, Experiment] = {}
    channels: dict[str, Channel] = {}
    tests: dict[str, Case] = {}


__all__ = [
    "Alert",
    "Calendar",
    "Case",
    "Channel",
    "Entity",
    "Event",
    "Experiment",
    "File",
    "Metric",
    "Pack",
    "Popup",
    "Rule",
    "Workflow",
]
