"""The store's twin in memory: the same behaviour, nothing written; for `run`, tests and first steps."""
# ruff: noqa: D102 - the protocol says what these methods do

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from engine.core.event import Event, Publication, Record
from engine.store.batch import (
    LINE_LIMIT,
    Activation,
    Batch,
    Delivery,
    Key,
    LoadedPartition,
    Logged,
    Parked,
    Reject,
    SavedPack,
    SavedPartition,
    StoredEntity,
)
from engine.store.memory_outbox import MemoryOutbox
from engine.store.transaction import conflict, contiguous


class MemoryStore(MemoryOutbox):
    """Store that ends with the process. It keeps the objects that it is given: they must not change afterwards."""

    durable = False

    def __init__(self) -> None:
        super().__init__()
        self._clock: int | None = None
        self._log: list[Logged] = []
        self._digests: dict[tuple[str, str], bytes] = {}
        self._uniques: dict[tuple[str, str], str] = {}
        self._partitions: dict[Key, LoadedPartition] = {}
        self._timers: dict[tuple[str, str, str], int] = {}
        self._decisions: dict[str, tuple[int, Record]] = {}
        self._rejects: dict[str, Reject] = {}
        self._entities: dict[tuple[str, str, int, int], StoredEntity] = {}
        self._published: dict[tuple[str, str, str], Publication] = {}
        self._parked: dict[Delivery, Parked] = {}
        self._packs: dict[str, SavedPack] = {}
        self._active: str | None = None
        self._activations: list[Activation] = []

    def clock(self) -> int | None:
        return self._clock

    def sequence(self) -> int:
        return len(self._log)

    def head(self) -> tuple[int, int | None]:
        return len(self._log), self._clock

    def save_pack(
        self,
        revision: str,
        name: str,
        version: str,
        files: Mapping[str, bytes],
        params: Mapping[str, Any],
        at: int,
    ) -> None:
        with self._lock:
            self.keep_pack(SavedPack(revision, name, version, dict(files), dict(params), at))
            self._active = revision

    def keep_pack(self, pack: SavedPack) -> None:
        with self._lock:
            self._packs.setdefault(pack.revision, pack)

    def active_pack(self) -> SavedPack | None:
        return self._packs.get(self._active) if self._active is not None else None

    def pack(self, revision: str) -> SavedPack | None:
        return self._packs.get(revision)

    def packs(self) -> Iterator[SavedPack]:
        with self._lock:
            return iter(sorted(self._packs.values(), key=lambda pack: pack.at))

    def activations(self, after: int = 0) -> list[Activation]:
        with self._lock:
            return [one for one in self._activations if one.seq > after]

    def last_activation(self) -> Activation | None:
        return self._activations[-1] if self._activations else None

    def identities(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        known = self._digests
        return {pair: known[pair] for pair in pairs if pair in known}

    def uniques(self, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        known = self._uniques
        return {pair: known[pair] for pair in pairs if pair in known}

    def partitions(self, keys: Iterable[Key]) -> dict[Key, LoadedPartition]:
        known = self._partitions
        return {key: known[key] for key in keys if key in known}

    def workflows(self) -> Iterator[bytes]:
        with self._lock:
            return iter([one.sections["workflows"] for one in self._partitions.values() if "workflows" in one.sections])

    def timers(self) -> Iterator[tuple[int, str, str, str]]:
        with self._lock:
            pending = sorted((due, *timer) for timer, due in self._timers.items())
        return iter(pending)

    def entities(self, after: int = -1) -> Iterator[StoredEntity]:
        with self._lock:
            return iter(sorted([put for put in self._entities.values() if put.seq > after], key=_sequence))

    def published(self) -> Iterator[Publication]:
        with self._lock:
            return iter([self._published[name] for name in sorted(self._published)])

    def settle(self) -> None:
        """Nothing is under way."""

    def commit(self, batch: Batch, *, ahead: bool = False) -> None:  # noqa: ARG002 - there is nothing to wait for
        with self._lock:
            self._check(batch)
            self._log += batch.logged
            self._digests.update({(e.event.source, e.event.id): e.digest for e in batch.logged})
            for saved in batch.partitions:
                self._save(saved)
            if batch.timers:
                self._set_timers(batch.timers)
            self._decisions.update({entry[1].id: entry for entry in batch.records})
            for action in batch.actions:
                self._enqueue(action)
            self._uniques.update({(code, value): event for code, value, event in batch.uniques})
            self._put(batch)
            for activation in batch.activated:
                self._activations.append(activation)
                self._active = activation.revision
            if batch.clock is not None:
                self._clock = batch.clock

    def event(self, seq: int) -> Event | None:
        return self._log[seq - 1].event if 0 < seq <= len(self._log) else None

    def events(
        self, after: int = 0, scope: str | None = None, key: str | None = None, limit: int | None = None
    ) -> Iterator[Event]:
        log = islice(self._log, after, len(self._log))
        found = (entry.event for entry in log if scope is None or (scope, key) in _reached(entry))
        return islice(found, limit)

    def decision(self, record: str) -> tuple[int, Record] | None:
        return self._decisions.get(record)

    def decisions(
        self,
        kind: str | None = None,
        scope: str | None = None,
        key: str | None = None,
        name: str | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Iterator[tuple[int, Record]]:
        with self._lock:
            entries = list(self._decisions.values())
        wanted = [(n, v) for n, v in (("kind", kind), ("scope", scope), ("key", key), ("name", name)) if v is not None]
        found = (
            (seq, record)
            for seq, record in entries
            if seq > after and all(getattr(record, name) == value for name, value in wanted)
        )
        return islice(found, limit)

    def rejects(self, after: int = 0) -> Iterator[Reject]:
        with self._lock:
            return iter(list(self._rejects.values())[after:])

    def reject(self, reject: str) -> Reject | None:
        return self._rejects.get(reject)

    def refused(self, reject: str) -> bool:
        return reject in self._rejects

    def park(self, delivery: Delivery, event: str, error: str) -> int:
        with self._lock:
            held = self._parked.get(delivery)
            counted = held.claims + 1 if held is not None and held.event == event else 1
            self._parked[delivery] = Parked(delivery, event, counted, error, False)
        return counted

    def parked(self) -> Iterator[Parked]:
        with self._lock:
            return iter([self._parked[delivery] for delivery in sorted(self._parked)])

    def waits(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing to give back."""

    def _check(self, batch: Batch) -> None:
        if batch.logged:
            contiguous(batch.logged, len(self._log))
            _distinct("duplicate_event", [(e.event.source, e.event.id) for e in batch.logged], self._digests)
        for saved in batch.partitions:
            found = self._partitions.get((saved.scope, saved.key))
            if saved.version != (0 if found is None else found.version):
                raise conflict("version_conflict", f"{saved.scope} {saved.key}")
        if batch.records:
            _distinct("duplicate_decision", [record.id for _, record in batch.records], self._decisions)
        if batch.clock is not None and self._clock is not None and batch.clock < self._clock:
            raise conflict("clock_conflict", str(batch.clock))
        if batch.uniques:
            _distinct("unique_taken", [(code, value) for code, value, _ in batch.uniques], self._uniques)

    def _save(self, saved: SavedPartition) -> None:
        where = (saved.scope, saved.key)
        found = self._partitions.get(where)
        if found is None:
            self._partitions[where] = LoadedPartition(1, saved.seq, dict(saved.sections))
            return
        sections = {**found.sections, **saved.sections} if saved.sections else found.sections
        self._partitions[where] = LoadedPartition(saved.version + 1, saved.seq, sections)

    def _set_timers(self, timers: Mapping[tuple[str, str, str], int | None]) -> None:
        for timer, due in timers.items():
            if due is None:
                self._timers.pop(timer, None)
            else:
                self._timers[timer] = due

    def _put(self, batch: Batch) -> None:
        for reject in batch.rejects:
            kept = msgspec.structs.replace(reject, line=reject.line[:LINE_LIMIT], seq=len(self._rejects) + 1)
            self._rejects.setdefault(reject.id, kept)
        for put in batch.entities:
            self._entities[put.entity, put.key, put.at, put.seq] = put
        for value in batch.published:
            self._published[value.entity, value.key, value.name] = value
        for action in batch.receipted:
            self._receipt(action)
        for delivery in batch.crashed:
            if delivery in self._parked:
                self._parked[delivery] = msgspec.structs.replace(self._parked[delivery], given_up=True)


def _reached(entry: Logged) -> tuple[Key, ...]:
    return entry.event.keys if entry.deliveries is None else entry.deliveries


def _sequence(put: StoredEntity) -> int:
    return put.seq


def _distinct(code: str, names: list[Any], known: Mapping[Any, Any]) -> None:
    if len(set(names)) == len(names) and known.keys().isdisjoint(names):
        return
    seen: set[Any] = set()
    for name in names:
        if name in known or name in seen:
            raise conflict(code, str(name))
        seen.add(name)
