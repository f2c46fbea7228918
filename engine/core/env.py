"""What an expression can see while one delivery is stepped. The compiled code reads these attributes, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from engine.cel import CelError
from engine.core.calendar import to_instant
from engine.core.statechart import names_in

if TYPE_CHECKING:
    from engine.core.event import Event
    from engine.core.partition import Partition

Data = dict[str, Any]


class Shared(Protocol):
    """The entities, each as of an instant. The only thing besides its partition that a step may read."""

    def get(self, entity: str, key: str, at: int) -> Data | None:
        """The version of an entity with the greatest `at` not after the instant, or None."""

    def all(self, entity: str, at: int) -> Iterable[tuple[str, Data]]:
        """Every entity of a kind known at the instant, in the order of their keys."""

    def learned(self, entity: str, name: str) -> Mapping[str, Any]:
        """What partitions have published about entities under `name`, by the entities' keys."""


class Views(Protocol):
    """Makes what a partition holds readable by name."""

    def metrics(self, partition: Partition, now: int) -> Mapping[str, Any]:
        """The partition's metrics: name → view."""

    def workflows(self, partition: Partition) -> Mapping[str, Any]:
        """The partition's workflow instances: name → view."""


class Env:
    """The names in scope of one step. `at` is the instant as of which entities are seen.

    `bound` holds what a rule's patterns, a pop-up's candidate or a metric's roster entity are called there.
    """

    __slots__ = (
        "_entities",
        "_keys",
        "_metrics",
        "_now_instant",
        "_views",
        "_workflows",
        "at",
        "bound",
        "context",
        "data",
        "event",
        "key",
        "now_us",
        "partition",
        "shared",
        "state",
    )

    def __init__(
        self,
        shared: Shared,
        partition: Partition,
        event: Event | None,
        keys: tuple[tuple[str, str], ...],
        now: int,
        at: int,
        views: Views | None = None,
    ) -> None:
        self.shared = shared
        self.partition = partition
        self.event = event
        self.data: Data = event.data if event is not None else {}
        self._keys = keys
        self.key = partition.key
        self.now_us = now
        self.at = at
        self.context: Data = {}
        self.state = ""
        self.bound: dict[str, Any] = {}
        self._views = views
        self._metrics: Mapping[str, Any] | None = None
        self._workflows: Mapping[str, Any] | None = None
        self._entities: dict[str, Data | None] = {}
        self._now_instant: datetime | None = None

    @property
    def now(self) -> datetime:
        """`now` as an instant: the latest event time seen, or the due time of the timer that fired."""
        instant = self._now_instant
        if instant is None:
            instant = self._now_instant = to_instant(self.now_us)
        return instant

    @property
    def active(self) -> list[str]:
        """Every active state of the instance, those that contain others too."""
        return names_in(self.state)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics of the partition: name → view. Read as they stand when first asked for."""
        if self._metrics is None:
            self._metrics = {} if self._views is None else self._views.metrics(self.partition, self.now_us)
        return self._metrics

    def enter(self, partition: Partition, views: Views) -> None:
        """Look from another partition that the same event reaches: what was read of the event and of entities stays."""
        self.partition = partition
        self.key = partition.key
        self.context = {}
        self.state = ""
        self.bound.clear()
        self._views = views
        self._metrics = self._workflows = None

    def changed(self) -> None:
        """The partition has changed: what is read next is made anew."""
        self._metrics = self._workflows = None

    @property
    def workflows(self) -> Mapping[str, Any]:
        """The workflow instances of the partition: name → view."""
        if self._workflows is None:
            self._workflows = {} if self._views is None else self._views.workflows(self.partition)
        return self._workflows

    def entity(self, scope: str) -> Data | None:
        """The entity that the delivery's key of `scope` names, as of the event's time; None where there is none."""
        try:
            return self._entities[scope]
        except KeyError:
            return self._entity(scope)

    def _entity(self, scope: str) -> Data | None:
        found = None
        for name, key in self._keys:
            if name == scope:
                found = self.shared.get(scope, key, self.at)
                break
        self._entities[scope] = found
        return found

    def ref(self, entity: str, key: str) -> Data:
        """The entity that a reference names; `CelError` where it is not known."""
        found = self.shared.get(entity, key, self.at)
        if found is None:
            raise CelError("unknown_reference", f"there is no {entity} {key!r}")
        return found
