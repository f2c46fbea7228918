"""What operations watch: counters of this process, and what the store says when it is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.core.program import Program
from engine.server.intake import Receipt
from engine.store import DatabaseStore

AGE = 5.0
"""Seconds for which what the store said is told again."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Gauges:
    """The metrics of one server. `clock` gives POSIX seconds."""

    def __init__(self, program: Program, store: DatabaseStore, clock: Callable[[], float] = time.time) -> None:
        self.registry = registry = CollectorRegistry()
        self._clock = clock
        self._events = Counter(
            "rulewright_lines", "Lines that came in, by what became of them.", ["status"], registry=registry
        )
        self._rejects = Counter("rulewright_rejects", "Refused lines, by code.", ["code"], registry=registry)
        self._group = Histogram(
            "rulewright_commit_lines",
            "Lines to a commit.",
            buckets=(1, 2, 5, 10, 50, 100, 500, 1000),
            registry=registry,
        )
        self._commit = Histogram(
            "rulewright_commit_seconds", "How long a commit took.", buckets=_SECONDS, registry=registry
        )
        self._step = Histogram(
            "rulewright_step_seconds", "A step, the commit shared.", buckets=_SECONDS, registry=registry
        )
        self._requests = Counter(
            "rulewright_http_requests", "Requests, by route and status.", ["route", "status"], registry=registry
        )
        self._latency = Histogram(
            "rulewright_http_seconds", "How long requests took.", ["route"], buckets=_SECONDS, registry=registry
        )
        self._stale = Counter(
            "rulewright_popups_stale", "Pop-ups that were answered without waiting.", registry=registry
        )
        self._reloads = Counter(
            "rulewright_pack_reloads", "Packs that were activated, or not.", ["result"], registry=registry
        )
        self._success = Gauge(
            "rulewright_pack_reload_success", "Whether the last activation succeeded.", registry=registry
        )
        self._pack = Gauge(
            "rulewright_pack_info", "The active pack.", ["pack", "version", "revision"], registry=registry
        )
        registry.register(_Asked(store, clock))
        self.activated(program)

    def activated(self, program: Program) -> None:
        """A revision is active from now on."""
        self._pack.clear()
        self._pack.labels(program.name, program.version, program.revision).set(1)
        self._reloads.labels("success").inc()
        self._success.set(1)

    def refused_pack(self) -> None:
        """A revision was not activated; the one before goes on."""
        self._reloads.labels("failure").inc()
        self._success.set(0)

    def received(self, receipts: Sequence[Receipt]) -> None:
        """Receipts were given."""
        for receipt in receipts:
            self._events.labels(receipt.status).inc()
            if receipt.status == "rejected":
                self._rejects.labels(receipt.code or "refused").inc()

    def committed(self, lines: int, seconds: float, steps: int) -> None:
        """A group was committed, and so many deliveries were stepped with it."""
        self._group.observe(lines)
        self._commit.observe(seconds)
        self.stepped(steps, seconds)

    def stepped(self, count: int, seconds: float) -> None:
        """So many deliveries were stepped."""
        if count:
            self._step.observe(seconds / count)

    def stale(self) -> None:
        """A pop-up was answered from what was committed."""
        self._stale.inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus. Raises StoreError."""
        return generate_latest(self.registry)


class _Asked(Collector):
    """What only the store knows. Decisions are counted from when this process began."""

    def __init__(self, store: DatabaseStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._place = store.last_decision()
        self._decided: dict[str, int] = {}
        self._asked = 0.0
        self._said: list[Metric] = []
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: that would ask the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """What the store says, or said a moment ago."""
        with self._lock:
            if time.monotonic() - self._asked > AGE or not self._said:
                self._said, self._asked = list(self._ask()), time.monotonic()
            return list(self._said)

    def _ask(self) -> Iterable[Metric]:
        self._place, more = self._store.decided_after(self._place)
        for kind, count in more.items():
            self._decided[kind] = self._decided.get(kind, 0) + count
        decided = CounterMetricFamily("rulewright_decisions", "Decisions of all processes, by kind.", labels=["kind"])
        for kind in sorted({"error", *self._decided}):
            decided.add_metric([kind], self._decided.get(kind, 0))
        yield decided
        outbox = GaugeMetricFamily("rulewright_outbox_actions", "Actions in the outbox, by status.", labels=["status"])
        for status, count in {
            "pending": 0,
            "claimed": 0,
            "dead": 0,
            "unknown": 0,
            **self._store.actions_by_status(),
        }.items():
            outbox.add_metric([status], count)
        yield outbox
        waiting = sum(self._store.backlog().values())
        yield GaugeMetricFamily("rulewright_deliveries_waiting", "Deliveries that wait to be stepped.", waiting)
        yield GaugeMetricFamily("rulewright_lag_seconds", "Since when the oldest of them waits.", self._lag())

    def _lag(self) -> float:
        oldest = self._store.oldest_waiting()
        event = None if oldest is None else self._store.event(oldest)
        if event is None:
            return 0.0
        came = event.received_us if event.received_us is not None else event.now
        return max(self._clock() - came / 1_000_000, 0.0)
