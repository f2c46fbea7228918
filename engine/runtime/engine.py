"""The engine: packs and a store behind a few verbs. What apps embed, what the commands use, what tests drive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from msgspec.structs import astuple

from connectors.protocol import Connector
from engine.actions.dispatcher import Dispatcher
from engine.core import statechart
from engine.core.calendar import to_instant
from engine.core.event import Record
from engine.core.program import Program
from engine.errors import RulewrightError, StoreError
from engine.pack import BrokenPackError, assemble
from engine.runtime.activation import kept
from engine.runtime.admission import Arrival, Refusal
from engine.runtime.beginning import earliest
from engine.runtime.examination import Examine, Source, examined, source_of
from engine.runtime.explanation import Explanation, explain, why_not
from engine.runtime.head import Head
from engine.runtime.instants import micros
from engine.runtime.keeper import Keeper
from engine.runtime.line import Line, line_of
from engine.runtime.lineage import restored
from engine.runtime.outcome import Outcome
from engine.runtime.puts import take, take_lines
from engine.runtime.receiving import receive
from engine.runtime.records import Writer
from engine.runtime.session import Session
from engine.runtime.succession import activate, follow_on, roll_back
from engine.store import open_store
from engine.store.batch import Activation
from engine.store.protocol import Store

Roles = tuple[str, ...]
"""The roles of whoever causes an event."""

BATCH = 1000
"""Events to a transaction at most."""


class Engine:
    """Runs a pack over a log. Use it as a context manager; it is safe to call from several threads.

    >>> with Engine.open(["sales"]) as engine:
    ...     engine.put("rep", {"id": "r1", "employee_no": "1003", "name": "李雷", "active": True})
    ...     outcome = engine.handle({"id": "e1", "source": "app", "type": "quote.sent", ...})
    """

    def __init__(self, program: Program, store: Store) -> None:
        self.store = store
        self._keeper = Keeper(program, store)
        self._lock = self._keeper.lock

    @classmethod
    def open(
        cls,
        packs: str | Path | Sequence[str | Path],
        store: str | Store = "memory:",
        *,
        params: Mapping[str, Any] | None = None,
    ) -> Engine:
        """Load packs (folders, or the name of a built-in pack) over a store (`memory:` or `sqlite:///path`).

        Raises `PackError` with every mistake when a pack does not check, `StoreError` when the store cannot be opened.
        """
        source = source_of(packs, params)
        program = assemble(source.files, source.params)
        opened = open_store(store) if isinstance(store, str) else store
        active = opened.active_pack() if opened.durable else None
        if active is not None and active.revision != program.revision:
            engine = cls(_readable(opened, active.revision, program), opened)
            follow_on(engine._keeper, source, program, by="open", note="")
            return engine
        if opened.durable and active is None:
            opened.save_pack(*astuple(kept(program, opened.clock() or 0)))
        latest = opened.last_activation()
        return cls(restored(opened, latest.revision, latest.pinned) if latest is not None else program, opened)

    @classmethod
    def reopen(cls, store: str | Store) -> Engine:
        """Open a store with the very pack and params that it was last written with.

        Raises `RulewrightError` `no_pack` when nothing was ever run on it.
        """
        opened = open_store(store) if isinstance(store, str) else store
        saved = opened.active_pack()
        if saved is None:
            raise RulewrightError("no_pack", "nothing was run on this store yet", hint="name the pack with --pack")
        return cls(_active(opened, saved.revision), opened)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the store. Everything that was answered is committed already."""
        self.store.close()

    @property
    def program(self) -> Program:
        """The program that decides."""
        return self._keeper.program

    @property
    def writer(self) -> Writer:
        """Makes mappings of its records."""
        return self._keeper.writer

    @property
    def now(self) -> datetime | None:
        """Virtual time: the latest event time seen, or where `advance` left it; None before the first event."""
        return None if self._session.now is None else to_instant(self._session.now)

    # --- what comes in ---------------------------------------------------------------------------

    def put(self, entity: str, data: Mapping[str, Any], at: datetime | str | None = None) -> Outcome:
        """Make an entity known, or change it, from `at` on (now; before the first event: from then on at the latest).

        An unknown kind, a field that does not fit, or a reference to what is not known gives a reject in the outcome.
        """
        instant = micros(at) if at is not None else None
        with self._lock:
            return self._guarded(lambda: take(self._session, entity, dict(data), instant))

    def handle(self, event: Line, *, role: str | Sequence[str] = ()) -> Outcome:
        """Process one event (a CloudEvents JSON object: mapping, text or bytes) until all is quiet, and commit.

        Nothing is lost and nothing is silent: what cannot be taken gives a reject record in the outcome. `role`, or several,
        are those of whoever causes the event, as the program knows them; what the event says of that itself is not believed.
        """
        return self.handle_many([event], role=role)

    def handle_many(
        self, events: Iterable[Line], places: Sequence[str] | None = None, *, role: str | Sequence[str] = ()
    ) -> Outcome:
        """Process events of one role in order, up to 1,000 to a transaction. `places` are named in rejects."""
        roles = (role,) if isinstance(role, str) else tuple(role)
        lines = [line_of(event) for event in events]
        found: list[dict[str, Any]] = []
        taken = 0
        with self._lock:
            for records, count in self.stream(lines, places, [roles] * len(lines) if roles else None):
                found.extend(map(self.writer.mapping, records))
                taken += count
        return Outcome(tuple(found), duplicate=bool(lines) and taken == 0)

    def stream(
        self,
        lines: Sequence[bytes],
        places: Sequence[str] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> Iterator[tuple[list[Record], int]]:
        """Process lines in order, up to 1,000 to a transaction: for each its raw records, and how many lines were not duplicates.

        They come when they are durable; while one transaction is made so, the next one is stepped already. `roles` are, for each
        line, those of whoever causes it.
        """
        done: tuple[list[Record], int] | None = None
        reached = 0
        try:
            for start in range(0, len(lines), BATCH):
                part = slice(start, start + BATCH)
                where = places[part] if places is not None else None
                acting = roles[part] if roles is not None else None
                more = self._processed(lines[part], where, acting, ahead=start + BATCH < len(lines))
                if done is not None:
                    yield done
                done, reached = more, self._session.seq
        except StoreError:
            if done is not None and self.store.sequence() >= reached:
                yield done
            raise
        finally:
            self._keeper.settle()
        if done is not None:
            yield done

    def process(
        self,
        lines: Sequence[bytes],
        places: Sequence[str] | None = None,
        roles: Sequence[Roles] | None = None,
    ) -> tuple[list[Record], int]:
        """One transaction of lines; answers the raw records and how many lines were not duplicates.

        `roles` are, for each line, those of whoever causes it.
        """
        return self._processed(lines, places, roles, ahead=False)

    def _processed(
        self, lines: Sequence[bytes], places: Sequence[str] | None, roles: Sequence[Roles] | None, *, ahead: bool
    ) -> tuple[list[Record], int]:
        taken = 0

        def work() -> None:
            nonlocal taken
            taken = self._take(lines, places, roles)

        with self._lock:
            return self._keeper.committed(work, ahead=ahead), taken

    def receive(self) -> Outcome:
        """Take the results of finished actions back in, as events of the engine's own that rules and workflows can wait for."""
        with self._lock:
            return self._guarded(lambda: receive(self._session, self._keeper.door))

    def dispatcher(
        self,
        connectors: Mapping[str, Connector] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        threads: int = 2,
    ) -> Dispatcher:
        """Workers in this process that carry out what is queued; `connectors` (by `do`) stand in for those of the channels.

        Start it, `notify` it after events, `drain` it, then `receive` what came of the actions.
        """
        return Dispatcher(
            self.store,
            self.program.channels,
            connectors,
            entities=self.entity,
            candidates=lambda kind: [data for _, data in self.entities(kind)],
            clock=clock,
            threads=threads,
        )

    def advance(self, now: datetime | str) -> Outcome:
        """Let time pass up to `now`: deadlines due up to and at that instant fire.

        As the first call that names an instant it starts time there, and nothing before is judged: `begin` starts it earlier.
        """
        until = micros(now)
        with self._lock:
            return self._guarded(lambda: self._session.advance(until))

    def begin(self, at: datetime | str) -> Outcome:
        """Start virtual time at `at`, where no event, `advance` or `begin` has started it: weeks that end before it are not judged."""
        instant = micros(at)
        with self._lock:

            def start() -> None:
                if self._session.now is None:
                    self._session.start(instant)

            return self._guarded(start)

    def begin_at_earliest(self) -> Outcome:
        """Start virtual time where the first entity became known: for a run without any event."""
        earliest = self._session.entities.earliest()
        return Outcome(()) if earliest is None else self.begin(to_instant(earliest))

    def earliest(self, events: Sequence[bytes], entities: Sequence[tuple[bytes, str]]) -> int | None:
        """The time, in microseconds, of the earliest of these events that will be taken once these entity lines are known."""
        with self._lock:
            return earliest(self._session, self._keeper.door, events, entities)

    def load_entities(self, lines: Iterable[tuple[bytes, str]], default_at: int | None) -> Outcome:
        """Take entity lines `{"entity", "data", "at"?}`, each with its place, in one transaction; their order does not matter."""
        listed = list(lines)
        with self._lock:
            return self._guarded(lambda: take_lines(self._session, listed, default_at))

    def inject(self, work: Callable[[Head], None]) -> list[Record]:
        """Do something else with the head of the log and commit it; answers the raw records. It may be done again on top of other work."""
        with self._lock:
            return self._keeper.committed(lambda: work(self._session))

    # --- which pack decides ----------------------------------------------------------------------

    def activate(
        self,
        packs: str | Path | Sequence[str | Path] | Source,
        *,
        params: Mapping[str, Any] | None = None,
        by: str,
        note: str = "",
        test: bool = True,
        examine: Examine = examined,
    ) -> Activation:
        """Let other packs decide every event from now on, in every process that works on the store; who did it is kept.

        They are checked, and their own tests run (unless `test` is False), before anything changes: `examine` does so, in this
        process or in another one. Raises `BrokenPackError`, `PackError` `tests_failed`, and `RulewrightError` `already_active`;
        the revision that is active goes on then.
        """
        return activate(self._keeper, source_of(packs, params), by, note, examine if test else None)

    def rollback(self, by: str, to: str | None = None, note: str = "") -> Activation:
        """Let an earlier revision decide again: the one before, or the one `to`. Its tests are not run: it has decided already.

        Raises `RulewrightError` `no_earlier_revision` and `unknown_revision`.
        """
        return roll_back(self._keeper, by, to, note)

    # --- what can be asked -----------------------------------------------------------------------

    def explain(self, decision: str) -> Explanation:
        """Why a decision was made: the place in the pack, the event, and the value of every sub-expression.

        Raises `RulewrightError` `unknown_decision` when there is no record of that id.
        """
        with self._lock:
            return explain(self.program, self.store, decision)

    def why_not(self, name: str, key: str, at: datetime | str | None = None) -> Explanation:
        """Why an alert, a rule or a workflow's transition did not happen for a key, at an instant (now).

        `name` may be `workflow/event` or `workflow/state`, such as `quote/won`: what stands in the way of that alone.
        """
        with self._lock:
            instant = micros(at) if at is not None else self._session.now
            return why_not(self.program, self.store, name, key, instant)

    def metrics(self, scope: str, key: str) -> dict[str, Any]:
        """The metrics of a key as expressions see them: name → view with `now`, `last(k)`, `count`, `oldest`, …"""
        with self._lock:
            session = self._session
            now = session.now or 0
            return session.stepper.views(session.shown(scope, key), now)

    def state(self, scope: str, key: str) -> dict[str, Any]:
        """What is decided of a key: workflow states, alert levels, arms."""
        with self._lock:
            partition = self._session.partition(scope, key)
            charts = {name: self._session.stepper.machine(partition, name) for name in partition.workflows.instances}
            return {
                "workflows": {
                    name: statechart.shown(chart, instance.active)
                    if (chart := charts[name]) is not None
                    else "+".join(instance.active)
                    for name, instance in partition.workflows.instances.items()
                },
                "context": {name: dict(one.context) for name, one in partition.workflows.instances.items()},
                "alerts": {name: state.level for name, state in partition.decisions.alerts.items()},
                "assignments": dict(partition.decisions.arms),
            }

    def entity(self, kind: str, key: str) -> dict[str, Any] | None:
        """The present version of an entity."""
        with self._lock:
            return self._session.entities.get(kind, key, self._session.now or 0)

    def entities(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """All present versions of a kind, by key."""
        with self._lock:
            return list(self._session.entities.all(kind, self._session.now or 0))

    def next_due(self) -> datetime | None:
        """When the next deadline fires; None when nothing is pending."""
        with self._lock:
            due = self._session.timeline.peek()
            return None if due is None else to_instant(due)

    # --- inside ----------------------------------------------------------------------------------

    def _take(self, lines: Sequence[bytes], places: Sequence[str] | None, roles: Sequence[Roles] | None) -> int:
        session = self._session
        arrivals = [self._keeper.door.read(line) for line in lines]
        if roles is not None:
            for arrival, acting in zip(arrivals, roles, strict=True):
                if isinstance(arrival, Arrival):
                    arrival.event.roles = acting
        if self.store.durable:
            events = [one.event for one in arrivals if isinstance(one, Arrival)]
            session.known([(event.source, event.id) for event in events])
            session.prefetch(events)
        if places is None:
            return sum([self._admit(arrival, None) for arrival in arrivals])
        return sum([self._admit(arrival, place) for arrival, place in zip(arrivals, places, strict=True)])

    def _admit(self, arrival: Arrival | Refusal, place: str | None) -> bool:
        if isinstance(arrival, Refusal):
            self._session.refuse(arrival, place)
            return True
        return self._session.take(arrival, place)

    @property
    def _session(self) -> Session:
        return self._keeper.session

    def _guarded(self, work: Callable[[], None]) -> Outcome:
        return Outcome(tuple(map(self.writer.mapping, self._keeper.committed(work))))


def _active(store: Store, revision: str) -> Program:
    """The program of the revision that is active, with the machines of earlier ones that it holds."""
    latest = store.last_activation()
    return restored(store, revision, latest.pinned if latest is not None and latest.revision == revision else ())


def _readable(store: Store, revision: str, program: Program) -> Program:
    """The program of a revision that is to be replaced; where this version of the engine cannot compile it, what replaces it."""
    try:
        return _active(store, revision)
    except BrokenPackError:
        return replace(program, revision=revision)
