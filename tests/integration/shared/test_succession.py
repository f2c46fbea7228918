"""Another pack while several processes work on one store: each event is decided by the revision that was active before it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.program import Program
from engine.errors import PackError
from engine.pack import read
from engine.runtime.appender import Appender
from engine.runtime.drain import Drain
from engine.runtime.examination import Source
from engine.runtime.lineage import Programs
from engine.runtime.members import Membership, made_ready, present
from engine.runtime.replay import live, replayed, state_hash
from engine.runtime.shard import shard_of
from engine.runtime.succession import activate, roll_back
from engine.store import DatabaseStore, open_store
from engine.store.batch import Member
from tests.integration.shared.conftest import PACK
from tests.integration.shared.test_drain import MINUTE, drained

Opened = Callable[[str, int], bytes]


def opened(task: str, minute: int, kind: str = "task.opened") -> bytes:
    time = f"2026-03-02T10:{minute:02}:00+08:00"
    return json.dumps(
        {"id": f"{task}.{minute}", "source": "app", "type": kind, "time": time, "data": {"task": task}}
    ).encode()


@pytest.fixture
def other(tmp_path: Path) -> Callable[..., Source]:
    """The pack, changed: its states and what it emits have other names."""

    def written(version: int, *changes: tuple[str, str]) -> Source:
        folder = tmp_path / f"pack{version}"
        folder.mkdir()
        text = PACK.replace('version: "1"', f'version: "{version}"')
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "pack.yaml").write_text(text, encoding="utf-8")
        return Source(read([folder]), {})

    return written


def settled(drain: Drain, store: DatabaseStore) -> None:
    while backlog := store.backlog():
        for shard in backlog:
            drained(drain, store, shard)


def states(store: DatabaseStore) -> dict[str, tuple[str, ...]]:
    keys = [("task", name) for name in ("a", "b", "c")]
    return {key: one.workflows.instances["task"].active for (_, key), one in live(store, keys).items()}


def test_what_waits_is_stepped_by_the_revision_that_was_active_at_it(
    program: Program, store: DatabaseStore, other: Callable[..., Source]
) -> None:
    one, two = Appender(program, store), Appender(program, store)
    drain = Drain(program, store, lambda: 0, MINUTE)
    one.take([opened("a", 0)])
    renamed = (
        ("done: {final", "shut: {final"),
        (": done}", ": shut}"),
        ("      open:", "      at_work:"),
        ("open}", "at_work}"),
        ("to: open,", "to: at_work,"),
    )
    made = activate(one, other(2, *renamed), "mei", "", None)
    two.take([opened("b", 1)])
    assert two.program.revision == made.revision != program.revision
    settled(drain, store)
    assert states(store) == {"a": ("open",), "b": ("at_work",)}
    told = {record.key: record.revision for _, record in store.decisions(kind="transition")}
    assert told == {"a": program.revision, "b": made.revision}
    back = roll_back(two, "li", None, "worse")
    one.take([opened("c", 2), opened("a", 3, "task.closed"), opened("b", 3, "task.closed")])
    settled(drain, store)
    assert states(store) == {"a": ("done",), "b": ("shut",), "c": ("open",)}
    assert [(one.by, one.note, one.revision) for one in store.activations()] == [
        ("mei", "", made.revision),
        ("li", "worse", back.revision),
    ]
    again = replayed(one.follow(), store)
    assert state_hash(live(store, list(again))) == state_hash(again)


def test_an_activation_between_reading_and_appending_is_seen(
    program: Program, store: DatabaseStore, other: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Appender(program, store), Appender(program, store)
    append = DatabaseStore.append
    closed = "data: {task: string}}\n  task.closed"
    waiting = [other(2, (closed, closed.replace("string", "string, who: string")))]

    def late(held: DatabaseStore, work: Any) -> None:
        if waiting:
            activate(two, waiting.pop(), "mei", "", None)
        append(held, work)

    monkeypatch.setattr(DatabaseStore, "append", late)
    taken = one.take([opened("a", 0)])
    assert [record.fields["code"] for record in taken.records] == ["missing_field"]
    assert taken.records[0].revision == two.program.revision


def test_what_an_old_program_emits_goes_by_what_the_new_one_declares(
    program: Program, store: DatabaseStore, other: Callable[..., Source]
) -> None:
    appender, drain = Appender(program, store), Drain(program, store, lambda: 0, MINUTE)
    appender.take([opened("a", 0)])
    settled(drain, store)
    appender.advance(1_772_424_000_000_000)
    gone = (
        ("  task.late: {keys: {desk: \"'front'\"}, data: {task: string}}\n", ""),
        ("        enter: [{emit: task.late, data: {task: \"context.?task.orValue('')\"}}]\n", ""),
        ("metrics:\n  late: {by: desk, of: task.late, window: {calendar: day}}\n", ""),
    )
    text = PACK[PACK.index("channels:") :]
    source = other(2, *gone, (text, ""), ("    by: task\n    context", "    by: task\n    migrate: {}\n    context"))
    activate(appender, source, "mei", "", None)
    settled(drain, store)
    (error,) = [record for _, record in store.decisions(kind="error")]
    assert (error.fields["code"], error.key) == ("unknown_type", "a")
    assert states(store) == {"a": ("late",)}


def test_two_that_activate_at_once_follow_each_other(
    program: Program, store: DatabaseStore, other: Callable[..., Source]
) -> None:
    sources = [other(number, ("for: 1h", f"for: {number}h")) for number in range(2, 6)]
    failed: list[BaseException] = []

    def run(source: Source) -> None:
        try:
            activate(Appender(program, store), source, "mei", "", None)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    made = store.activations()
    assert [one.previous for one in made] == [program.revision, *[one.revision for one in made[:-1]]]


def test_a_process_that_was_lost_is_remembered_by_those_of_its_kind_for_a_while(
    program: Program, store: DatabaseStore
) -> None:
    clock = [1000.0]

    def report(owner: str, kind: str) -> None:
        store.report(Member(owner, kind, round(clock[0] * 1e6), program.revision, "", None))

    report("a:1/serve", "serve")
    report("a:2/work", "work")
    clock[0] += 1
    member = Membership(store, Programs(store, program), "serve", lambda: clock[0])
    member.beat(program.revision)
    assert member.bereaved()  # it may have been lost just before this one began in its place
    report("a:1/serve", "serve")
    assert not member.bereaved()
    clock[0] += 2
    assert not member.bereaved()
    clock[0] += 2
    assert member.bereaved()
    clock[0] += 600
    assert not member.bereaved()
    report("a:1/serve", "serve")
    clock[0] += 60
    store.forget("a:1/serve")
    assert not member.bereaved()


def test_an_activation_waits_for_processes_and_names_the_one_that_cannot(
    program: Program, store: DatabaseStore, other: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    appender, clock = Appender(program, store), [1000.0]
    member = Membership(store, Programs(store, program), "work", lambda: clock[0])
    member.beat(program.revision)

    def beats(seconds: float) -> None:
        clock[0] += seconds
        member.beat(program.revision)

    new = load_source(other(2, ("for: 1h", "for: 2h")), store)
    made_ready(store, new, clock=lambda: clock[0], sleep=beats)
    (there,) = present(store, clock[0])
    assert (there.kind, there.revision, there.ready, there.failure) == ("work", program.revision, new.revision, None)

    worse = load_source(other(3, ("for: 1h", "for: 3h")), store)
    with monkeypatch.context() as patch:
        patch.setattr("engine.runtime.lineage.restore", _refusing)
        with pytest.raises(PackError, match=r"not_ready: .*/work cannot take it over: .*later"):
            made_ready(store, worse, clock=lambda: clock[0], sleep=beats)

    def passes(seconds: float) -> None:
        clock[0] += seconds

    with pytest.raises(PackError, match=r"not ready within 5 s: .*/work"):
        made_ready(
            store,
            load_source(other(4, ("for: 1h", "for: 4h")), store),
            clock=lambda: clock[0],
            sleep=passes,
            patience=5.0,
        )
    clock[0] += 60
    assert present(store, clock[0]) == []
    member.beat(program.revision)
    member.leave()
    assert present(store, clock[0]) == []
    assert appender.follow() is program


def load_source(source: Source, store: DatabaseStore) -> Program:
    from engine.pack import assemble
    from engine.runtime.activation import kept

    program = assemble(source.files, source.params)
    store.keep_pack(kept(program, 0))
    return program


def _refusing(*_: Any) -> None:
    from engine.errors import Place
    from engine.pack import BrokenPackError, Diagnostic

    raise BrokenPackError([Diagnostic(Place("pack.yaml", 1, 1), "unknown_key", "unknown key `later`")])


def test_what_the_store_cannot_keep_is_given_up_and_its_shard_goes_on(
    program: Program, postgres: str, other: Callable[..., Source]
) -> None:
    store = open_store(postgres)
    assert isinstance(store, DatabaseStore)
    appender, drain = Appender(program, store), Drain(program, store, lambda: 0, MINUTE)
    changes = (
        ("{desk: \"'front'\"}", "{desk: data.task}"),
        (
            "set: {task: data.task}}",
            """then: [{emit: task.late, data: {task: "data.task == 'a' ? '\\\\u0000' : data.task"}}]}""",
        ),
    )
    activate(appender, other(2, *changes), "mei", "", None)
    twin = next(f"t{i}" for i in range(10_000) if shard_of("task", f"t{i}") == shard_of("task", "a"))
    appender.take([opened("a", 0), opened(twin, 1)])
    settled(drain, store)
    assert [(one.key, one.fields["code"]) for _, one in store.decisions(kind="reject")] == [("a", "step_crashed")]
    assert live(store, [("task", twin)])["task", twin].workflows.instances["task"].active == ("open",)
    store.close()
