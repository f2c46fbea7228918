from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.core.event import Event, Publication
from engine.errors import StoreError
from engine.store import Batch, Reject, SavedPartition, StoredEntity, open_store


def refusal(store, batch):
    with pytest.raises(StoreError) as caught:
        store.commit(batch)
    return caught.value.code


def ids(events):
    return [event.id for event in events]


def test_an_empty_store_knows_nothing(store):
    assert store.sequence() == 0
    assert store.clock() is None
    assert store.active_pack() is None
    assert list(store.events()) == []
    assert list(store.timers()) == []
    assert list(store.entities()) == []
    assert store.next_due() is None


def test_events_come_back_in_log_order_with_everything_they_carry(store, logged):
    sent = logged(1, data={"due": datetime(2026, 3, 2, tzinfo=UTC), "span": timedelta(hours=72), "text": "好"})
    store.commit(Batch(logged=[sent, logged(2, keys=())], clock=17))

    first, second = store.events()
    assert first.data == {"due": datetime(2026, 3, 2, tzinfo=UTC), "span": timedelta(hours=72), "text": "好"}
    assert first.keys == (("rep", "r1"), ("visit", "v1"))
    assert [getattr(second, name) for name in ("id", "source", "type", "seq")] == ["e2", "app", "visit.closed", 2]
    assert store.sequence() == 2
    assert store.clock() == 17
    assert store.event(2).id == "e2"
    assert store.event(3) is None


def test_the_clock_stays_where_a_batch_does_not_move_it(store, logged):
    store.commit(Batch(clock=5))
    store.commit(Batch(logged=[logged(1)]))
    assert store.clock() == 5


def test_the_clock_never_goes_back(store, logged):
    store.commit(Batch(clock=9))
    store.commit(Batch(clock=10))
    assert refusal(store, Batch(logged=[logged(1)], clock=9)) == "clock_conflict"
    assert store.head() == (0, 10)
    store.commit(Batch(logged=[logged(1)], clock=10))
    assert store.head() == (1, 10)


def test_a_partition_reads_only_what_was_delivered_to_it(store, logged):
    other = logged(2, keys=(("rep", "r2"),))
    store.commit(Batch(logged=[logged(1), other, logged(3)]))

    assert ids(store.events(scope="rep", key="r1")) == ["e1", "e3"]
    assert ids(store.events(after=1, scope="rep", key="r1")) == ["e3"]
    assert ids(store.events(scope="rep", key="r2")) == ["e2"]
    assert ids(store.events(after=1, limit=1)) == ["e2"]


def test_an_events_deliveries_can_be_fewer_than_its_keys(store, logged):
    entry = logged(1)
    entry.deliveries = (("rep", "r1"),)
    store.commit(Batch(logged=[entry]))

    assert ids(store.events(scope="rep", key="r1")) == ["e1"]
    assert ids(store.events(scope="visit", key="v1")) == []


def test_reading_goes_on_over_many_pages(store, logged):
    store.commit(Batch(logged=[logged(seq) for seq in range(1, 2502)]))
    assert [event.seq for event in store.events()] == list(range(1, 2502))
    assert len(list(store.events(limit=1500))) == 1500
    assert len(list(store.events(limit=0))) == 0


def test_identities_tell_a_repeated_event_from_a_changed_one(store, logged):
    store.commit(Batch(logged=[logged(1), logged(2, source="pos")]))
    pairs = [("app", "e1"), ("pos", "e2"), ("app", "e2"), ("app", "e1")]
    assert store.identities(pairs) == {("app", "e1"): b"\x01" * 16, ("pos", "e2"): b"\x02" * 16}
    assert store.identities([]) == {}


def test_identities_are_found_among_thousands(store, logged):
    store.commit(Batch(logged=[logged(seq) for seq in range(1, 1203)]))
    assert len(store.identities([("app", f"e{n}") for n in range(2000)])) == 1202


def test_the_same_event_twice_is_refused(store, logged):
    store.commit(Batch(logged=[logged(1)]))
    assert refusal(store, Batch(logged=[logged(2, "e1")])) == "duplicate_event"
    assert refusal(store, Batch(logged=[logged(2), logged(3, "e2")])) == "duplicate_event"
    assert store.sequence() == 1


def test_the_log_has_no_gaps_and_no_overlaps(store, logged):
    assert refusal(store, Batch(logged=[logged(2)])) == "sequence_conflict"
    store.commit(Batch(logged=[logged(1)]))
    assert refusal(store, Batch(logged=[logged(1, "other")])) == "sequence_conflict"
    assert refusal(store, Batch(logged=[logged(2), logged(4)])) == "sequence_conflict"


def test_a_unique_value_belongs_to_the_first_event(store):
    store.commit(Batch(uniques=[("photo_reused", "abc", "e1")]))
    assert store.uniques([("photo_reused", "abc"), ("photo_reused", "def")]) == {("photo_reused", "abc"): "e1"}
    assert refusal(store, Batch(uniques=[("photo_reused", "abc", "e2")])) == "unique_taken"


