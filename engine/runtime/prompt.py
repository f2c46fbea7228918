"""A gate that does not leave everything to others: what it appends it also steps, in the same transaction, where nobody is in the way.

That is so in a shard to which nobody has a claim and in which nothing waits: it stays so until the transaction ends. What is decided
is what others would have decided of the same log; one commit takes the place of three. A step that raises, or makes what the store
cannot keep, undoes the whole transaction: whoever asked for it leaves the steps to others then, who find out which delivery it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from engine.core.event import Event, Record, Step
from engine.core.partition import Partition
from engine.core.program import Program
from engine.runtime.crash import StepCrashedError
from engine.runtime.gate import Gate
from engine.runtime.shard import shard_of
from engine.runtime.timeline import Timer
from engine.store.batch import Batch, Key, SavedPartition
from engine.store.protocol import Shared


class PromptGate(Gate):
    """A gate that steps. Of its last transaction `stepped` says how many deliveries, and `acts` whether actions were queued.

    Not safe to share between threads.
    """

    def __init__(self, program: Program, store: Shared) -> None:
        super().__init__(program, store)
        self.stepped, self.acts = 0, False
        self._wanted: Collection[int] = ()
        self._needed: Iterable[Key] = ()
        self._free: frozenset[int] = frozenset()
        self._partitions: dict[Key, Partition] = {}
        self._dirty: dict[Key, Partition] = {}
        self._taught = False

    def promptly(
        self, work: Callable[[], None], shards: Collection[int], keys: Iterable[Key]
    ) -> tuple[list[Record], frozenset[int]]:
        """As `through`, and step what reaches `shards`, as far as they are free; `keys` are the partitions that are needed for sure.

        Raises `StepCrashedError` besides.
        """
        self._wanted, self._needed = shards, keys
        try:
            return self.through(work)
        finally:
            self._wanted, self._needed = (), ()

    def _write(self, work: Callable[[], None]) -> None:
        self.stepped, self.acts = 0, False
        if not self._wanted:
            super()._write(work)
            return

        def made(free: frozenset[int]) -> Batch:
            self._free = free
            return self._made(work)

        self.shared.append_stepped(self._wanted, made)

    def _made(self, work: Callable[[], None]) -> Batch:
        self._fetch([where for where in self._needed if shard_of(*where) in self._free])
        batch = super()._made(work)
        for (scope, key), partition in self._dirty.items():
            batch.partitions.append(SavedPartition(scope, key, partition.version, partition.seq, partition.save()))
        self.acts = bool(batch.actions)
        return batch

    def _settle(self) -> None:
        """Step, or leave to others, what was appended, and what is emitted by that."""
        while self._queue:
            event = self._queue.popleft()
            scopes = self._routes[event.type].scopes
            for scope, key in event.keys:
                if scope not in scopes:
                    continue
                shard = shard_of(scope, key)
                if shard in self._free:
                    self._step(event, scope, key)
                else:
                    self.batch.queued.append((shard, scope, key, event.seq))

    def _fired(self, timer: Timer, due: int) -> None:
        if shard_of(*timer[:2]) in self._free:
            self.batch.timers[timer] = None
        else:
            super()._fired(timer, due)

    def _step(self, event: Event, scope: str, key: str) -> None:
        if not self._taught and self.stepper.asks(event.type):
            for one in self.shared.published():
                self.entities.teach(one.entity, one.key, one.name, one.value)
            self._taught = True
        partition = self._partition(scope, key)
        try:
            step = self.stepper.step(partition, self.entities, event)
        except Exception as failure:
            raise StepCrashedError(event, scope, key, failure) from failure
        partition.seq = event.seq
        self._dirty[scope, key] = partition
        self.stepped += 1
        self._apply(event, scope, key, step)

    def _apply(self, event: Event, scope: str, key: str, step: Step) -> None:
        for record in step.records:
            if record.kind != "reject" or event.refusal is None:
                self._record(event.seq, record)
        for name, due in step.timers.items():
            self.timeline.set((scope, key, name), due)
            self.batch.timers[scope, key, name] = due
        self.batch.actions += step.actions
        for one in step.published:
            self.entities.teach(one.entity, one.key, one.name, one.value)
            self.batch.published.append(one)
        for emission in step.emitted:
            self._emit(event, scope, key, emission)

    def _partition(self, scope: str, key: str) -> Partition:
        if (scope, key) not in self._partitions:
            self._fetch([(scope, key)])
        return self._partitions[scope, key]

    def _fetch(self, wanted: Collection[Key]) -> None:
        """Have partitions at hand for this transaction: before the next one somebody else may step them."""
        found = self.shared.partitions(wanted) if wanted else {}
        for where in wanted:
            held = found.get(where)
            if held is None:
                self._partitions[where] = Partition(*where)
            else:
                self._partitions[where] = Partition.load(*where, held.version, held.seq, held.sections)

    def _forget(self) -> None:
        super()._forget()
        self._free, self._taught = frozenset(), False
        self._partitions.clear()
        self._dirty.clear()
