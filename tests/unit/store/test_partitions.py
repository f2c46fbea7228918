import pytest

from engine.errors import StoreError
from engine.store import Batch, SavedPartition


def refusal(store, *saved):
    with pytest.raises(StoreError) as caught:
        store.commit(Batch(partitions=list(saved)))
    return caught.value.code


def test_a_section_that_did_not_change_keeps_what_it_had(store):
    store.commit(Batch(partitions=[SavedPartition("rep", "r1", 0, 1, {"workflows": b"w1", "metrics": b"m1"})]))
    store.commit(Batch(partitions=[SavedPartition("rep", "r1", 1, 2, {"metrics": b"m2"})]))

    found = store.partitions([("rep", "r1"), ("rep", "r2")])
    assert list(found) == [("rep", "r1")]
    loaded = found["rep", "r1"]
    assert (loaded.version, loaded.seq) == (2, 2)
    assert loaded.sections == {"workflows": b"w1", "metrics": b"m2"}


def test_a_partition_that_somebody_else_stepped_is_refused(store):
    store.commit(Batch(partitions=[SavedPartition("rep", "r1", 0, 1, {"metrics": b"m1"})]))

    assert refusal(store, SavedPartition("rep", "r1", 0, 2)) == "version_conflict"
    assert refusal(store, SavedPartition("rep", "r1", 7, 2)) == "version_conflict"
    assert refusal(store, SavedPartition("rep", "never", 1, 2)) == "version_conflict"


def test_one_conflict_among_many_partitions_writes_none_of_them(store):
    keys = [f"r{n}" for n in range(50)]
    store.commit(Batch(partitions=[SavedPartition("rep", key, 0, 1, {"metrics": b"old"}) for key in keys]))

    saved = [SavedPartition("rep", key, 1, 2, {"metrics": b"new"}) for key in keys]
    saved[30].version = 2
    assert refusal(store, *saved) == "version_conflict"

    found = store.partitions([("rep", key) for key in keys])
    assert {(loaded.version, loaded.sections["metrics"]) for loaded in found.values()} == {(1, b"old")}


def test_timers_are_set_moved_and_cancelled(store):
    store.commit(Batch(timers={("quote", "q1", "stall"): 30, ("rep", "r1", "week"): 10, ("rep", "r2", "week"): 10}))
    store.commit(Batch(timers={("quote", "q1", "stall"): 5, ("rep", "r1", "week"): None, ("rep", "r9", "x"): None}))
    assert list(store.timers()) == [(5, "quote", "q1", "stall"), (10, "rep", "r2", "week")]


def test_crashes_of_a_delivery_are_counted_until_it_is_given_up(store):
    delivery = (7, "rep", "r1")

    assert [store.park(delivery, "e7", f"crash {n}") for n in (1, 2, 3)] == [1, 2, 3]
    assert [(p.claims, p.error, p.given_up) for p in store.parked()] == [(3, "crash 3", False)]

    store.commit(Batch(crashed=[delivery, (8, "rep", "never parked")]))
    assert [(p.delivery, p.given_up) for p in store.parked()] == [(delivery, True)]


def test_crashes_are_those_of_an_event_and_not_of_a_place_in_the_log(store):
    delivery = (7, "rep", "r1")
    assert [store.park(delivery, event, "crash") for event in ("e7", "e7", "other", "other", "e7")] == [1, 2, 1, 2, 1]
    assert [(p.event, p.claims) for p in store.parked()] == [("e7", 1)]
