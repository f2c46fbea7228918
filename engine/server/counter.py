"""The counter: appends what several callers have submitted in one transaction, and says line by line what became of it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import msgspec

from engine.core.event import Record
from engine.core.program import Program
from engine.errors import StoreError
from engine.runtime.admission import Arrival, Door, Refusal
from engine.runtime.appender import Appender
from engine.runtime.crash import StepCrashedError
from engine.runtime.drain import UNKEPT
from engine.runtime.lineage import Programs
from engine.runtime.prompt import PromptGate
from engine.runtime.puts import take_lines
from engine.runtime.shard import SHARDS, shard_of
from engine.server.entrance import Entrance
from engine.server.intake import Receipt, Served, Submission, rejected
from engine.store import DatabaseStore
from engine.store.batch import Key

_log = logging.getLogger("rulewright.serve")

Read = list[Arrival | Refusal]


class _Noting(PromptGate):
    """A gate that says what it refuses."""

    def __init__(self, program: Program, store: DatabaseStore) -> None:
        super().__init__(program, store)
        self.refused: dict[int, Refusal] = {}

    def refuse(self, refusal: Refusal, place: str | None = None) -> None:
        """Record a reject, and remember it by its line."""
        self.refused[id(refusal.line)] = refusal
        super().refuse(refusal, place)


class Counter(Appender):
    """Appends for one process, as an Appender does. Not safe to share between threads.

    What is urgent is stepped in the same transaction where nobody else has its shards; with `every` all is. `careful`: nothing is, for the
    time being.
    """

    gate: _Noting

    def __init__(
        self, program: Program, store: DatabaseStore, programs: Programs | None = None, *, every: bool = False
    ) -> None:
        self._database = store
        self._every = every
        self.careful = False
        super().__init__(program, store, programs)
        store.found(range(SHARDS))

    def serve(self, submissions: Sequence[Submission]) -> Served:
        """Append all of them, or nothing. Raises StoreError."""
        if self.careful:
            return self._again(lambda: self._served(submissions, prompt=False))
        try:
            return self._again(lambda: self._served(submissions, prompt=True))
        except StepCrashedError as crash:
            _log.warning("%s: it is left to be stepped by itself", crash)
        except StoreError as failure:
            if failure.code != UNKEPT:
                raise
        return self._again(lambda: self._served(submissions, prompt=False))

    def _equip(self, program: Program) -> None:
        self.program, self.door, self._entrance = program, Door(program), Entrance(program)
        self.gate = _Noting(program, self._database)

    def _served(self, submissions: Sequence[Submission], *, prompt: bool) -> Served:
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

        urgent = _urgent(submissions, read)
        shards, keys = self._prompted(urgent, arrivals) if prompt else ((), ())
        records, waiting = self.gate.promptly(work, shards, keys)
        self.gate.refused.clear()
        _tell(submissions, read, records)
        waiting = (waiting | early) - {shard_of(*where) for one in urgent if one.event.seq for where in one.event.keys}
        return Served(self._placed(made, read), waiting, self.gate.stepped, self.gate.acts)

    def _prompted(self, urgent: Sequence[Arrival], arrivals: Sequence[Arrival]) -> tuple[Collection[int], set[Key]]:
        """The shards and the partitions of what is to be stepped at once."""
        keys = {where for one in (arrivals if self._every else urgent) for where in one.event.keys}
        if not keys:
            return (), keys
        return range(SHARDS) if self._every else {shard_of(*where) for where in keys}, keys

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


def _urgent(submissions: Sequence[Submission], read: Sequence[Read]) -> list[Arrival]:
    """What is urgent."""
    urgent = (lines for one, lines in zip(submissions, read, strict=True) if one.urgent)
    return [one for lines in urgent for one in lines if isinstance(one, Arrival)]


def _tell(submissions: Sequence[Submission], read: Sequence[Read], records: Sequence[Record]) -> None:
    """Tell those who wait for it what was decided."""
    popups = {record.id: record for record in records if record.kind == "popup"}
    for submission, lines in zip(submissions, read, strict=True):
        if submission.urgent and isinstance(lines[0], Arrival) and lines[0].event.seq:
            submission.event, submission.decided = lines[0].event, popups
