"""One partition that events are sent to, as the benchmarks of rules need it."""

from __future__ import annotations

from typing import Any

from engine import Event
from engine.core.event import Step
from engine.core.partition import Partition
from engine.core.step import Stepper
from engine.runtime.entities import Entities

START_US = 1_772_409_600_000_000


class Stage:
    """A partition of one key of a scope, and its stepper, which may be replaced by that of another program."""

    def __init__(self, stepper: Stepper, scope: str) -> None:
        self.stepper = stepper
        self.partition = Partition(scope, "k")
        self.entities = Entities()
        self._scope = scope
        self._count = 0

    def event(self, kind: str, **data: Any) -> Event:
        """The next event, a microsecond after the one before."""
        self._count += 1
        at = START_US + self._count
        keys = ((self._scope, "k"),)
        return Event(f"e{self._count}", "bench", kind, at, {self._scope: "k", **data}, keys, at, seq=self._count)

    def send(self, kind: str, **data: Any) -> Step:
        """Step the next event."""
        return self.step(self.event(kind, **data))

    def step(self, event: Event) -> Step:
        """Step an event."""
        return self.stepper.step(self.partition, self.entities, event)
