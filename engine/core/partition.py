"""The state of one key: workflow instances, windows, alert states, facts. Small, loaded and saved whole, section by section."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.calendar import to_instant
from engine.core.codec import sealed, unpack

if TYPE_CHECKING:
    from engine.core.activations import Working
    from engine.core.event import Event

SECTIONS = ("workflows", "metrics", "decisions", "memory")


def _nothing() -> dict[str, Any]:
    return NOTHING


NOTHING: dict[str, Any] = {}
"""What instances begin with, and share: their parts are replaced, never changed in place."""


class Instance(msgspec.Struct, eq=False):
    """A running statechart: its active atomic states, its context, what histories remember, and its deadlines by name.

    `machine` is the form of the workflow that it runs on.
    """

    active: tuple[str, ...] = ()
    context: dict[str, Any] = msgspec.field(default_factory=_nothing)
    history: dict[str, tuple[str, ...]] = msgspec.field(default_factory=_nothing)
    timers: dict[str, int] = msgspec.field(default_factory=_nothing)
    done: bool = False
    machine: str = ""


class WindowState(msgspec.Struct, eq=False):
    """Accumulators by window start, or the panes of a sliding window; `closed` holds the values of judged windows.

    `skipped` are closed windows that an absence covers. `due` is when the open window ends, where something waits for that. `form`
    is that of the metric that counts here, and `since` is when it began, where another one had counted before: windows that began
    earlier have no value.
    """

    open: dict[int, list[Any]] = msgspec.field(default_factory=dict)
    closed: dict[int, Any] = msgspec.field(default_factory=dict)
    owners: dict[str, list[Any]] = msgspec.field(default_factory=dict)
    due: int | None = None
    form: str = ""
    since: int | None = None
    skipped: list[int] = msgspec.field(default_factory=list)


class OpenState(msgspec.Struct, eq=False):
    """By what items are counted per: the times at which those that wait began, and the latest counterpart of each.

    `since` is the earliest of those times; `form` is that of the metric that counts here.
    """

    waiting: dict[str, list[int]] = msgspec.field(default_factory=dict)
    ended: dict[str, int] = msgspec.field(default_factory=dict)
    since: int | None = None
    form: str = ""


class Sent(msgspec.Struct, eq=False):
    """A message of an episode as it was sent, to whom and by which channel, so that it can be corrected.

    `key` is its dedupe key, `ordinal` its place among the actions of its `level`, which was entered at `since`.
    """

    key: str
    ordinal: int
    do: str
    to: str | None
    to_entity: str | None
    content: Any
    attach: dict[str, Any] | None
    level: str
    since: int


class AlertState(msgspec.Struct, eq=False):
    """The level of an alert, since when, in which episode.

    `pending` are the graver levels that have to hold first, and since when each of them, or a graver one, has been seen. `sent` is
    what was said on the way up to the level.
    """

    level: str = "green"
    since: int = 0
    episode: int = 0
    wake: int | None = None
    pending: dict[str, int] = msgspec.field(default_factory=dict)
    sent: list[Sent] = msgspec.field(default_factory=list)


class Remembered(msgspec.Struct, eq=False):
    """An event that patterns and heat maps may still look back at."""

    id: str
    source: str
    type: str
    at: int
    data: dict[str, Any]
    received_us: int | None = None
    subject: str | None = None

    @property
    def time(self) -> datetime:
        """When it happened, as expressions see it."""
        return to_instant(self.at)

    @property
    def received(self) -> datetime:
        """When the server received it; its own time where no receipt is known."""
        return to_instant(self.at if self.received_us is None else self.received_us)

    @classmethod
    def of(cls, event: Event) -> Remembered:
        """What is remembered of an event."""
        return cls(event.id, event.source, event.type, event.at, event.data, event.received_us, event.subject)


class Fact(msgspec.Struct, eq=False):
    """A fact of working memory. `supports` counts the activations it rests on; `kept` facts stay without any."""

    name: str
    fields: dict[str, Any]
    supports: int = 0
    kept: bool = False


class Activation(msgspec.Struct, eq=False):
    """A match of a rule that has fired and still holds, with the facts that rest on it.

    `groups` are what its counts and collections gave, in the order of the patterns, where another number would be another match.
    `keys` and `made` are those of the event that a rule with a current event fired for: its partitions, and the time that it was then.
    """

    rule: str
    events: list[Remembered]
    facts: list[int]
    entities: list[str]
    asserted: list[int]
    keys: tuple[tuple[str, str], ...] = ()
    made: int = 0
    groups: list[Any] = msgspec.field(default_factory=list)


class Workflows(msgspec.Struct, eq=False):
    """Section `workflows`."""

    instances: dict[str, Instance] = msgspec.field(default_factory=dict)


class Metrics(msgspec.Struct, eq=False):
    """Section `metrics`. `known` is since when the key's entity is known; `absences` are its spans, by their entity and id."""

    windows: dict[str, WindowState] = msgspec.field(default_factory=dict)
    opens: dict[str, OpenState] = msgspec.field(default_factory=dict)
    known: int | None = None
    absences: dict[str, dict[str, tuple[int, int]]] = msgspec.field(default_factory=dict)


