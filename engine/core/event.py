"""Events and what a step answers: records, emitted events, actions, timers. Plain slotted values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from engine.core.calendar import to_instant


class Event(msgspec.Struct, eq=False):
    """An event in the log. `at` is its time, in microseconds since the epoch as all times here.

    `keys` are the partitions it reaches, in declared order.

    `now` is the virtual time when it was appended; `refusal` is (code, reason) when a uniqueness rule refuses it;
    `hop` counts emissions since the outside event that caused it; `late` says that its time lies before `now`.
    `roles` are those in which somebody caused it; what the engine itself appends acts in none.
    """

    id: str
    source: str
    type: str
    at: int
    data: dict[str, Any]
    keys: tuple[tuple[str, str], ...] = ()
    now: int = 0
    hop: int = 0
    cause: str | None = None
    received_us: int | None = None
    subject: str | None = None
    refusal: tuple[str, str] | None = None
    seq: int = 0
    roles: tuple[str, ...] = ()

    @property
    def late(self) -> bool:
        """Whether something later has been seen before it."""
        return self.at < self.now

    def acts_in(self, roles: tuple[str, ...]) -> bool:
        """Whether somebody caused it who has one of these roles."""
        return not roles or any(one in roles for one in self.roles)

    @property
    def time(self) -> datetime:
        """`event.time` in expressions."""
        return to_instant(self.at)

    @property
    def received(self) -> datetime:
        """When the server received it; the event's own time where no receipt is known."""
        return to_instant(self.at if self.received_us is None else self.received_us)


class Record(msgspec.Struct, eq=False):
    """One outcome. `fields` are those of its kind; `revision` is that of the program that decided it."""

    kind: str
    id: str
    at: int
    event: str | None
    scope: str | None
    key: str | None
    name: str | None
    fields: dict[str, Any]
    revision: str = ""


class Emission(msgspec.Struct, eq=False):
    """An event to append after this one. `id` is the id of the record that announced it."""

    id: str
    type: str
    data: dict[str, Any]
    time: int
    name: str


class Action(msgspec.Struct, eq=False):
    """An action to queue: the record's id and fields, and who it is about (the entity of the deciding partition)."""

    id: str
    do: str
    to: str | None
    to_entity: str | None
    scope: str
    key: str
    name: str
    content: Any
    attach: dict[str, Any] | None
    dedupe_key: str
    correction: bool
    corrects: str | None
    at: int


class Publication(msgspec.Struct, eq=False):
    """A value that a partition makes readable to others: what was learned about an entity under a name."""

    entity: str
    key: str
    name: str
    value: Any


class Step(msgspec.Struct, eq=False):
    """Everything that one delivery to one partition decided. `timers` maps a name to its due time, or None: cancelled."""

    records: list[Record] = msgspec.field(default_factory=list)
    emitted: list[Emission] = msgspec.field(default_factory=list)
    actions: list[Action] = msgspec.field(default_factory=list)
    timers: dict[str, int | None] = msgspec.field(default_factory=dict)
    published: list[Publication] = msgspec.field(default_factory=list)