def test_a_batch_that_fails_at_its_end_leaves_nothing_behind(store, logged, record, action):
    store.commit(Batch(logged=[logged(1)], uniques=[("photo", "abc", "e1")], records=[(1, record("d1"))]))
    everything = {
        "logged": [logged(2)],
        "partitions": [SavedPartition("rep", "r1", 0, 2, {"metrics": b"m"})],
        "timers": {("rep", "r1", "t"): 5},
        "actions": [action()],
        "rejects": [Reject("x", None, None, None, "bad_json", "no", b"{")],
        "entities": [StoredEntity("rep", "r1", 0, 0, {})],
        "published": [Publication("script", "s1", "learn", 1)],
        "clock": 99,
    }
    assert refusal(store, Batch(**everything, uniques=[("photo", "abc", "e2")])) == "unique_taken"
    assert refusal(store, Batch(**everything, records=[(2, record("d1"))])) == "duplicate_decision"

    assert store.sequence() == 1
    assert store.clock() is None
    assert store.partitions([("rep", "r1")]) == {}
    readers = (store.timers, store.actions, store.rejects, store.entities, store.published)
    assert [list(read()) for read in readers] == [[], [], [], [], []]


def test_rejects_are_numbered_cut_and_kept_once(store):
    long = Reject("x1", 5, "app", "e9", "too_long", "256 KiB", b"x" * 10_000)
    store.commit(Batch(rejects=[long, Reject("x2", None, None, None, "bad_json", "line 3", b"{", "events:3")]))
    store.commit(Batch(rejects=[Reject("x1", 5, "app", "e9", "too_long", "256 KiB", b"x")]))

    first, second = store.rejects()
    assert (first.seq, first.id, first.at, first.source, first.event) == (1, "x1", 5, "app", "e9")
    assert len(first.line) == 4096
    assert (second.seq, second.id, second.at, second.code, second.line) == (2, "x2", None, "bad_json", b"{")
    assert (first.place, second.place) == (None, "events:3")
    assert [reject.id for reject in store.rejects(after=1)] == ["x2"]


def test_entities_come_back_in_the_order_of_the_log(store):
    versions = [
        StoredEntity("rep", "r1", 100, 3, {"name": "later"}),
        StoredEntity("rep", "r1", 50, 0, {"name": "first", "active": True}),
        StoredEntity("customer", "c1", 50, 0, {"lat": 30.1}),
    ]
    store.commit(Batch(entities=versions))
    store.commit(Batch(entities=[StoredEntity("rep", "r1", 50, 0, {"name": "corrected"})]))

    found = [(put.entity, put.at, put.seq, put.data) for put in store.entities()]
    assert found == [
        ("rep", 50, 0, {"name": "corrected"}),
        ("customer", 50, 0, {"lat": 30.1}),
        ("rep", 100, 3, {"name": "later"}),
    ]


def test_only_the_latest_published_value_stays(store):
    store.commit(Batch(published=[Publication("script", "s1", "learn", [1, 2.5]), Publication("script", "s0", "n", 3)]))
    store.commit(Batch(published=[Publication("script", "s1", "learn", {"a": timedelta(days=1)})]))
    found = [(value.key, value.name, value.value) for value in store.published()]
    assert found == [("s0", "n", 3), ("s1", "learn", {"a": timedelta(days=1)})]


def test_the_pack_saved_last_is_active(store):
    store.save_pack("rev1", "sales", "1", {"rules/a.yaml": b"alerts: {}"}, {"radius_m": 200}, 5)
    store.save_pack("rev2", "sales", "2", {}, {}, 6)
    assert store.active_pack().version == "2"
    store.save_pack("rev1", "sales", "1", {"rules/a.yaml": b"alerts: {}"}, {"radius_m": 200}, 7)

    active = store.active_pack()
    assert (active.revision, active.name, active.at) == ("rev1", "sales", 5)
    assert active.files == {"rules/a.yaml": b"alerts: {}"}
    assert active.params == {"radius_m": 200}


def test_events_keep_refusals_and_hops(store, logged):
    store.commit(Batch(logged=[logged(1, refusal=("photo_reused", "用过"), hop=3, cause="e0", received_us=7)]))
    found = next(store.events())
    assert isinstance(found, Event)
    assert (found.refusal, found.hop, found.cause, found.received_us) == (("photo_reused", "用过"), 3, "e0", 7)


@pytest.mark.parametrize("store", ["sqlite://", "postgres"], indirect=True)
def test_deadlines_that_are_due_come_in_the_order_in_which_they_fire(store):
    names = ["alert/a", "window/w/9", "other", "workflow/q/sent/0", "entity/5", "rules/wake", "workflow/b/x/0"]
    timers = {("rep", key, name): 7 for key in ("r2", "R1") for name in names}
    store.commit(Batch(timers=timers | {("rep", "r9", "alert/z"): 6, ("rep", "r9", "late"): 9}))
    order = ["entity/5", "workflow/b/x/0", "workflow/q/sent/0", "window/w/9", "rules/wake", "alert/a", "other"]
    expected = [(6, "rep", "r9", "alert/z")]
    for owner in ("entity", "workflow", "window", "rules", "alert", "other"):
        group = [name for name in order if name.partition("/")[0] == owner]
        expected += [(7, "rep", key, name) for key in ("R1", "r2") for name in group]
    assert store.due_timers(7, 100) == expected
    assert [one for start in range(1, 16) for one in store.due_timers(7, start)[start - 1 :]] == expected


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_gone_with_its_store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(url)
    store.commit(Batch(clock=5))
    assert store.clock() == 5
    store.close()
    assert open_store(url).clock() is None
    assert list(tmp_path.iterdir()) == []
