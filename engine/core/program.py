"""What a checked pack compiles to: immutable, slotted, without YAML and without pydantic.

Times are microseconds since the Unix epoch (`int`), spans are microseconds (`int`); inside expressions they are aware
`datetime` in UTC and `timedelta`. Every part that can decide keeps its `Place`, so that an explanation can say where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import Place

if TYPE_CHECKING:
    from engine.cel import Checked
    from engine.core.aggregate import Aggregate
    from engine.core.calendar import Calendar
    from engine.core.env import Env
    from engine.core.text import Template, Text

Level = Literal["red", "yellow"]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A checked and compiled expression. `run(env)` gives the value or raises `CelError`.

    `wake(env)` gives the first instant after `now` at which the value may change by time alone; None: never, or not just now.
    Where one of `guards` does not hold, the value is None.
    """

    text: str
    place: Place
    run: Callable[[Any], Any]
    checked: Checked
    wake: Callable[[Any], datetime | None] | None = None
    guards: tuple[Checked, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Named expressions that are always computed together, in this order.

    `run(env)` gives all values by name, or raises whatever the first failure raises: ask `pairs` one by one for which one it was.
    """

    pairs: tuple[tuple[str, Expression], ...]
    run: Callable[[Any], dict[str, Any]]


class BlankError(ValueError):
    """A text that must say something says nothing: it counts as absent."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldRule:
    """One declared field of an event or an entity: how its JSON value is tested and turned into a run-time value.

    `convert(value)` returns the run-time value, or raises `ValueError` with a sentence, `BlankError` for what counts as absent;
    `ref` names the entity it must refer to, `listed` the one that each item of its list must refer to.
    A value of class `exact` that is not empty fits as it is.
    """

    name: str
    optional: bool
    convert: Callable[[Any], Any] | None
    ref: str | None
    type_name: str
    exact: type | None = None
    listed: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """Required fields of which only the class counts: `values(data)` gives them all at once, of these `classes`."""

    values: Callable[[dict[str, Any]], tuple[Any, ...]]
    classes: tuple[type, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """Keys that are plain texts of the data: `values(data)` gives those of all `scopes` at once."""

    scopes: tuple[str, ...]
    values: Callable[[dict[str, Any]], tuple[Any, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class EventType:
    """A declared event: its fields, the partitions that it reaches, how late it may come, what must be unique.

    `exact` are those of its fields that can be looked at together, `rest` the others; None: there are not two of them. `direct`
    gives the keys, where all of them are required texts of the data.
    """

    name: str
    title: Text
    fields: tuple[FieldRule, ...]
    exact: Exact | None
    rest: tuple[FieldRule, ...]
    keys: Values
    direct: Direct | None
    lateness: int
    unique: tuple[tuple[str, Expression], ...]
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class EntityType:
    """A declared entity. `key` is the field that identifies it."""

    name: str
    title: Text
    key: str
    fields: tuple[FieldRule, ...]
    place: Place


# --- effects -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Emit:
    """Append an event of `type` whose data are these expressions; a field whose `when` guard is false is left out."""

    type: str
    data: Values
    when: Expression | None
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """Attach the positions of events `of` (their `data.lat`, `data.lon`) in [now − last, now] of the deciding partition."""

    of: str
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Do:
    """Ask a channel for an action. `to` gives the id of the recipient, an entity `to_entity`; None where the action has none.

    `content` maps each key of `with` to a template, a nested mapping or list of templates, or a plain number or boolean.
    """

    do: str
    to: Expression | None
    to_entity: str | None
    content: Mapping[str, Any]
    attach: Heatmap | None
    when: Expression | None
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Assert:
    """Add a fact to the partition. `keep` False: it goes when the match that supports it goes."""

    fact: str
    fields: tuple[tuple[str, Expression], ...]
    keep: bool
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Retract:
    """Remove the fact that the pattern `alias` of the rule matched."""

    alias: str
    when: Expression | None
    place: Place


Effect = Emit | Do | Assert | Retract


@dataclass(frozen=True, slots=True, eq=False)
class Assign:
    """Set the context of an instance; an absent value removes. All values are computed before any is set."""

    values: Values
    when: Expression | None
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Raise:
    """Tell the same instance something, before the next event from outside: one of its workflow's signals."""

    signal: str
    data: Values
    when: Expression | None
    place: Place


Reaction = Emit | Do | Assign | Raise
"""What a workflow does on its way."""

# --- statecharts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """A guard that refuses with a reason: `when` must hold, or the event is rejected with `code`."""

    when: Expression
    code: str
    reason: Template
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Transition:
    """One transition. `event` None: eventless. `targets` empty: it stays and neither exits nor enters.

    `roles`: who may cause it; empty: everybody.
    """

    event: str | None
    targets: tuple[str, ...]
    when: Expression | None
    roles: tuple[str, ...]
    require: tuple[Requirement, ...]
    assign: Values
    effects: tuple[Reaction, ...]
    internal: bool
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class After:
    """A deadline of a state: `span` of clock time, or of working time in `calendar`, or `until` an instant.

    `span` is an expression (duration); `when` is asked both when it is armed and when it is due.
    """

    index: int
    span: Expression | None
    calendar: Calendar | None
    until: Expression | None
    when: Expression | None
    transition: Transition


StateKind = Literal["atomic", "compound", "parallel", "final", "history", "deep_history"]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A state of a chart. `order` is its document order; `parent` None: directly below the chart's root.

    `begin` is what happens when it is entered by its `initial`, or, for a history, while that remembers nothing.
    """

    name: str
    path: str
    kind: StateKind
    parent: str | None
    order: int
    children: tuple[str, ...]
    initial: tuple[str, ...]
    begin: tuple[Reaction, ...]
    transitions: tuple[Transition, ...]
    after: tuple[After, ...]
    enter: tuple[Reaction, ...]
    exit: tuple[Reaction, ...]
    title: Text
    place: Place


def effects_of(state: State) -> Iterator[Reaction]:
    """Everything that a state can do on its way."""
    yield from (*state.enter, *state.exit, *state.begin)
    for one in (*state.transitions, *(after.transition for after in state.after)):
        yield from one.effects


@dataclass(frozen=True, slots=True, eq=False)
class Workflow:
    """A statechart with one instance a key of `scope`. `defaults` are the context values that an instance starts with.

    `parallel`: all states directly below its root are active at once. `migrate` leads from states that earlier packs had to those that
    stand for them now. `moves`: instances of earlier machines move to this one; else they stay with their own. `form` is the same
    exactly for the same machine; `revision` is the earlier one that this one is held from, empty for the pack's own.
    """

    name: str
    title: Text
    scope: str
    states: Mapping[str, State]
    parallel: bool
    initial: tuple[str, ...]
    begin: tuple[Reaction, ...]
    defaults: dict[str, Any]
    starters: frozenset[str]
    events: frozenset[str]
    migrate: Mapping[str, str]
    moves: bool
    form: str
    revision: str
    place: Place


# --- metrics -------------------------------------------------------------------------------------

AggregateKind = Literal["count", "sum", "avg", "min", "max", "distinct", "ratio", "percentile"]
WindowKind = Literal["calendar", "sliding", "tumbling", "session", "lifetime"]


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """How time is cut. `calendar`: `unit` day, workday, week or month in `calendar`; the others: `size` in microseconds.

    Windows are [start, end); a session ends `size` after its last event; `lifetime` is one window that never closes.
    """

    kind: WindowKind
    unit: Literal["day", "workday", "week", "month"] | None
    calendar: Calendar | None
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Absence:
    """The entities by which absences become known: `of` is the field that says whose it is; `from` and `until` say when."""

    entity: str
    of: str


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """The keys that have a value though nothing happened: entities of the scope for which `where` holds at a window's end.

    Windows that an `absence` covers whole are left out.
    """

    entity: str
    where: Expression | None
    absence: Absence | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WindowMetric:
    """An aggregate over windows. `of` are the event types counted; for a ratio `of` is the numerator and `den` the denominator.

    `argument` is what is summed, averaged, …; with `ratio(a, b)` it is a and `divisor` is b; `accumulates` is how.
    `keep` is how many closed windows stay.
    `publish` makes a lifetime metric readable from other scopes, also split by `owner`, so that a pop-up can leave out one's own.
    `form` is that of the state: what another form has counted means something else.
    """

    name: str
    title: Text
    scope: str
    of: frozenset[str]
    den: frozenset[str]
    where: Expression | None
    aggregate: AggregateKind
    accumulates: Aggregate
    argument: Expression | None
    divisor: Expression | None
    window: Window
    roster: Roster | None
    target: float | int | None
    lateness: int
    keep: int
    publish: bool
    owner: Expression | None
    form: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class OpenMetric:
    """Items of `start` events that wait for an `until` event with the same `per`. `form` is that of the state."""

    name: str
    title: Text
    scope: str
    start: str
    until: str
    per: Expression
    where: Expression | None
    lateness: int
    form: str
    place: Place


# --- decisions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Alert:
    """Levels in order of gravity, and what is sent when one is entered or retracted.

    `choose(env)` gives the level, or raises whatever the first failure raises: ask `levels` one by one for which one it was.
    `wake(env)` is the first instant after `now` at which time alone may change the level.
    `depends` names what its conditions read: `closed:METRIC`, `now:METRIC`, `open:METRIC`, `workflow:NAME`, `entity`, `time`.
    """

    name: str
    title: Text
    scope: str
    levels: tuple[tuple[Level, Expression], ...]
    choose: Callable[[Any], str]
    wake: Callable[[Any], datetime | None] | None
    notify: Mapping[Level, tuple[Do, ...]]
    retracted: tuple[Do, ...] | None
    hold: int
    depends: frozenset[str]
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """The line of social proof: the value of a published `metric` of the candidate; hidden below `min_n` observations."""

    metric: str
    except_own: bool
    min_n: int
    text: Template


@dataclass(frozen=True, slots=True, eq=False)
class Feedback:
    """Which event rates a candidate, what each rating is worth in [0, 1], and whether a reason must be given."""

    event: str
    values: Mapping[str, float]
    reason_required: bool


@dataclass(frozen=True, slots=True, eq=False)
class Popup:
    """A ranked recommendation from entities `source`, decided when `on` reaches a partition of `scope`.

    `rank(env, rows)` takes (key, candidate) and gives (key, candidate, how many of `match` hold) where `where` holds. It raises
    whatever the first failure raises: ask the conditions one by one for which one it was. `ratings` is the name under which what
    people said about candidates is published.
    """

    name: str
    title: Text
    scope: str
    on: str
    source: str
    where: Expression | None
    match: tuple[Expression, ...]
    rank: Callable[[Any, Iterable[tuple[str, Any]]], list[tuple[str, Any, int]]]
    reasons: tuple[Text, ...]
    learn: bool
    limit: int
    proof: Proof | None
    feedback: Feedback | None
    ratings: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """How a unit gets its arm: by the parity of the last digit of `parity_of`, or by a hash of `hash_of` and weights in (0, 1]."""

    parity_of: Expression | None
    odd: str | None
    even: str | None
    hash_of: Expression
    weights: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """Routes units (keys of `scope`) into arms when `expose_on` reaches them, from `start` on, when `eligible` holds."""

    name: str
    hypothesis: Text
    scope: str
    assign: Assignment
    eligible: Expression | None
    start: int
    expose_on: str
    place: Place


# --- rules ---------------------------------------------------------------------------------------

PatternKind = Literal["event", "fact", "entity"]
Group = Literal["none", "exists", "count", "sum", "min", "max", "avg"]


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """A condition that compares a field of the element with a number or an instant: `field op limit`."""

    field: str
    op: str
    limit: Any
    expression: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """How an element of a group leads to the matches that it concerns: their fact at `position` has in `theirs` what it has in `own`."""

    position: int
    own: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One pattern of a rule.

    `within` None on an event: the current event. `key` are equalities with earlier patterns, as pairs (field of this element,
    expression over the earlier ones): a hash join. `equals` are constants that fields of the element must have: the alpha index.
    `fields` are those of both, `constants` the values of `equals`. `tests` read this element only, `thresholds` are those of them that
    can be sorted; `where` is what remains and may read all. `alone`: the current event alone decides.

    A `group` asks about all elements that match, and binds none of them: `into` is what the number is called that a count or a
    collection of `measure` gives, `decimal` says that it is a double, and `having` must hold of it. `told`: effects or other patterns
    read that number, so that another number is another match.
    """

    kind: PatternKind
    type: str
    alias: str
    within: int | None
    equals: tuple[tuple[str, Any], ...]
    key: tuple[tuple[str, Expression], ...]
    fields: tuple[str, ...]
    constants: tuple[Any, ...]
    tests: tuple[Expression, ...]
    where: tuple[Expression, ...]
    place: Place
    group: Group | None = None
    measure: Expression | None = None
    into: str = ""
    decimal: bool = False
    having: tuple[Expression, ...] = ()
    told: bool = False
    thresholds: tuple[Threshold, ...] = ()
    alone: bool = False
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """An order in which the patterns of a rule are joined: `order` holds their places in the rule, `patterns` themselves.

    Each condition stands in the first pattern of the order at which all that it needs is known.
    """

    order: tuple[int, ...]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A forward-chaining rule. `order` is its place in the pack: the tie-break after `priority` (greater first).

    `patterns` are in the order of the pack. `plans` are better orders of joining them by the place of the pattern that comes first;
    a rule whose patterns can only be joined as they stand has none.
    `depends` names what its conditions read beside events and facts: `closed:METRIC`, `now:METRIC`, `open:METRIC`, `workflow:NAME`,
    `entity`.
    """

    name: str
    title: Text
    scope: str
    priority: int
    order: int
    patterns: tuple[Pattern, ...]
    plans: Mapping[int, Plan]
    when: tuple[Expression, ...]
    then: tuple[Effect, ...]
    depends: frozenset[str]
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """Which connector carries out a `do`, its settings (secrets unresolved), and its policy.

    `on_unknown`: what happens to an attempt whose outcome nobody knows. Spans are in seconds.
    """

    do: str
    connector: str
    settings: Mapping[str, Any]
    on_unknown: Literal["resend", "hold"]
    max_attempts: int
    backoff: float
    timeout: float
    place: Place | None


@dataclass(frozen=True, slots=True, eq=False)
class ScopeProgram:
    """Everything that is decided in the partitions of one scope.

    `ratings` are the pop-ups whose candidates are keys of this scope and learn from feedback here. `retained` maps an event type to
    the span for which partitions remember its events, for `within` patterns and heat maps. `pinned` are the machines of earlier revisions
    that instances still run on.
    """

    scope: str
    workflows: tuple[Workflow, ...]
    windows: tuple[WindowMetric, ...]
    opens: tuple[OpenMetric, ...]
    alerts: tuple[Alert, ...]
    rules: tuple[Rule, ...]
    popups: tuple[Popup, ...]
    experiments: tuple[Experiment, ...]
    ratings: tuple[Popup, ...]
    retained: Mapping[str, int]
    pinned: tuple[Workflow, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A compiled pack. `revision` is the hash of its files and params; `language` picks the texts of records (`zh` or `en`).

    `firings` is how many rules may fire for one delivery before it is called a runaway.
    `files` are the texts it was compiled from, by their name in the pack: with `params` they give this program again.
    """

    name: str
    version: str
    revision: str
    language: str
    calendar: Calendar
    params: Mapping[str, Any]
    events: Mapping[str, EventType]
    entities: Mapping[str, EntityType]
    scopes: Mapping[str, ScopeProgram]
    channels: Mapping[str, Channel]
    calendars: Mapping[str, Calendar]
    tests: tuple[PackTest, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    firings: int = 256


@dataclass(frozen=True, slots=True, eq=False)
class PackTest:
    """A test that a pack ships: what is given, what happens, what is expected. Data are plain YAML values."""

    name: str
    start: int | None
    until: int | None
    given: Mapping[str, tuple[Mapping[str, Any], ...]]
    events: tuple[Mapping[str, Any], ...]
    expect: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None


EnvFunction = Callable[["Env"], Any]
