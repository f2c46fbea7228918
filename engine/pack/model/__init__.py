"""The shape of the language: one frozen model for each section of a file."""

from __future__ import annotations

from pydantic import Field

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
    events: dict[str, Event] = Field(default_factory=dict)
    entities: dict[str, Entity] = Field(default_factory=dict)
    calendars: dict[str, Calendar] = Field(default_factory=dict)
    workflows: dict[str, Workflow] = Field(default_factory=dict)
    metrics: dict[str, Metric] = Field(default_factory=dict)
    rules: dict[str, Rule] = Field(default_factory=dict)
    alerts: dict[str, Alert] = Field(default_factory=dict)
    popups: dict[str, Popup] = Field(default_factory=dict)
    experiments: dict[str, Experiment] = Field(default_factory=dict)
    channels: dict[str, Channel] = Field(default_factory=dict)
    tests: dict[str, Case] = Field(default_factory=dict)


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
