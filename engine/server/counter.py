"""The counter: appends what several callers have submitted in one transaction, and says line by line what became of it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.core.program import Program
from engine.runtime.admission import Arrival, Door, Refusal
from engine.runtime.appender import Appender
from engine.runtime.gate import Gate
from engine.runtime.lineage import Programs
from engine.runtime.puts import take_lines
from engine.runtime.shard import shard_of
from engine.server.entrance import Entrance
from engine.server.intake import Receipt, Submission, rejected
from engine.store import DatabaseStore

Read = list[Arrival | Refusal]


class _Noting(Gate):
    """A gate that says what it refuses."""

    def __init__(self, program: Program, store: DatabaseStore) -> None:
        super().__init__(program, store)
        self.refused: dict[int, Refusal] = {}

    def refuse(self, refusal: Refusal, place: str | None = None) -> None:
        """Record a reject, and remember it by its line."""
        self.refused[id(refusal.line)] = refusal
        super().refuse(refusal, place)


class Counter(Appender):
    """Appends for one process, as an Appender does. Not safe to share between threads."""

    gate: _Noting

    def __init__(self, program: Program, store: DatabaseStore, programs: Programs | None = None) -> None:
        self._database = store
        super().__init__(program, store, programs)

    def serve(self, submissions: Sequence[Submission]) -> tuple[list[list[Receipt]], frozenset[int]]:
        """Append all of them, or nothing: their receipts, and the shards that nobody sees to yet. Raises StoreError."""
        return self._again(lambda: self._served(submissions))

    def _equip(self, program: Program) -> None:
        self.program, self.door, self._entrance = program, Door(program), Entrance(program)
        self.gate = _Noting(program, self._database)

    def _served(self, submissions: Sequence[Submission]) -> tuple[list[list[Receipt]], frozenset[int]]:
        read = [self._read(one) if one.kind == "events" else [] for one in submissions]
        arrivals = [one for lines in read for one in lines if isinstance(one, Arrival)]
        latest = max((one.event.at for one in arrivals), default=None)
        early = frozenset[int]() if latest is None else self._fire(latest - 1)
        made: list[list[Receipt]] = []

        def work() -> None:
            made.clear()
            self.gate.refused.clear()
            self.gate.ask([(one.event.source, one.event.id) for one in arrivals])
            if latest is not None:
                self.gate.expect(latest)
            made.extend(map(self._done, submissions, read))

        _, shards = self.gate.through(work)
        self.gate.refused.clear()
        return self._placed(made, read), (shards | early) - _urgent(submissions, read)

    def _read(self, submission: Submission) -> Read:
        key, received, replayed = submission.key, submission.received, submission.replayed
        return [self._entrance.read(line, key, received, replayed=replayed) for line in submission.lines]

    def _done(self, submission: Submission, read: Read) -> list[Receipt]:
        if submission.kind == "entities":
            return self._put(submission.lines)
        return [self._receipt(one) for one in read]

    def _receipt(self, one: Arrival | Refusal) -> Receipt:
        if isinstance(one, Refusal):
            self.gate.refuse(one)
            return rejected(one)
        event = one.event
        if not self.gate.take(one):
            return Receipt("duplicate", event.id)
        if not event.seq:
            return rejected(self.gate.refused[id(one.line)])
        code, reason = event.refusal or (None, None)
        return Receipt("accepted", event.id, event.seq, code, reason)

    def _put(self, lines: Sequence[bytes]) -> list[Receipt]:
        """Entities are taken together, because they may refer to each other."""
        kept: list[tuple[bytes, str | None]] = []
        for line in lines:
            refusal = self._entrance.unkept(line)
            if refusal is None:
                kept.append((line, None))
            else:
                self.gate.refuse(refusal)
        take_lines(self.gate, kept, None)
        refused = self.gate.refused
        return [rejected(refused[id(line)]) if id(line) in refused else Receipt("accepted") for line in lines]

    def _placed(self, made: list[list[Receipt]], read: list[Read]) -> list[list[Receipt]]:
        """The receipts, those of duplicates with the place of the event that was there before."""
        pairs = [
            (one.event.source, one.event.id)
            for receipts, lines in zip(made, read, strict=True)
            for receipt, one in zip(receipts, lines, strict=False)
            if receipt.status == "duplicate" and isinstance(one, Arrival)
        ]
        if not pairs:
            return made
        found = self._database.positions(pairs)

        def placed(receipt: Receipt, one: Arrival | Refusal) -> Receipt:
            if receipt.status != "duplicate" or isinstance(one, Refusal):
                return receipt
            return msgspec.structs.replace(receipt, seq=found.get((one.event.source, one.event.id)))

        return [
            [placed(*both) for both in zip(receipts, lines, strict=True)] if lines else receipts
            for receipts, lines in zip(made, read, strict=True)
        ]


def _urgent(submissions: Sequence[Submission], read: Sequence[Read]) -> frozenset[int]:
    """The shards of what is urgent."""
    urgent = (lines for one, lines in zip(submissions, read, strict=True) if one.urgent)
    arrivals = (one for lines in urgent for one in lines if isinstance(one, Arrival) and one.event.seq)
    return frozenset(shard_of(*where) for one in arrivals for where in one.event.keys)