class Decisions(msgspec.Struct, eq=False):
    """Section `decisions`: alert states, arms of experiments, and what feedback has taught.

    `ratings` are (observations, sum) by pop-up and by who rated; under the empty name, of all.
    """

    alerts: dict[str, AlertState] = msgspec.field(default_factory=dict)
    arms: dict[str, str] = msgspec.field(default_factory=dict)
    ratings: dict[str, dict[str, tuple[int, float]]] = msgspec.field(default_factory=dict)


class Memory(msgspec.Struct, eq=False):
    """Section `memory`: remembered events by type, facts by number, activations by their key.

    `revision` is that of the program whose standing rules have been looked at.
    """

    recent: dict[str, list[Remembered]] = msgspec.field(default_factory=dict)
    facts: dict[int, Fact] = msgspec.field(default_factory=dict)
    next_fact: int = 1
    activations: dict[str, Activation] = msgspec.field(default_factory=dict)
    wake: int | None = None
    revision: str = ""


_KINDS: dict[str, type[Any]] = {
    "workflows": Workflows,
    "metrics": Metrics,
    "decisions": Decisions,
    "memory": Memory,
}


class Partition:
    """One key of a scope and its sections. `version` counts commits, `seq` is the last log sequence applied.

    `working` holds the matcher's indexes of the facts: derived, made when first needed, never saved. `stepper` is the mark of whoever
    stepped it last in this process.
    """

    __slots__ = (
        "changed",
        "decisions",
        "key",
        "memory",
        "metrics",
        "scope",
        "seq",
        "stepper",
        "version",
        "workflows",
        "working",
    )

    def __init__(self, scope: str, key: str) -> None:
        self.scope = scope
        self.key = key
        self.version = 0
        self.seq = 0
        self.workflows = Workflows()
        self.metrics = Metrics()
        self.decisions = Decisions()
        self.memory = Memory()
        self.changed: set[str] = set()
        self.working: Working | None = None
        self.stepper: object = None

    @classmethod
    def load(cls, scope: str, key: str, version: int, seq: int, sections: dict[str, bytes]) -> Partition:
        """The partition that `save` wrote; a section that was never written is empty."""
        partition = cls(scope, key)
        partition.version = version
        partition.seq = seq
        for name, payload in sections.items():
            setattr(partition, name, unpack(payload, _KINDS[name]))
        return partition

    def save(self, names: tuple[str, ...] | None = None) -> dict[str, bytes]:
        """The bytes of the named sections; by default of those that changed since the last save."""
        chosen = names if names is not None else tuple(sorted(self.changed))
        return {name: sealed(getattr(self, name)) for name in chosen}

    def copy(self) -> Partition:
        """A partition that is as this one, and shares nothing with it."""
        return Partition.load(self.scope, self.key, self.version, self.seq, self.save(SECTIONS))
