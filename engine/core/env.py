"""What an expression can see while one delivery is stepped. The compiled code reads these attributes, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from engine.cel import CelError
from engine.core.calendar import to_instant

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

    def learned(self, entity: str, key: str, name: str) -> Any:
        """What partitions have published about an entity under `name`, or None."""


class Env:
    """The names in scope of one step. `at` is the instant as of which entities are seen.

    `bound` holds what a rule's patterns, a pop-up's candidate or a metric's roster entity are called there.
    """

    __slots__ = (
        "_entities",
        "_now_instant",
        "at",
        "bound",
        "context",
        "data",
        "event",
        "key",
        "keys",
        "metrics",
        "now_us",
        "partition",
        "shared",
        "state",
        "workflows",
    )

    def __init__(
        self,
        shared: Shared,
        partition: Partition,
        event: Event | None,
        keys: Mapping[str, str],
        now: int,
        at: int,
    ) -> None:
        self.shared = shared
        self.partition = partition
        self.event = event
        self.data: Data = event.data if event is not None else {}
        self.keys = keys
        self.key = partition.key
        self.now_us = now
        self.at = at
        self.context: Data = {}
        self.state = ""
        self.bound: dict[str, Any] = {}
        self.metrics: Mapping[str, Any] = {}
        self.workflows: Mapping[str, Any] = {}
        self._entities: dict[str, Data | None] = {}
        self._now_instant: datetime | None = None

    @property
    def now(self) -> datetime:
        """`now` as an instant: the latest event time seen, or the due time of the timer that fired."""
        instant = self._now_instant
        if instant is None:
            instant = self._now_instant = to_instant(self.now_us)
        return instant

    def entity(self, scope: str) -> Data | None:
        """The entity that the delivery's key of `scope` names, as of the event's time; None where there is none."""
        if scope in self._entities:
            return self._entities[scope]
        key = self.keys.get(scope)
        found = self.shared.get(scope, key, self.at) if key is not None else None
        self._entities[scope] = found
        return found

    def ref(self, entity: str, key: str) -> Data:
        """The entity that a reference names; `CelError` where it is not known."""
        found = self.shared.get(entity, key, self.at)
        if found is None:
            raise CelError("unknown_reference", f"there is no {entity} {key!r}")
        return found
